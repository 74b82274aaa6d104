"""Learning rate and averaging as pure functions of the step, so that a resumed run goes on just as it was."""

import math

FINAL_SHARE = 0.02
WARM_UP_STEPS = 50


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then a half cosine down to 2 % of the peak (Loshchilov & Hutter 2017, SGDR, one cycle)."""
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / max(1, steps))))
    return peak * warm_up * (FINAL_SHARE + (1.0 - FINAL_SHARE) * cosine)


def averaging_decay(step: int, decay: float) -> float:
    """Decay of the averaged weights at a step: small at first, so that the start is forgotten soon."""
    return min(decay, (1.0 + step) / (10.0 + step))
