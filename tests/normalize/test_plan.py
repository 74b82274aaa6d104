"""The arithmetic of gains and names."""

from dataclasses import replace

import numpy as np
import pytest

from timbre.audio.table import to_table
from timbre.normalize.plan import energy_mean_lufs, fit, make_plan, output_names
from timbre.normalize.trim import Sound
from timbre.params import Normalize


def table(*rows):
    defaults = {
        "readable": True, "refused": False, "held_out": False, "duplicate_of": "", "channel_plan": "mono",
        "duration_seconds": 10.0, "loudness_lufs": -30.0, "mix_true_peak_dbtp": -20.0,
    }  # fmt: skip
    return to_table([defaults | row for row in rows])


def settings(mode="dataset", target=-20.0, ceiling=-1.0, most=20.0, limiter=0.0):
    return Normalize(
        mode=mode, target_lufs=target, ceiling_dbtp=ceiling, max_gain_db=most, limiter_max_db=limiter,
        noise_floor_max_dbfs=-50.0, trim_silence=False, trim_padding_seconds=0.5,
    )  # fmt: skip


def gains(plan):
    return {item.source: pytest.approx(item.gain_db, abs=1e-9) for item in plan[0]}


def test_energy_mean_is_the_loudness_of_one_after_the_other():
    assert energy_mean_lufs([-20.0, -20.0], [1.0, 9.0]) == pytest.approx(-20.0)
    assert energy_mean_lufs([-20.0, -200.0], [1.0, 1.0]) == pytest.approx(-23.0103)
    assert energy_mean_lufs([-20.0, -200.0], [1.0, 9.0]) == pytest.approx(-30.0)


def test_dataset_has_one_gain_from_training_files():
    plan = make_plan(table(
        {"file": "a.wav", "loudness_lufs": -24.0}, {"file": "b.wav", "loudness_lufs": -34.0, "duration_seconds": 30.0},
        {"file": "test/c.wav", "held_out": True, "loudness_lufs": -50.0},
    ), settings())  # fmt: skip
    wanted = -20.0 - 10.0 * np.log10((10.0 * 10.0**-2.4 + 30.0 * 10.0**-3.4) / 40.0)
    assert {"a.wav": wanted, "b.wav": wanted, "test/c.wav": wanted} == gains(plan)
    assert plan[1][0].limited_by == ""


def test_ceiling_lowers_all_and_names_the_file():
    hot = {"file": "hot.wav", "mix_true_peak_dbtp": -0.5}
    items, (gain,) = make_plan(table({"file": "a.wav"}, hot, {"file": "c.wav", "mix_true_peak_dbtp": -8.0}), settings())
    assert [item.gain_db for item in items] == [-0.5] * 3
    assert (gain.wanted_db, gain.gain_db, gain.limited_by) == (pytest.approx(10.0), -0.5, "hot.wav")
    assert gain.next_db == pytest.approx(7.0)


def test_group_has_a_gain_for_each_folder():
    plan = make_plan(table(
        {"file": "x/a.wav"}, {"file": "x/b.wav"}, {"file": "y/a.wav", "loudness_lufs": -25.0}, {"file": "c.wav"},
        {"file": "y/test/d.wav", "held_out": True, "loudness_lufs": -22.0},
    ), settings("group"))  # fmt: skip
    assert gains(plan) == {"x/a.wav": 10.0, "x/b.wav": 10.0, "y/a.wav": 5.0, "c.wav": 10.0, "y/test/d.wav": 5.0}
    assert [gain.group for gain in plan[1]] == [".", "x", "y"]


def test_held_out_recordings_alone_set_their_level():
    items, found = make_plan(table(
        {"file": "x/a.wav"}, {"file": "x/Test/b.wav", "held_out": True, "loudness_lufs": -10.0},
        {"file": "test/y/c.wav", "held_out": True, "loudness_lufs": -24.0}, {"file": "x/deep/d.wav"},
        {"file": "test/e.wav", "held_out": True, "loudness_lufs": -23.0, "duration_seconds": 30.0},
    ), settings("group"))  # fmt: skip
    facts = {gain.group: (gain.files, gain.held_out_files, gain.loudness_lufs, gain.minutes) for gain in found}
    assert facts == {
        ".": (1, 1, pytest.approx(-23.0), 0.5), "x": (2, 1, pytest.approx(-30.0), pytest.approx(1 / 6)),
        "x/deep": (1, 0, pytest.approx(-30.0), pytest.approx(1 / 6)),
        "y": (1, 1, pytest.approx(-24.0), pytest.approx(1 / 6)),
    }  # fmt: skip
    expected = {"x/a.wav": 10.0, "x/Test/b.wav": 10.0, "test/y/c.wav": 4.0, "x/deep/d.wav": 10.0, "test/e.wav": 3.0}
    assert gains((items, found)) == expected


