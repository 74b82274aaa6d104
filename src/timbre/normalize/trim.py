"""Cutting out pauses: where nothing sounds, and how what is left is joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

# A frame is silent as it is in the audit: 50 ms whose mean square lies under -60 dBFS. One with a sample over -40 dBFS
# is none, since a note may begin at its end.
FRAMES_PER_SECOND = 20
SILENT_POWER = 1e-6
LOUD_SAMPLE = 1e-2
# What goes is faded over this, and a cut that would gain less than ten times as much is none.
FADE_SECONDS = 0.01
LEAST_CUT_SECONDS = 0.1


@dataclass(frozen=True)
class Sound:
    """What stays of a recording of `samples` samples: the parts `kept`, first sample and the one after the last."""

    kept: tuple[tuple[int, int], ...]
    samples: int
    rate_hz: int

    @property
    def fade(self) -> int:
        """Length of a cross-fade in samples."""
        return round(FADE_SECONDS * self.rate_hz)

    def places(self) -> list[tuple[float, float, float]]:
        """Of each part, in seconds: where it starts in what comes out and in the recording, and how long it is."""
        at, found = 0, []
        for first, last in self.kept:
            at += self.fade if first else 0
            found.append((at / self.rate_hz, first / self.rate_hz, (last - first) / self.rate_hz))
            at += last - first
        return found

    @property
    def trimmed_seconds(self) -> float:
        """How much shorter it becomes."""
        fades = sum(first > 0 for first, _ in self.kept) + (self.kept[-1][1] < self.samples)
        return (self.samples - sum(last - first for first, last in self.kept) - fades * self.fade) / self.rate_hz


class PauseFinder:
    """Finds the pauses in a stream, by the level in the file, so that no gain moves them.

    A frame is a pause where every channel is silent in it without its offset, which is known at the end only: so sums
    and extremes are kept of each frame.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._frame = max(1, round(rate_hz / FRAMES_PER_SECOND))
        self._frames: list[tuple[np.ndarray, ...]] = []
        self._rest = np.zeros((0, channels))
        self._samples = 0

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples [samples, channels]."""
        self._samples += len(samples)
        joined = np.concatenate([self._rest, samples]) if len(self._rest) else samples.astype(np.float64)
        whole = len(joined) // self._frame * self._frame
        self._count(joined[:whole].reshape(-1, self._frame, joined.shape[1]))
        self._rest = joined[whole:]

    def sound(self, padding_seconds: float) -> Sound:
        """All that sounds, with as much of a pause on either side; a stream in which nothing sounds stays whole."""
        if len(self._rest):
            self._count(self._rest[None])
            self._rest = self._rest[:0]
        sums, squares, lowest, highest = (np.concatenate(parts) for parts in zip(*self._frames, strict=True))
        lengths = np.full(len(sums), self._frame)
        lengths[-1] = self._samples - self._frame * (len(sums) - 1)
        means = sums.sum(axis=0) / self._samples
        power = squares / lengths[:, None] - 2.0 * means * (sums / lengths[:, None]) + means**2
        loud = (power >= SILENT_POWER) | (highest - means > LOUD_SAMPLE) | (means - lowest > LOUD_SAMPLE)
        sounds = np.diff(loud.any(axis=1).astype(np.int8), prepend=0, append=0)
        firsts, lasts = np.flatnonzero(sounds > 0), np.flatnonzero(sounds < 0)
        padding, least = round(padding_seconds * self._rate_hz), round(LEAST_CUT_SECONDS * self._rate_hz)
        kept = [(0, 0)]
        for first, last in zip(firsts * self._frame - padding, lasts * self._frame + padding, strict=True):
            if first - kept[-1][1] < least:
                kept[-1] = kept[-1][0], int(last)
            else:
                kept.append((int(first), int(last)))
        if kept[-1][1] + least > self._samples:
            kept[-1] = kept[-1][0], self._samples
        kept = [span for span in kept if span[1] > 0]
        return Sound(tuple(kept or [(0, self._samples)]), self._samples, self._rate_hz)

    def _count(self, frames: np.ndarray) -> None:
        """frames: [frames, samples, channels] float64."""
        if len(frames):
            squares = np.einsum("fsc,fsc->fc", frames, frames)
            self._frames.append((frames.sum(axis=1), squares, frames.min(axis=1), frames.max(axis=1)))


def cut(stream: Iterable[np.ndarray], sound: Sound) -> Iterator[np.ndarray]:
    """The parts of a stream of blocks [samples, channels] that are kept, every sample as it was.

    Between two of them, at the start and at the end lies a cross-fade of the pause that goes, of raised cosines over
    10 ms, so that no step is heard.
    """
    fade = sound.fade
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)).astype(np.float32)[:, None]
    falling, at = np.zeros_like(rise), 0
    for block in stream:
        for first, last in sound.kept:
            here = slice(*(np.clip([first - fade, first], at, at + len(block)) - at)) if first else slice(0, 0)
            if here.stop > here.start:
                there = slice(here.start + at - first + fade, here.stop + at - first + fade)
                yield block[here] * rise[there] + falling[there]
            here = slice(*(np.clip([first, last], at, at + len(block)) - at))
            if here.stop > here.start:
                yield block[here]
            here = slice(*(np.clip([last, last + fade], at, at + len(block)) - at))
            if here.stop > here.start:
                falling = np.broadcast_to(falling, (fade, block.shape[1])).copy()
                there = slice(here.start + at - last, here.stop + at - last)
                falling[there] = block[here] * rise[::-1][there]
        at += len(block)
    if sound.kept[-1][1] < sound.samples:
        yield falling
