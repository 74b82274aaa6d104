"""How far a mean over a few items can be trusted."""

from __future__ import annotations

import numpy as np
from scipy import stats

RESAMPLES = 10_000
CONFIDENCE = 0.95
# Under it the items say nothing of others of their kind.
FEWEST_ITEMS = 3


def mean_interval(values: np.ndarray) -> tuple[float, float] | None:
    """95 % interval of the mean of values [items] by the bootstrap, always the same; None for fewer than 3 items.

    Percentiles of the means of 10,000 resamples. Plain percentiles are too narrow where items are few: the tails are
    taken as far out as Student's t and the missing n / (n - 1) ask for (Hesterberg 2015, "What teachers should know
    about the bootstrap", The American Statistician 69(4), "expanded percentile interval").
    """
    count = len(values)
    if count < FEWEST_ITEMS:
        return None
    draws = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    quantile = stats.t.isf((1.0 - CONFIDENCE) / 2.0, count - 1) * np.sqrt(count / (count - 1))
    tail = float(stats.norm.sf(quantile))
    low, high = np.quantile(np.asarray(values, dtype=np.float64)[draws].mean(axis=1), [tail, 1.0 - tail])
    return float(low), float(high)
