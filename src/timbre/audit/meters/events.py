"""How often something begins in a recording, and how long it rings on when it ends."""

from __future__ import annotations

import numpy as np
from scipy import fft
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from timbre.audit.meters.meter import Block, Frames, hann

FRAME_SECONDS = 0.0213
BANDS, BAND_RANGE_HZ = 40, (60.0, 16000.0)
# Frames, 11 ms apart, that are judged together, and what a judgement needs to know on either side of them.
SEGMENT_FRAMES, CONTEXT_FRAMES = 930, 12
FRAMES_AT_ONCE = 256

# Levels so far under the loudest begin to count, and nothing under this.
COMPRESSION_DB = 60.0
QUIETEST_REFERENCE_DBFS = -50.0
# A level is compared with the highest of so many bands so long before: vibrato moves partials, but not so far.
WIDTH_BANDS, LAG_FRAMES = 3, 2
# An onset is the highest strength around it, and lies over the mean of its surroundings by the threshold, which steady
# noise reaches once in three seconds and soft, tongued notes do.
NEAR_FRAMES, AROUND_FRAMES = 2, 4
THRESHOLD = 0.06

# A decay is a fall from 5 to 25 dB under a peak, as for the reverberation time T20 of ISO 3382-1, in which the level
# never comes up by more than 3 dB again.
START_DB, END_DB, LARGEST_RISE_DB = 5.0, 25.0, 3.0
LONGEST_FRAMES = 380
FEWEST_DECAYS = 2
# Notes may die away slowly, but none sooner than the room, so the shorter of the decays tell of it.
DECAY_PERCENT = 25.0


class Events:
    """Onsets a second, and the seconds in which the sound would fall by 60 dB after it ends.

    `decay_seconds` is the lower quartile of all free decays of the level: of the room and of what rings on by itself, a
    string or a drum. NaN where there are none, as in a line without pauses.
    """

    def __init__(self, rate_hz: int) -> None:
        size = max(16, 2 ** round(np.log2(FRAME_SECONDS * rate_hz)))
        self._rate_hz, self._hop = rate_hz, size // 2
        self._window = hann(size)
        self._scale = float(np.square(self._window).sum()) * size / 2.0
        top = min(BAND_RANGE_HZ[1], 0.45 * rate_hz)
        edges = np.geomspace(BAND_RANGE_HZ[0], top, BANDS + 1) * size / rate_hz
        # Of an offset the window lets nothing through from the second bin on.
        self._edges = np.unique(np.maximum(2, np.rint(edges)).astype(int))
        # Silence before the sound: what begins at once has an onset there.
        self._frames_of = Frames(size, self._hop)
        self._frames_of.take(np.zeros(self._hop, np.float32))
        self._waiting = [np.full((CONTEXT_FRAMES, len(self._edges) - 1), 1e-12, np.float32)]
        self._samples, self._loudest, self._onsets = 0, 0.0, 0
        self._decays = Decays(self._hop / rate_hz)

    def add(self, block: Block) -> None:
        self._samples += len(block.mono)
        self._take(block.mono)

    def result(self) -> dict:
        # The edge of a sound that is cut off would be heard as a click, so nothing follows it.
        self._take(np.zeros(max(0, self._hop - self._samples), np.float32))
        self._judge(np.concatenate(self._waiting), last=True)
        return {
            "onsets_per_second": self._onsets * self._rate_hz / self._samples,
            "decay_seconds": self._decays.result(),
        }

    def _take(self, samples: np.ndarray) -> None:
        frames = self._frames_of.take(samples)
        for at in range(0, len(frames), FRAMES_AT_ONCE):
            spectra = fft.rfft(frames[at : at + FRAMES_AT_ONCE] * self._window)
            power = spectra.real**2 + spectra.imag**2
            bands = np.add.reduceat(power[:, : self._edges[-1]], self._edges[:-1], axis=1) / self._scale
            self._waiting.append(bands)
            self._decays.add(bands.sum(axis=1))
        waiting = np.concatenate(self._waiting)
        whole = SEGMENT_FRAMES + 2 * CONTEXT_FRAMES
        while len(waiting) >= whole:
            self._judge(waiting[:whole])
            waiting = waiting[SEGMENT_FRAMES:]
        self._waiting = [waiting]

    def _judge(self, power: np.ndarray, last: bool = False) -> None:
        """Count the onsets in all frames but the context on either side; at the end there is none on the right.

        Spectral flux whose past is widened over neighbouring bands (Böck and Widmer 2013, "Maximum filter vibrato
        suppression for onset detection"): the mean over bands of how much log10(1 + 1000 M / loudest M) has risen in
        21 ms, M the magnitude in a band.
        """
        self._loudest = max(self._loudest, float(power.max()))
        reference = max(self._loudest, 10.0 ** (QUIETEST_REFERENCE_DBFS / 10.0))
        levels = np.log10(1.0 + 10.0 ** (COMPRESSION_DB / 20.0) * np.sqrt(power / reference))
        before = maximum_filter1d(levels, WIDTH_BANDS, axis=1)[:-LAG_FRAMES]
        strength = np.zeros(len(levels))
        strength[LAG_FRAMES:] = np.maximum(levels[LAG_FRAMES:] - before, 0.0).mean(axis=1)
        # Of equal neighbours the first counts.
        highest = strength >= maximum_filter1d(strength, 2 * NEAR_FRAMES + 1, mode="constant")
        highest[1:] &= strength[1:] > strength[:-1]
        surroundings = uniform_filter1d(strength, 2 * AROUND_FRAMES + 1, mode="constant")
        found = highest & (strength >= surroundings + THRESHOLD)
        stop = len(power) if last else CONTEXT_FRAMES + SEGMENT_FRAMES
        self._onsets += int(found[CONTEXT_FRAMES:stop].sum())


