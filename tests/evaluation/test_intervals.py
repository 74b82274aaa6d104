"""Intervals of means against Student's t, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from timbre.evaluation.intervals import mean_interval


def test_few_items_have_none_and_equal_ones_no_width():
    assert mean_interval(np.array([1.0, 2.0])) is None
    assert mean_interval(np.full(5, 0.25)) == (0.25, 0.25)


@pytest.mark.parametrize("count", [8, 40, 200])
def test_for_normal_items_it_is_student_s(count):
    values = np.random.default_rng(1).normal(3.0, 2.0, count)
    expected = stats.t.interval(0.95, count - 1, values.mean(), values.std(ddof=1) / np.sqrt(count))
    assert mean_interval(values) == pytest.approx(expected, rel=0.05 if count > 20 else 0.15)
    assert mean_interval(values) == mean_interval(values)


def test_it_holds_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    found = [mean_interval(rng.normal(size=6)) for _ in range(150)]
    assert 0.88 <= np.mean([low <= 0.0 <= high for low, high in found]) <= 0.99