@pytest.mark.parametrize("mode", ["dataset", "group", "file"])
def test_with_a_limiter_a_peak_may_pass_the_ceiling_by_as_much(mode):
    rows = table({"file": "a.wav", "mix_true_peak_dbtp": -4.0})
    # A tenth of a dB is its margin.
    for limiter, gain_db in ((0.0, 3.0), (0.05, 3.0), (2.0, 4.9), (12.0, 10.0)):
        assert gains(make_plan(rows, settings(mode, limiter=limiter))) == {"a.wav": pytest.approx(gain_db)}
    assert gains(make_plan(rows, settings("none", limiter=12.0))) == {"a.wav": 0.0}


def test_what_is_cut_out_does_not_weigh():
    rows = table({"file": "a.wav", "loudness_lufs": -20.0}, {"file": "b.wav", "duration_seconds": 30.0})
    items, _ = make_plan(rows, settings())
    half = Sound(((0, 80), (220, 300)), 300, 10)
    items = [items[0], replace(items[1], sound=half)]
    assert items[1].trimmed_seconds == pytest.approx(14.0) and items[1].lasting_seconds == pytest.approx(16.0)
    (gain,) = fit(items, settings())[1]
    assert gain.loudness_lufs == pytest.approx(10.0 * np.log10((10.0 * 1e-2 + 16.0 * 1e-3) / 26.0))


def test_file_is_limited_on_both_sides_and_by_the_ceiling():
    plan = make_plan(table(
        {"file": "a.wav", "loudness_lufs": -45.0, "mix_true_peak_dbtp": -40.0},
        {"file": "b.wav", "loudness_lufs": -22.0},
        {"file": "c.wav", "loudness_lufs": -5.0}, {"file": "d.wav", "mix_true_peak_dbtp": -4.0},
    ), settings("file", most=12.0))  # fmt: skip
    assert gains(plan) == {"a.wav": 12.0, "b.wav": 2.0, "c.wav": -12.0, "d.wav": 3.0}


def test_none_changes_nothing():
    assert gains(make_plan(table({"file": "a.wav", "mix_true_peak_dbtp": 3.0}), settings("none"))) == {"a.wav": 0.0}


def test_refused_files_and_copies_are_not_in_the_plan():
    rows = table({"file": "a.wav"}, {"file": "b.wav", "refused": True}, {"file": "c.wav", "duplicate_of": "a.wav"})
    assert [item.source for item in make_plan(rows, settings())[0]] == ["a.wav"]


@pytest.mark.parametrize(("sources", "names"), [
    (["a.wav", "x/a.wav"], ["a.flac", "x/a.flac"]),
    (["a.wav", "a.flac"], ["a.wav.flac", "a.flac.flac"]),
    (["a.wav", "A.WAV", "b.wav"], ["a.wav.flac", "A.WAV.flac", "b.flac"]),
    (["a.wav", "a.aiff", "a.wav.ogg"], ["a.wav.flac", "a.aiff.flac", "a.wav.ogg.flac"]),
    (["v1.2.wav", "v1.3.wav"], ["v1.2.flac", "v1.3.flac"]),
])  # fmt: skip
def test_names(sources, names):
    assert output_names(sources) == dict(zip(sources, names, strict=True))


def test_names_are_always_unique():
    rng = np.random.default_rng(0)
    for _ in range(300):
        parts = ["a", "b", ".wav", ".flac", ".ogg"]
        sources = {"a" + "".join(rng.choice(parts, rng.integers(0, 4))) + rng.choice(parts[2:]) for _ in range(12)}
        names = output_names(sorted(sources))
        assert len(set(names.values())) == len(sources)
