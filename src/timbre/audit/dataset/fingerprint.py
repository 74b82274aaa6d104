"""Fingerprints of sound: landmarks to find a copy by, and phases to prove it by.

Landmarks follow Haitsma & Kalker 2002 ("A Highly Robust Audio Fingerprinting System"): the sign of how differences of
level between neighbouring bands change over time, which knows neither gain nor colour. Theirs has a word every 11.6 ms
with noise in it wherever nothing changes; here "unchanged" is a third state, and a word is kept only at the moments
where most of it is beyond doubt, so that a held note or an idle engine has none.

A melody played twice has the same landmarks. What it does not have again is the phase of its partials: those of the
strongest partial in each of eight regions are kept too, and are equal only where the waveform is.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.ndimage import maximum_filter1d

RATE_HZ = 22050
FRAME_SAMPLES = 2048
HOP_SAMPLES = 256
HOPS_PER_SECOND = RATE_HZ / HOP_SAMPLES
BINS = FRAME_SAMPLES // 2 + 1

BANDS = 17
LOWEST_HZ, HIGHEST_HZ = 200.0, 6000.0
# How far back a level is compared with, and by how much it must differ to have changed: over what codecs do to it.
LAG_FRAMES = 8
CHANGED_DB = 2.0
# A band that lies so far under the loudest one of the half second around may hold anything.
FLOOR_DB, SILENCE_DB = -35.0, -110.0
AROUND_FRAMES = 43
LEAST_CHANGED_BANDS = 3
LARGEST_DOUBT_DB = 3.0
BETWEEN_LANDMARKS_FRAMES = 6
CONTEXT_FRAMES = 64

REGIONS = 8
REGIONS_HZ = (100.0, 8000.0)
REGION_BINS = np.round(np.geomspace(*REGIONS_HZ, REGIONS + 1) * FRAME_SAMPLES / RATE_HZ).astype(int)
# Every second frame has phases.
PHASE_STEP = 2
PARTIAL_FLOOR_DB, PARTIAL_SILENCE_DB = -36.0, -90.0
BIN_BITS, PHASES = 10, 64


class Fingerprinter:
    """Makes the fingerprint of a stream of spectra."""

    def __init__(self) -> None:
        self._levels = np.zeros((0, BANDS), np.float32)
        self._partials = np.zeros((0, REGIONS), np.complex64)
        self._bins = np.zeros((0, REGIONS), np.uint16)
        # Frames that are dropped, and of the others those that are only there as context.
        self._first, self._settled = 0, 0
        self._words: list[np.ndarray] = []
        self._moments: list[np.ndarray] = []
        self._phases: list[np.ndarray] = []

    def add(self, spectra: np.ndarray, power: np.ndarray) -> None:
        """Take the next spectra [frames, bins], a full-scale sine is 1, and their squares; an even number of frames."""
        self._levels = np.concatenate([self._levels, power @ _BAND_WEIGHTS])
        rows = np.arange(0, len(power), PHASE_STEP)
        bins = np.stack(
            [low + power[::PHASE_STEP, low:high].argmax(axis=1) for low, high in pairwise(REGION_BINS)], axis=1
        )
        self._bins = np.concatenate([self._bins, bins.astype(np.uint16)])
        self._partials = np.concatenate([self._partials, spectra[rows[:, None], bins]])
        self._settle(len(self._levels) - CONTEXT_FRAMES)

    def result(self, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """End the stream, of which the first `frames` count.

        Returns: the landmarks' words and frames, both [landmarks] uint32, and phases [frames / 2, 8] uint16: the number
        of the strongest bin of a region, and over it the phase in 64ths of a turn; 0 where there is none.
        """
        self._settle(len(self._levels))
        words, moments = np.concatenate(self._words), np.concatenate(self._moments)
        kept = moments < frames
        phases = np.concatenate(self._phases)[: -(-frames // PHASE_STEP)]
        return words[kept], moments[kept], phases

    def _settle(self, end: int) -> None:
        """Read the frames up to `end`, of which enough is known on either side."""
        start = self._settled
        if end <= start:
            return
        words, where = _landmarks(self._levels)
        inside = (where >= start) & (where < end)
        self._words.append(words[inside])
        self._moments.append((self._first + where[inside]).astype(np.uint32))
        self._phases.append(_phases(self._bins, self._partials)[start // PHASE_STEP : -(-end // PHASE_STEP)])
        dropped = max(0, end - CONTEXT_FRAMES)
        self._levels = self._levels[dropped:].copy()
        self._bins = self._bins[dropped // PHASE_STEP :].copy()
        self._partials = self._partials[dropped // PHASE_STEP :].copy()
        self._first, self._settled = self._first + dropped, end - dropped


def band_weights(edges_hz: np.ndarray) -> np.ndarray:
    """Which share of each bin of the power spectrum lies in each band between edges in Hz: [bins, bands] float32."""
    width_hz = RATE_HZ / FRAME_SAMPLES
    low_hz = (np.arange(BINS)[:, None] - 0.5) * width_hz
    inside = np.minimum(low_hz + width_hz, edges_hz[1:]) - np.maximum(low_hz, edges_hz[:-1])
    return (np.maximum(inside, 0.0) / width_hz).astype(np.float32)


_BAND_WEIGHTS = band_weights(np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1))


def changes_of(words: np.ndarray) -> np.ndarray:
    """The bands' changes that words stand for: [words] uint32 -> [words, 16] of -1, 0, 1."""
    pairs = (words[:, None] >> (2 * np.arange(BANDS - 1, dtype=np.uint32))) & 3
    return (pairs == 1).astype(np.int8) - (pairs == 2).astype(np.int8)


