"""How many different sounds a set holds: one, a few, or far too many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from timbre.audit.meters.sketch import MFCCS, Sketch

# The index grows with the number of windows: these many are drawn at most.
WINDOWS, SEED = 600, 0
FEWEST_WINDOWS = 30
# Fixed, so that figures of different sets compare: what differs by so much in each coefficient is another sound.
MEAN_SCALE, SPREAD_SCALE = 12.0, 6.0
_SCALES = np.repeat([MEAN_SCALE, SPREAD_SCALE], MFCCS)


def variety(sketches: Sequence[Sketch]) -> dict:
    """Vendi score of seconds drawn from all recordings, in the order given.

    The Vendi score (Friedman & Dieng 2023) is the exponential of the entropy of the eigenvalues of K / n: 1 where all
    are equal, n where none is like another. K is exp(-d / 2) of the mean squared difference d of two seconds' MFCCs,
    each divided by its scale. An idle engine has 1.0; one instrument 2 to 5, a speaker 10, a drum kit 7 to 19, fourteen
    of them 22, unrelated effects 26.
    Returns: vendi, spread (root mean squared distance from the middle, in scales of all coefficients together), and
    the number of windows; {} where there are too few of them.
    """
    counts = np.array([len(sketch.mfcc) for sketch in sketches], np.int64)
    if counts.sum() < FEWEST_WINDOWS:
        return {}
    drawn = np.random.default_rng(SEED).permutation(counts.sum())[:WINDOWS]
    ends = np.cumsum(counts)
    windows = np.empty((len(drawn), 2 * MFCCS))
    for number, place in enumerate(np.sort(drawn)):
        file = int(np.searchsorted(ends, place, side="right"))
        windows[number] = sketches[file].mfcc[place - ends[file]]
    windows /= _SCALES
    squares = np.square(windows).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares - 2.0 * windows @ windows.T, 0.0) / windows.shape[1]
    values = np.linalg.eigvalsh(np.exp(-0.5 * distances) / len(windows))
    values = values[values > 1e-12]
    return {
        "vendi": float(np.exp(-np.sum(values * np.log(values)))),
        "spread": float(np.sqrt(np.square(windows - windows.mean(axis=0)).sum(axis=1).mean())),
        "windows": len(windows),
    }
