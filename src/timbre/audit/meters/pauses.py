"""The longest pause: frames in a row in which nothing sounds."""

from __future__ import annotations

import numpy as np

from timbre.audit.meters.level import FRAMES_PER_SECOND, SILENCE_DBFS
from timbre.audit.meters.meter import Block, Frames


class LongestPause:
    """The longest run of 50 ms frames whose RMS lies under -60 dBFS, at the ends of the sound too."""

    def __init__(self, rate_hz: int) -> None:
        self._frame_seconds = max(1, round(rate_hz / FRAMES_PER_SECOND)) / rate_hz
        self._frames_of = Frames(round(self._frame_seconds * rate_hz))
        self._done, self._run = 0, 0
        self._longest, self._at = 0, 0

    def add(self, block: Block) -> None:
        frames = self._frames_of.take(block.mono)
        power = np.einsum("fs,fs->f", frames, frames) / frames.shape[1]
        sounding = np.flatnonzero(power >= 10.0 ** (SILENCE_DBFS / 10.0))
        # Each run ends before a frame that sounds; the first may have begun in an earlier block.
        edges = np.concatenate([[-1 - self._run], sounding, [len(power)]])
        runs = np.diff(edges) - 1
        longest = int(runs.argmax())
        if runs[longest] > self._longest:
            self._longest, self._at = int(runs[longest]), self._done + int(edges[longest]) + 1
        self._run = int(runs[-1])
        self._done += len(power)

    def result(self) -> dict:
        """longest_pause_seconds; longest_pause_at_seconds, where it begins, NaN without any."""
        return {
            "longest_pause_seconds": self._longest * self._frame_seconds,
            "longest_pause_at_seconds": self._at * self._frame_seconds if self._longest else float("nan"),
        }