def _landmarks(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Words at the moments where least of them is in doubt, from band powers [frames, bands]; and their frames."""
    around = maximum_filter1d(power.max(axis=1), 2 * AROUND_FRAMES + 1, mode="nearest")
    floor = around * 10.0 ** (FLOOR_DB / 10.0) + 10.0 ** (SILENCE_DB / 10.0)
    level_db = 10.0 * np.log10(power + floor[:, None])
    slope_db = level_db[:, :-1] - level_db[:, 1:]
    change_db = np.zeros_like(slope_db)
    change_db[LAG_FRAMES:] = slope_db[LAG_FRAMES:] - slope_db[:-LAG_FRAMES]
    up, down = change_db > CHANGED_DB, change_db < -CHANGED_DB
    certain = np.minimum(np.abs(np.abs(change_db) - CHANGED_DB), LARGEST_DOUBT_DB).sum(axis=1)
    reach = BETWEEN_LANDMARKS_FRAMES
    best = certain == maximum_filter1d(certain, 2 * reach + 1, mode="nearest")
    # Of equals the first.
    before = np.concatenate([np.full(1, -1.0, np.float32), certain[:-1]])
    best &= certain > maximum_filter1d(before, reach, origin=reach // 2 - 1, mode="nearest")
    best &= (up | down).sum(axis=1) >= LEAST_CHANGED_BANDS
    where = np.flatnonzero(best)
    weights = np.uint32(1) << (2 * np.arange(BANDS - 1, dtype=np.uint32))
    words = (up[where] * weights).sum(axis=1) + (down[where] * (weights << np.uint32(1))).sum(axis=1)
    return words.astype(np.uint32), where


def _phases(bins: np.ndarray, partials: np.ndarray) -> np.ndarray:
    power = np.square(np.abs(partials))
    around = maximum_filter1d(power.max(axis=1), 2 * (AROUND_FRAMES // PHASE_STEP) + 1, mode="nearest")
    heard = power > around[:, None] * 10.0 ** (PARTIAL_FLOOR_DB / 10.0)
    heard &= power > 10.0 ** (PARTIAL_SILENCE_DB / 10.0)
    phase = np.round(np.angle(partials) * (PHASES / (2.0 * np.pi))).astype(np.int64) % PHASES
    return np.where(heard, bins + (phase.astype(np.uint16) << BIN_BITS), 0).astype(np.uint16)
