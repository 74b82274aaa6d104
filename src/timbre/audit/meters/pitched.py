"""How much of a recording has a pitch, and how low and high it goes."""

from __future__ import annotations

import numpy as np
from scipy import fft

from timbre.audit.meters.meter import Block, Frames
from timbre.audit.meters.pauses import SILENCE_DBFS, frame_power, frame_samples

LOWEST_HZ, HIGHEST_HZ = 50.0, 2000.0
# Normalised autocorrelation at the period, over which a frame has a clear pitch; noise stays under a half.
LEAST_CLARITY = 0.8
# The period is the first maximum that comes up to this share of the highest (McLeod & Wyvill 2005, section 5).
FIRST_SHARE = 0.93
FRAMES_AT_ONCE = 64
# The range goes from this percentile of the pitched frames to the same one from above.
OUTER_PERCENT = 2.0
PER_OCTAVE = 96


class Pitch:
    """Share of the sounding 50 ms frames that have a clear pitch between 50 Hz and 2 kHz, and the range of those.

    Frames under -60 dBFS, an offset aside, are silent; a last part frame counts as one. NaN where nothing sounds, or
    nothing has a pitch.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frames_of = Frames(frame_samples(rate_hz))
        self._active = 0
        self._counts = np.zeros(int(PER_OCTAVE * np.log2(HIGHEST_HZ / LOWEST_HZ)) + 2, np.int64)

    def add(self, block: Block) -> None:
        self._count(self._frames_of.take(block.mono))

    def result(self) -> dict:
        if len(self._frames_of.rest()):
            self._count(self._frames_of.rest()[None])
        pitched = self._counts.sum()
        nan = float("nan")
        return {
            "pitched_percent": 100.0 * float(pitched) / self._active if self._active else nan,
            "pitch_low_hz": self._percentile(OUTER_PERCENT) if pitched else nan,
            "pitch_high_hz": self._percentile(100.0 - OUTER_PERCENT) if pitched else nan,
        }

    def _count(self, frames: np.ndarray) -> None:
        active = frame_power(frames) >= 10.0 ** (SILENCE_DBFS / 10.0)
        self._active += int(active.sum())
        found = pitch_hz(frames[active], self._rate_hz)
        steps = PER_OCTAVE * np.log2(found[np.isfinite(found)] / LOWEST_HZ)
        self._counts += np.bincount(np.clip(steps, 0, len(self._counts) - 1).astype(int), minlength=len(self._counts))

    def _percentile(self, percent: float) -> float:
        share = np.cumsum(self._counts) / self._counts.sum()
        return float(LOWEST_HZ * 2.0 ** ((np.argmax(share >= percent / 100.0 - 1e-9) + 0.5) / PER_OCTAVE))


def pitch_hz(frames: np.ndarray, rate_hz: int) -> np.ndarray:
    """Pitch of frames with a clear one between 50 Hz and 2 kHz, NaN for the others. [frames, samples] -> [frames] Hz.

    The first high local maximum of the normalised autocorrelation 2 r(lag) / sum of x[j]^2 + x[j + lag]^2 (McLeod &
    Wyvill 2005, "A smarter way to find pitch", eq. 9) past its first fall below zero.
    """
    return np.concatenate(
        [_pitch_hz(frames[at : at + FRAMES_AT_ONCE], rate_hz) for at in range(0, len(frames), FRAMES_AT_ONCE)]
        or [np.zeros(0)]
    )


def _pitch_hz(frames: np.ndarray, rate_hz: int) -> np.ndarray:
    samples = frames.shape[1]
    shortest = max(1, int(rate_hz / HIGHEST_HZ))
    longest = min(samples // 2, int(rate_hz / LOWEST_HZ)) + 1
    nothing = np.full(len(frames), np.nan)
    if longest - shortest < 2:
        return nothing
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
    peak &= middle > LEAST_CLARITY
    peak[:, : max(0, shortest - 2)] = False
    found = peak.any(axis=1)
    height = np.where(peak, middle, 0.0)
    first = np.argmax(height >= FIRST_SHARE * height.max(axis=1, keepdims=True), axis=1)[found]
    # Column k of `middle` is a lag of k + 2 samples; a parabola through its neighbours finds the place between them.
    before, here, after = (clarity[found, first + step] for step in range(3))
    bend = np.minimum(before - 2.0 * here + after, -1e-9)
    nothing[found] = rate_hz / (first + 2.0 + 0.5 * np.clip((before - after) / bend, -1.0, 1.0))
    return nothing
