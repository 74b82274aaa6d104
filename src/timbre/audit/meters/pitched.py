"""Whether a frame of sound repeats itself at the rate of a musical pitch."""

from __future__ import annotations

import numpy as np
from scipy import fft

LOWEST_HZ, HIGHEST_HZ = 50.0, 2000.0
# Normalised autocorrelation at the period, over which a frame has a clear pitch; noise stays under a half.
LEAST_CLARITY = 0.8
FRAMES_AT_ONCE = 64


def has_pitch(frames: np.ndarray, rate_hz: int) -> np.ndarray:
    """Which frames have a clear periodicity between 50 Hz and 2 kHz. [frames, samples] -> [frames] bool.

    The highest local maximum of the normalised autocorrelation 2 r(lag) / sum of x[j]^2 + x[j + lag]^2 (McLeod & Wyvill
    2005, eq. 9) past its first fall below zero.
    """
    return np.concatenate(
        [_has_pitch(frames[at : at + FRAMES_AT_ONCE], rate_hz) for at in range(0, len(frames), FRAMES_AT_ONCE)]
        or [np.zeros(0, bool)]
    )


def _has_pitch(frames: np.ndarray, rate_hz: int) -> np.ndarray:
    samples = frames.shape[1]
    shortest = max(1, int(rate_hz / HIGHEST_HZ))
    longest = min(samples // 2, int(rate_hz / LOWEST_HZ)) + 1
    if longest - shortest < 2:
        return np.zeros(len(frames), bool)
    x = (frames - frames.mean(axis=1, keepdims=True)).astype(np.float32)
    size = fft.next_fast_len(samples + longest, real=True)
    spectrum = fft.rfft(x, size)
    correlation = fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[:, : longest + 1]
    lost = x[:, :longest] ** 2 + x[:, : -longest - 1 : -1] ** 2
    energy = 2.0 * correlation[:, :1] - np.cumsum(lost, axis=1)
    clarity = 2.0 * correlation[:, 1:] / np.maximum(energy, 1e-12)
    middle = clarity[:, 1:-1]
    peak = (middle > clarity[:, :-2]) & (middle >= clarity[:, 2:])
    peak &= np.logical_or.accumulate(middle < 0.0, axis=1)
    return (peak & (middle > LEAST_CLARITY))[:, max(0, shortest - 2) :].any(axis=1)