class Decays:
    """Reverberation times of a stream's free decays."""

    def __init__(self, hop_seconds: float) -> None:
        self._hop_seconds = hop_seconds
        self._waiting = np.zeros(0)
        self._found: list[np.ndarray] = []

    def add(self, power: np.ndarray) -> None:
        """Take the next frames' power [frames]."""
        self._waiting = np.concatenate([self._waiting, power])
        whole = SEGMENT_FRAMES + LONGEST_FRAMES
        while len(self._waiting) >= whole:
            self._found.append(decay_times(self._waiting[:whole], SEGMENT_FRAMES, self._hop_seconds))
            # One frame more, so that a peak right at the seam has both its neighbours once.
            self._waiting = self._waiting[SEGMENT_FRAMES - 1 :]

    def result(self) -> float:
        """Their lower quartile in seconds; NaN where there are too few."""
        self._found.append(decay_times(self._waiting, len(self._waiting), self._hop_seconds))
        times = np.concatenate(self._found)
        return float(np.percentile(times, DECAY_PERCENT)) if len(times) >= FEWEST_DECAYS else float("nan")


def decay_times(power: np.ndarray, starts_before: int, hop_seconds: float) -> np.ndarray:
    """Seconds in which each decay of power [frames] that starts before that frame would go on to fall by 60 dB."""
    if len(power) < 3:
        return np.zeros(0)
    level = 10.0 * np.log10(uniform_filter1d(power, 3, mode="nearest") + 1e-15)
    inner = level[1:-1]
    peaks = 1 + np.flatnonzero((inner > level[:-2]) & (inner >= level[2:]))
    peaks = peaks[peaks < starts_before - 1]
    if len(peaks) == 0:
        return np.zeros(0)
    ahead = np.minimum(peaks[:, None] + np.arange(LONGEST_FRAMES), len(level) - 1)
    path = level[ahead] - level[peaks, None]
    lowest = np.minimum.accumulate(path, axis=1)
    rising = path > lowest + LARGEST_RISE_DB
    rising |= path > LARGEST_RISE_DB
    broken = np.where(rising.any(axis=1), rising.argmax(axis=1), LONGEST_FRAMES)
    ended = np.where((lowest <= -END_DB).any(axis=1), (lowest <= -END_DB).argmax(axis=1), LONGEST_FRAMES)
    begun = (lowest <= -START_DB).argmax(axis=1)
    # Of the peaks of one decay, which all reach its end, the last one is its start.
    whole = (ended < broken) & (peaks + ended < len(level) - 1)
    _, first = np.unique((peaks + ended)[whole][::-1], return_index=True)
    chosen = np.flatnonzero(whole)[::-1][first]
    frames = np.arange(LONGEST_FRAMES)
    part = (frames >= begun[chosen, None]) & (frames <= ended[chosen, None])
    count = part.sum(axis=1)
    at = np.where(part, frames, 0.0)
    down = np.where(part, path[chosen], 0.0)
    slope = (count * (at * down).sum(axis=1) - at.sum(axis=1) * down.sum(axis=1)) / np.maximum(
        count * (at**2).sum(axis=1) - at.sum(axis=1) ** 2, 1.0
    )
    # Two frames or fewer in between: sooner than can be told.
    slope = np.where(count > 2, slope, -(END_DB - START_DB) / 2.0)
    return -60.0 / np.minimum(slope, -1e-3) * hop_seconds
