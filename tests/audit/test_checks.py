"""Limits, refusals and copies, on rows made by hand."""

import numpy as np
import pytest

from timbre.audio.table import read_table, to_table, used, write_table
from timbre.audit.checks import ADVICE, find_warnings, loudness_spread_lu, mark_duplicates, refuse
from timbre.audit.report import TITLES, advise
from timbre.errors import UserError

GOOD = {
    "readable": True, "reason": "", "held_out": False, "duration_seconds": 700.0, "sample_rate_hz": 48000,
    "channels": 2, "subtype": "PCM_24", "loudness_lufs": -20.0, "loudness_range_lu": 8.0, "true_peak_dbtp": -3.0,
    "pitched_percent": 90.0,
    "mix_true_peak_dbtp": -3.5, "clipped_runs": 0, "clipped_percent": 0.0, "dc_offset_dbfs": -90.0,
    "silence_percent": 5.0, "silent_channels": 0, "channel_correlation": 0.5, "channel_plan": "mean",
}  # fmt: skip


def row(name, **changes):
    return GOOD | {"file": name, "pcm_sha256": name} | changes


def judge(params, *rows, foreign=()):
    rows = list(rows)
    refuse(rows, params.audit.thresholds)
    mark_duplicates(rows)
    table = to_table(rows)
    return table, find_warnings(table, params, list(foreign))


def test_a_good_recording_has_no_warning(params):
    assert judge(params("x"), row("a.wav"))[1] == []


FAULTS = [
    ("clipping", "error", {"clipped_percent": 0.2, "clipped_runs": 99}),
    ("clipped_runs", "warning", {"clipped_percent": 0.01, "clipped_runs": 12}),
    ("true_peak", "warning", {"true_peak_dbtp": 0.0}),
    ("quiet", "warning", {"loudness_lufs": -40.0}),
    ("loud", "warning", {"loudness_lufs": -8.0}),
    ("no_dynamics", "warning", {"loudness_range_lu": 0.5}),
    ("wide_dynamics", "warning", {"loudness_range_lu": 30.0}),
    ("dc_offset", "warning", {"dc_offset_dbfs": -40.0}),
    ("silence", "warning", {"silence_percent": 50.0}),
    ("inverted", "warning", {"channel_correlation": -0.9, "channel_plan": "left"}),
    ("silent_channel", "warning", {"silent_channels": 1, "channel_correlation": np.nan}),
    ("low_rate", "warning", {"sample_rate_hz": 44100}),
    ("coarse", "warning", {"subtype": "PCM_U8"}),
    ("dual_mono", "info", {"channel_correlation": 0.9999}),
    ("surround", "info", {"channels": 6}),
    ("unreadable", "error", {"readable": False, "reason": "is broken"}),
    ("silent", "error", {"silence_percent": 99.0}),
    ("almost_silent", "error", {"loudness_lufs": -55.0}),
]


