"""Statistics against numpy."""

import numpy as np
import pytest

from timbre.cache.statistics import QUANTILES, Statistics


def test_quantiles_equal_numpys_to_a_bin():
    draw, statistics = np.random.default_rng(0), Statistics()
    midi, loudness_db = draw.normal(60, 5, 4000), draw.normal(-30, 8, 4000)
    voiced = (draw.uniform(size=4000) < 0.75).astype("f4")
    f0_hz = 440 * 2 ** ((midi - 69) / 12)
    for part in np.split(np.arange(4000), 8):
        statistics.add({"f0_hz": f0_hz[part], "voiced": voiced[part], "loudness_db": loudness_db[part]})
    summary = statistics.summary()
    assert summary["voiced_share"] == pytest.approx(voiced.mean(), abs=1e-4)
    wanted_midi = np.quantile(midi[voiced > 0], QUANTILES)
    assert 69 + 12 * np.log2(np.array(summary["f0_hz"]) / 440) == pytest.approx(wanted_midi, abs=0.15)
    assert summary["loudness_db"] == pytest.approx(np.quantile(loudness_db, QUANTILES), abs=0.15)


def test_rests_are_no_part_of_the_loudness():
    statistics = Statistics()
    loudness_db = np.concatenate([np.linspace(-30, -20, 500), np.full(5000, -75.0)])
    statistics.add({"f0_hz": np.full(5500, 300.0), "voiced": np.zeros(5500), "loudness_db": loudness_db})
    assert statistics.summary()["loudness_db"] == pytest.approx(np.quantile(loudness_db[:500], QUANTILES), abs=0.15)


def test_nothing_voiced_has_no_pitch():
    statistics = Statistics()
    statistics.add({"f0_hz": np.full(9, 300.0), "voiced": np.zeros(9), "loudness_db": np.full(9, -100.0)})
    summary = statistics.summary()
    assert (summary["voiced_share"], summary["f0_hz"], summary["loudness_db"]) == (0.0, None, None)
