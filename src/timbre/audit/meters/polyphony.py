"""How many notes sound at once: a hint, from a few frames of a recording."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import fft
from scipy.ndimage import maximum_filter1d, median_filter

from timbre.audit.meters.meter import Block, Frames, hann

FRAME_SECONDS = 0.1
# At most so many frames of a file, and not denser than that.
MOST_FRAMES, LEAST_APART_SECONDS = 200, 0.25
FRAMES_AT_ONCE = 32
QUIETEST_DBFS = -65.0

LOWEST_HZ, HIGHEST_HZ, PER_OCTAVE = 55.0, 2000.0, 72
HIGHEST_PARTIAL_HZ, PARTIALS = 5000.0, 16
# A partial is a maximum that stands out of its surroundings by this, and is no further under the frame's highest.
FLOOR_HZ, LEAST_OVER_FLOOR_DB, LEAST_UNDER_TOP_DB = 250.0, 14.0, 45.0
# Partials may lie off the harmonic by this share, and their peaks are this wide.
OFF_SHARE, OFF_HZ = 0.012, 12.0
# Weights of partials (Klapuri 2006, "Multiple fundamental frequency estimation by summing harmonic amplitudes", eq. 3).
ALPHA_HZ, BETA_HZ = 27.0, 320.0
MOST_NOTES = 4
# A further note has at least this share of the first one's salience and so many partials; echoes of notes have less.
LEAST_SHARE, FEWEST_PARTIALS = 0.45, 2


class Polyphony:
    """Mean number of notes at once, 1 to 4, of the frames that have any; NaN where none has.

    The note with the most salient partials is taken out of the spectrum, and what is left is searched again. Notes an
    octave apart count as one, notes in quick succession now and then as two.
    """

    def __init__(self, rate_hz: int, samples: int) -> None:
        """samples: what the file's header says it holds."""
        self._length = max(16, round(FRAME_SECONDS * rate_hz))
        apart = max(round(LEAST_APART_SECONDS * rate_hz), samples // MOST_FRAMES)
        self._pieces_of = Frames(max(apart, self._length))
        self._spectrum = _spectrum(rate_hz, self._length)
        self._waiting: list[np.ndarray] = []
        self._notes, self._frames = 0, 0

    def add(self, block: Block) -> None:
        for piece in self._pieces_of.take(block.mono):
            self._waiting.append(piece[: self._length].copy())
            if len(self._waiting) == FRAMES_AT_ONCE:
                self._count()

    def result(self) -> dict:
        if len(self._pieces_of.rest()) >= self._length:
            self._waiting.append(self._pieces_of.rest()[: self._length])
        self._count()
        return {"polyphony": self._notes / self._frames if self._frames else float("nan")}

    def _count(self) -> None:
        frames = np.array(self._waiting, np.float32).reshape(len(self._waiting), self._length)
        self._waiting = []
        frames = frames - frames.mean(axis=1, keepdims=True)
        frames = frames[np.square(frames).mean(axis=1) > 10.0 ** (QUIETEST_DBFS / 10.0)]
        notes = self._spectrum.notes(frames) if len(frames) else np.zeros(0, int)
        self._notes += int(notes.sum())
        self._frames += int((notes > 0).sum())


class NoteSpectrum:
    """Counts notes in frames of one rate and length."""

    def __init__(self, rate_hz: int, length: int) -> None:
        self._size = fft.next_fast_len(2 * length, real=True)
        self._bin_hz = rate_hz / self._size
        self._window = hann(length)
        self._bins = min(self._size // 2, int(HIGHEST_PARTIAL_HZ / self._bin_hz))
        highest = min(HIGHEST_HZ, rate_hz / 5.0)
        self._f0_hz = LOWEST_HZ * 2.0 ** (np.arange(int(PER_OCTAVE * np.log2(highest / LOWEST_HZ))) / PER_OCTAVE)
        partials_hz = self._f0_hz[:, None] * np.arange(1, PARTIALS + 1)
        self._places = np.rint(partials_hz / self._bin_hz).astype(int)
        beyond = self._places >= self._bins
        self._places[beyond] = 0
        weights = (self._f0_hz[:, None] + ALPHA_HZ) / (partials_hz + BETA_HZ)
        self._weights = np.where(beyond, 0.0, weights).astype(np.float32)

    def notes(self, frames: np.ndarray) -> np.ndarray:
        """How many notes each frame [frames, samples] holds, [frames]; 0 without any partials."""
        left = self._partials(frames)
        count = np.zeros(len(frames), int)
        first = None
        sounding = np.ones(len(frames), bool)
        for _ in range(MOST_NOTES):
            salience, best, partials = self._best(left)
            first = salience if first is None else first
            sounding &= (salience > 0.0) & (salience >= LEAST_SHARE * first) & (partials >= FEWEST_PARTIALS)
            count += sounding
            if not sounding.any():
                break
            left = self._without(left, best)
        return count

    def _partials(self, frames: np.ndarray) -> np.ndarray:
        """Roots of the partials' amplitudes over the frame's highest at their bins, 0 elsewhere. [frames, bins]"""
        spectra = fft.rfft(frames * self._window, self._size)[:, : self._bins]
        amplitude = np.abs(spectra)
        every = max(1, round(FLOOR_HZ / self._bin_hz / 16))
        around = median_filter(amplitude[:, ::every], (1, 17))
        floor = np.repeat(around, every, axis=1)[:, : self._bins]
        peak = np.zeros(amplitude.shape, bool)
        middle = amplitude[:, 1:-1]
        peak[:, 1:-1] = (middle > amplitude[:, :-2]) & (middle >= amplitude[:, 2:])
        peak &= amplitude > 10.0 ** (LEAST_OVER_FLOOR_DB / 20.0) * floor
        top = amplitude.max(axis=1, keepdims=True)
        peak &= amplitude > 10.0 ** (-LEAST_UNDER_TOP_DB / 20.0) * top
        return np.where(peak, np.sqrt(amplitude / np.maximum(top, 1e-12)), 0.0).astype(np.float32)

    def _best(self, left: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Salience, number and partials of the most salient fundamental of each frame."""
        wide = maximum_filter1d(left, 2 * round(OFF_HZ / 2.0 / self._bin_hz) + 1, axis=1)
        wide[:, 0] = 0.0
        found = wide[:, self._places]
        salience = np.einsum("fnp,np->fn", found, self._weights)
        best = salience.argmax(axis=1)
        rows = np.arange(len(left))
        return salience[rows, best], best, (found[rows, best] > 0.0).sum(axis=1)

    def _without(self, left: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Partials that are none of the fundamental's."""
        hertz = np.arange(self._bins) * self._bin_hz
        f0_hz = self._f0_hz[best, None]
        number = np.maximum(1.0, np.rint(hertz / f0_hz))
        own = np.abs(hertz - number * f0_hz) <= OFF_HZ + OFF_SHARE * hertz
        return np.where(own, 0.0, left)


@cache
def _spectrum(rate_hz: int, length: int) -> NoteSpectrum:
    """One for all files of a rate: it keeps nothing of what it is given."""
    return NoteSpectrum(rate_hz, length)
