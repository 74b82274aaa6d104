"""Pitch of a frame by YIN or by the normalised square difference function, and its gate from frame to frame.

YIN: de Cheveigné & Kawahara 2002, "YIN, a fundamental frequency estimator for speech and music". NSDF: McLeod & Wyvill
2005, "A smarter way to find pitch" (MPM). Both rest on the difference of a window from itself, `lag` samples later:
d(lag) = sum of (x[j] - x[j + lag])^2, over the window less lag samples, so that it describes the window's middle.
"""

import torch
from torch import Tensor

# The first lag whose clarity reaches this share of the highest is the period; the others are its multiples. YIN's own
# absolute threshold (the first dip under 0.1 to 0.2) takes overtones for the pitch where the period's dip is far
# deeper, and the deepest dip of all, a multiple, in noise: see benchmarks/compare_pitch.py.
YIN_FIRST_SHARE = 0.87
MPM_FIRST_SHARE = 0.9
# Mean square of a window (full scale is 1) under which there is nothing to take a pitch of: -100 dBFS.
SILENT_POWER = 1e-10
# A frame that is voiced by hysteresis alone is believed a pitch so near to the last clear one, in octaves.
LEAP_OCTAVES = 0.5


def differences(frames: Tensor, lags: int) -> tuple[Tensor, Tensor]:
    """Difference function and energy of the samples it compares, both [..., lags] float64, for lags 1 to `lags`.

    frames: [..., window]; lags: less than window. d(lag) = energy(lag) - 2 r(lag) with the autocorrelation r (de
    Cheveigné & Kawahara, eq. 7; McLeod & Wyvill, eq. 6), where energy(lag) = sum of x[j]^2 + x[j + lag]^2.
    """
    window = frames.shape[-1]
    # Double precision: a tie between two lags must fall the same way in a batch of frames and in a single one.
    x = frames.to(torch.float64)
    x = x - x.mean(dim=-1, keepdim=True)
    # Just so long that no lag that is wanted is folded on to another.
    size = window + window // 2 if lags <= window // 2 and not _only_powers_of_two() else 2 * window
    spectrum = torch.fft.rfft(x, n=size)
    correlation = torch.fft.irfft(spectrum.real.square() + spectrum.imag.square(), n=size)
    # What falls out of the sum with every further lag: one sample at the end of its head, one at the start of its tail.
    lost = x[..., :lags].square() + x[..., window - lags :].flip(-1).square()
    energy = 2.0 * correlation[..., :1] - torch.cumsum(lost, dim=-1)
    return energy - 2.0 * correlation[..., 1 : lags + 1], energy


def _only_powers_of_two() -> bool:
    """Whether FFTs of other sizes are slow: so they are in ONNX graphs."""
    if torch.jit.is_scripting():
        return False
    else:
        return torch.onnx.is_in_onnx_export()


def yin_clarity(difference: Tensor, window: int) -> Tensor:
    """1 - d'(lag), with the cumulative mean normalised difference d' (eq. 8), at most 1. [..., lags], from lag 1 on.

    The mean of the squares stands for their sum, since here the sum runs over fewer samples the longer the lag.
    """
    lag = torch.arange(1, difference.shape[-1] + 1, dtype=torch.float64, device=difference.device)
    mean = difference / (window - lag)
    return 1.0 - mean * lag / torch.cumsum(mean, dim=-1).clamp(min=1e-20)


def nsdf(difference: Tensor, energy: Tensor) -> Tensor:
    """n(lag) = 2 r(lag) / energy(lag) (McLeod & Wyvill, eq. 9), in [-1, 1]. [..., lags], from lag 1 on."""
    return 1.0 - difference / energy.clamp(min=1e-20)