@pytest.mark.parametrize(("check", "severity", "changes"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_each_fault_gives_its_one_warning(params, check, severity, changes):
    table, warnings = judge(params("x"), row("a.wav", **changes), row("b.wav"))
    told = [(one["file"], one["check"], one["severity"]) for one in warnings if one["file"]]
    assert told == [("a.wav", check, severity)]
    left_out = check in ("unreadable", "silent", "almost_silent")
    assert list(used(table)) == [not left_out, True]
    assert bool(table["refused_because"][0]) == left_out


def test_short_sounds_are_not_judged_by_range_or_offset(params):
    short = row("a.wav", duration_seconds=0.5, loudness_range_lu=np.nan, dc_offset_dbfs=-20.0)
    warnings = judge(params("x"), short, row("b.wav"))[1]
    assert [one["check"] for one in warnings] == ["short"]


def test_the_whole_set(params):
    quiet, loud = row("a.wav", loudness_lufs=-34.0, duration_seconds=30.0), row("b.wav", duration_seconds=30.0)
    warnings = judge(params("x"), quiet, loud, foreign=["c.m4a"])[1]
    found = {one["check"]: one for one in warnings}
    assert set(found) == {"small_dataset", "loudness_spread", "other_formats"}
    assert all(one["file"] == "" for one in warnings)
    assert (found["small_dataset"]["value"], found["small_dataset"]["limit"]) == (1.0, 10.0)
    assert found["loudness_spread"]["value"] == pytest.approx(0.9 * 14.0)
    assert "c.m4a" in found["other_formats"]["advice"]


@pytest.mark.parametrize(
    ("synth", "model", "percent", "limit"),
    [
        ("harmonic_noise", "ddsp", 29.0, 30.0), ("harmonic_noise", "ddsp", 31.0, None),
        ("noise_bands", "ddsp", 71.0, 70.0), ("noise_bands", "ddsp", 69.0, None),
        ("harmonic_noise", "rave", 0.0, None), ("noise_bands", "rave", 99.0, None),
        ("harmonic_noise", "ddsp", np.nan, None),
    ],
)  # fmt: skip
def test_a_synthesiser_that_does_not_suit_the_material(params, synth, model, percent, limit):
    chosen = params("x").model_copy(update={"synth": synth, "model": model})
    # The held-out file does not count, and a file weighs as long as it sounds.
    rows = [row("a.wav", pitched_percent=percent), row("test/b.wav", held_out=True, pitched_percent=50.0)]
    rows.append(row("c.wav", pitched_percent=50.0, silence_percent=97.9, duration_seconds=10.0))
    if np.isnan(percent):
        rows.pop()
    warnings = judge(chosen, *rows)[1]
    found = [(one["check"], one["severity"], one["limit"]) for one in warnings if one["check"] != "silence"]
    assert found == ([("synth_mismatch", "warning", limit)] if limit else [])


@pytest.mark.parametrize(
    ("percent", "minutes", "words"),
    [
        (95.0, 20, ["95 % of what sounds has a clear pitch", "`synth: harmonic_noise` suits", "hours or more of it."]),
        (8.0, 20, ["8 %", "`synth: noise_bands` suits them (`dvc exp run -S synth=noise_bands`)", "rave"]),
        (50.0, 180, ["50 %", "follows the pitched part", "holds no pitch", "Try both", "of it (here are 3.0)."]),
        (np.nan, 20, ["Nothing sounds"]),
    ],
)  # fmt: skip
def test_advice_on_the_model(params, percent, minutes, words):
    table, _ = judge(params("x"), row("a.wav", pitched_percent=percent, duration_seconds=60.0 * minutes))
    said = advise(table, params("x"))["model"]
    assert all(word in said for word in words), said


def test_worst_first(params):
    rows = (
        row("a.wav", loudness_lufs=-36.0), row("b.wav", loudness_lufs=-45.0), row("c.wav", clipped_percent=1.0),
        row("d.wav", clipped_percent=5.0), row("e.wav", readable=False, reason="is broken"),
        row("f.wav", channel_correlation=1.0),
    )  # fmt: skip
    warnings = judge(params("x"), *rows)[1]
    assert [one["file"] for one in warnings if one["file"]] == ["e.wav", "d.wav", "c.wav", "b.wav", "a.wav", "f.wav"]


def test_the_first_of_equal_recordings_stays(params):
    table, warnings = judge(params("x"), *(row(name, pcm_sha256="same") for name in ("b.wav", "a.wav", "c.wav")))
    assert list(table["file"]) == ["b.wav", "a.wav", "c.wav"]
    assert list(table["duplicate_of"]) == ["a.wav", "", "a.wav"]
    assert [one["check"] for one in warnings] == ["duplicate", "duplicate"]


def test_a_held_out_recording_is_taken_from_training(params):
    table, warnings = judge(
        params("x"), row("a.wav", pcm_sha256="same"), row("test/z.wav", pcm_sha256="same", held_out=True), row("b.wav")
    )
    assert list(table["duplicate_of"]) == ["test/z.wav", "", ""]
    assert [(one["file"], one["check"], one["severity"]) for one in warnings] == [("a.wav", "leak", "error")]


def test_a_refused_copy_is_no_original(params):
    silent = row("a.wav", silence_percent=100.0, pcm_sha256="same")
    table, _ = judge(params("x"), silent, row("b.wav", pcm_sha256="same"))
    assert list(table["duplicate_of"]) == ["", ""]


def test_every_check_has_words():
    assert set(ADVICE) == set(TITLES) >= {fault[0] for fault in FAULTS}


def test_table_comes_back_as_it_was_written(params, tmp_path):
    rows = (row('ö, "x"\n.wav', readable=False, reason="a, b"), row("NA.wav", loudness_lufs=-20.12345))
    table, _ = judge(params("x"), *rows)
    write_table(tmp_path / "files.csv", table)
    again = read_table(tmp_path / "files.csv")
    assert list(again.columns) == list(table.columns)
    assert (again.dtypes == table.dtypes).all()
    assert list(again["file"]) == list(table["file"])
    assert again["loudness_lufs"][1] == -20.1234 or again["loudness_lufs"][1] == -20.1235


@pytest.mark.parametrize("text", ["", "file,readable\na.wav,True\n", "a\x00b", '"'])
def test_a_damaged_table(tmp_path, text):
    (tmp_path / "files.csv").write_text(text)
    with pytest.raises(UserError, match="damaged"):
        read_table(tmp_path / "files.csv")


def test_a_missing_table(tmp_path):
    with pytest.raises(UserError, match="dvc repro audit"):
        read_table(tmp_path / "files.csv")


def test_spread():
    import pandas as pd

    assert np.isnan(loudness_spread_lu(pd.Series([-20.0])))
    assert loudness_spread_lu(pd.Series(np.linspace(-40.0, -20.0, 101))) == pytest.approx(18.0)
