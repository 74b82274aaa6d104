"""Tops that were cut off and then turned down: the highest samples pile up at one level, though none are equal."""

from __future__ import annotations

import numpy as np

from timbre.audit.meters.meter import Block

# 0.015 dB each, from -60 to +24 dBFS.
BINS_PER_OCTAVE = 400
LOWEST_OCTAVE, HIGHEST_OCTAVE = -10, 4
KEPT_SHARE = 0.5
# A pile is 0.06 to 0.24 dB wide and at most 4 dB under the highest sample, as far as a filter may overshoot it.
WIDTHS_BINS = (4, 8, 16)
DEEPEST_BINS = 260
LEAST_SAMPLES = 30
SIDE_WIDTHS = 3
# A few samples more on the sides, so that those which hold hardly any prove nothing.
DOUBT_SAMPLES = 3


class PileUp:
    """How many more samples there are at some level near the top of a channel than beside it.

    A histogram of the samples' sizes, those over and those under zero apart, is searched for the narrow window that
    holds most in relation to the windows beside it, one width away: to the mean of three below, or of three above if
    those hold more. Clean sounds thin out towards the top, and even a sine, which lingers there, reaches 3.7. Clipping
    shows through a gain, a dither and an offset, and through resampling where the tops are longer than its filter; a
    steep highpass and most lossy coders blur it.
    """

    def __init__(self, channels: int) -> None:
        self._counts = np.zeros((channels, 2, (HIGHEST_OCTAVE - LOWEST_OCTAVE) * BINS_PER_OCTAVE), np.int64)
        self._tops = np.full((channels, 2), 2.0**LOWEST_OCTAVE, np.float32)

    def add(self, block: Block) -> None:
        for channel, row in enumerate(block.rows):
            for sign, side in enumerate((row, -row)):
                self._tops[channel, sign] = side.max(initial=self._tops[channel, sign])
                # What counts in the end lies over this, whatever is still to come.
                high = side[side > KEPT_SHARE * self._tops[channel, sign]]
                # In doubles, and with no bin's edge at a power of two: a logarithm's last bit depends on the block.
                place = (np.log2(high.astype(np.float64)) - LOWEST_OCTAVE) * BINS_PER_OCTAVE + 0.5
                counts = self._counts[channel, sign]
                np.clip(place, 0, len(counts) - 1, out=place)
                counts += np.bincount(place.astype(np.int64), minlength=len(counts))

    def result(self) -> dict:
        """pile_up_ratio: the highest of all channels, NaN where there are too few samples to tell."""
        found = [self._ratio(counts) for channel in self._counts for counts in channel]
        return {"pile_up_ratio": max(found) if max(found) > 0.0 else float("nan")}

    def _ratio(self, counts: np.ndarray) -> float:
        used = np.flatnonzero(counts)
        if len(used) == 0:
            return 0.0
        # From the top down, with room for what stands above the highest sample.
        room = (SIDE_WIDTHS + 2) * WIDTHS_BINS[-1]
        below = counts[max(0, used[-1] + 1 - DEEPEST_BINS - room) : used[-1] + 1][::-1]
        total = np.concatenate([np.zeros(room + 1), np.cumsum(below), np.full(room, below.sum())])
        best = 0.0
        for width in WIDTHS_BINS:
            at = room + np.arange(min(DEEPEST_BINS, len(below)))
            pile = total[at + width] - total[at]
            side = SIDE_WIDTHS * width
            under = total[np.minimum(at + 2 * width + side, len(total) - 1)] - total[at + 2 * width]
            over = total[at - width] - total[at - width - side]
            ratio = pile / (np.maximum(under, over) / SIDE_WIDTHS + DOUBT_SAMPLES)
            best = max(best, float(ratio[pile >= LEAST_SAMPLES].max(initial=0.0)))
        return best
