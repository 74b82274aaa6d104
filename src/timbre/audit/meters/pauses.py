"""Silence: how much of the sound it is, and the longest pause."""

from __future__ import annotations

import numpy as np

from timbre.audit.meters.meter import Block, Frames

FRAMES_PER_SECOND = 20
SILENCE_DBFS = -60.0


class Pauses:
    """Frames of 50 ms whose RMS lies under -60 dBFS; a last part frame counts as one."""

    def __init__(self, rate_hz: int) -> None:
        self._frame_seconds = frame_samples(rate_hz) / rate_hz
        self._frames_of = Frames(frame_samples(rate_hz))
        self._done, self._silent, self._run = 0, 0, 0
        self._longest, self._at = 0, 0

    def add(self, block: Block) -> None:
        self._count(self._frames_of.take(block.mono))

    def result(self) -> dict:
        """silence_percent; longest_pause_seconds; longest_pause_at_seconds, where it begins, NaN without any."""
        if len(self._frames_of.rest()):
            self._count(self._frames_of.rest()[None])
        return {
            "silence_percent": 100.0 * self._silent / max(1, self._done),
            "longest_pause_seconds": self._longest * self._frame_seconds,
            "longest_pause_at_seconds": self._at * self._frame_seconds if self._longest else float("nan"),
        }

    def _count(self, frames: np.ndarray) -> None:
        sounding = np.flatnonzero(frame_power(frames) >= 10.0 ** (SILENCE_DBFS / 10.0))
        # Each run ends before a frame that sounds; the first may have begun in an earlier block.
        edges = np.concatenate([[-1 - self._run], sounding, [len(frames)]])
        runs = np.diff(edges) - 1
        longest = int(runs.argmax())
        if runs[longest] > self._longest:
            self._longest, self._at = int(runs[longest]), self._done + int(edges[longest]) + 1
        self._run = int(runs[-1])
        self._done += len(frames)
        self._silent += len(frames) - len(sounding)


def frame_samples(rate_hz: int) -> int:
    """Samples of a frame."""
    return max(1, round(rate_hz / FRAMES_PER_SECOND))


def frame_power(frames: np.ndarray) -> np.ndarray:
    """Mean square of frames [frames, samples] about their own mean: an offset is no sound. [frames]."""
    frames = frames - frames.mean(axis=1, keepdims=True)
    return np.einsum("fs,fs->f", frames, frames) / max(1, frames.shape[1])