def track_pitch(
    frames: Tensor,
    sample_rate: float,
    f0_min_hz: float,
    f0_max_hz: float,
    method: str = "yin",
    yin_first_share: float = YIN_FIRST_SHARE,
    mpm_first_share: float = MPM_FIRST_SHARE,
    silent_power: float = SILENT_POWER,
) -> tuple[Tensor, Tensor]:
    """Pitch and its clarity, frame by frame, without memory.

    frames: [batch, frames, window]; method: yin or mpm.
    Returns: f0 in Hz and clarity in [0, 1], both [batch, frames] float32. Where nothing repeats (silence, DC, a
    window without a maximum) clarity is 0 and f0 is `f0_min_hz`, so that both are finite whatever comes in.
    """
    window = frames.shape[-1]
    shortest = max(2, int(sample_rate / f0_max_hz))
    longest = min(window // 2, int(sample_rate / f0_min_hz) + 1)
    difference, energy = differences(frames, longest + 1)
    yin = method == "yin"
    clarities = yin_clarity(difference, window) if yin else nsdf(difference, energy)
    # A peak has a neighbour on either side, so that the first that can be one is at lag 2.
    skipped = shortest - 2
    before, middle, after = clarities[..., skipped:-2], clarities[..., skipped + 1 : -1], clarities[..., skipped + 2 :]
    is_peak = (middle > before) & (middle >= after)
    if not yin:
        # The slope at lag 0 is not a period: only what follows the first dip below zero counts (key maxima, section 5).
        # YIN's clarity begins at 0.
        negative = (clarities[..., 1:-1] < 0.0).to(torch.int64)
        is_peak = is_peak & (torch.cumsum(negative, dim=-1) > 0)[..., skipped:]
    heights = torch.where(is_peak, middle, torch.zeros_like(middle))
    highest = heights.amax(dim=-1, keepdim=True)
    share = yin_first_share if yin else mpm_first_share
    chosen = (heights >= share * highest).to(torch.uint8).argmax(dim=-1, keepdim=True)
    # Parabola through the three points about the maximum.
    left, top, right = before.gather(-1, chosen), middle.gather(-1, chosen), after.gather(-1, chosen)
    curvature = (left - 2.0 * top + right).clamp(max=-1e-12)
    offset = (0.5 * (left - right) / curvature).clamp(-0.5, 0.5)
    period = (chosen + shortest).to(torch.float64) + offset
    clarity = (top - 0.25 * (left - right) * offset).clamp(0.0, 1.0)
    found = (highest > 0.0) & (energy[..., :1] > 2 * window * silent_power)
    f0_hz = torch.where(found, (sample_rate / period).clamp(f0_min_hz, f0_max_hz), f0_min_hz)
    clarity = torch.where(found, clarity, 0.0)
    return f0_hz.squeeze(-1).to(torch.float32), clarity.squeeze(-1).to(torch.float32)


def gate_pitch(
    f0_hz: Tensor,
    clarity: Tensor,
    voiced_on: float,
    voiced_off: float,
    last_f0_hz: Tensor,
    last_voiced: Tensor,
    leap_octaves: float = LEAP_OCTAVES,
) -> tuple[Tensor, Tensor]:
    """Hysteresis on clarity, and the pitch of the last voiced frame held through what is not voiced.

    f0_hz, clarity: [batch, frames]; last_f0_hz: [batch, 2], the pitch held and that of the last clear frame;
    last_voiced: [batch, 1]; both as the frame before had them.
    Returns: held f0 and f0 of the last clear frame in Hz, [batch, frames, 2], and voiced (0 or 1), [batch, frames]. A
    frame is clear, and voiced, from clarity `voiced_on` on, unvoiced under `voiced_off`, and as the one before it in
    between, where a note dies away or noise covers it: there a leap from the last clear pitch is an error of the
    tracker far more often than a note, so it is not followed. A clear frame is believed at once.
    """
    # The past stands in front as step 0, so that a running maximum of steps serves as memory.
    padded = torch.nn.functional.pad(clarity, [1, 0])
    steps = torch.arange(padded.shape[1], device=clarity.device)
    clear_at = torch.cummax(steps * (padded >= voiced_on), dim=1)[0]
    off_at = torch.cummax(steps * (padded < voiced_off), dim=1)[0]
    # They are equal only where both are the past.
    voiced = clear_at + 0.5 * last_voiced > off_at
    pitch_hz = torch.cat([last_f0_hz[:, :1], f0_hz], dim=1)
    clear_hz = torch.cat([last_f0_hz[:, 1:], f0_hz], dim=1).gather(1, clear_at)
    ratio = pitch_hz / clear_hz
    near = (ratio < 2.0**leap_octaves) & (ratio > 2.0**-leap_octaves)
    held_at = torch.cummax(steps * (voiced & near), dim=1)[0]
    held = torch.stack([pitch_hz.gather(1, held_at), clear_hz], dim=-1)
    return held[:, 1:], voiced[:, 1:].to(torch.float32)
