"""The checks applied to rows made by hand."""

import numpy as np
import pytest

from timbre.audio.table import used
from timbre.audit.dataset.facts import SetFacts

FAULTS = [
    ("clipping", "warning", {"clipped_percent": 0.2, "clipped_runs": 99, "clipped_at_seconds": 7.5}),
    ("clipped_runs", "warning", {"clipped_percent": 0.01, "clipped_runs": 12, "clipped_at_seconds": 7.5}),
    ("pile_up", "warning", {"pile_up_ratio": 30.0, "clip_level_dbfs": -6.0, "true_peak_at_seconds": 7.5}),
    ("true_peak", "info", {"true_peak_dbtp": 0.0, "true_peak_at_seconds": 7.5}),
    ("quiet", "warning", {"loudness_lufs": -40.0}),
    ("loud", "warning", {"loudness_lufs": -8.0, "true_peak_at_seconds": 7.5}),
    ("no_dynamics", "warning", {"loudness_range_lu": 0.5}),
    ("wide_dynamics", "warning", {"loudness_range_lu": 30.0, "true_peak_at_seconds": 7.5}),
    ("silence", "warning", {"silence_percent": 50.0, "longest_pause_at_seconds": 7.5}),
    ("noisy", "warning", {"snr_db": 20.0, "noise_floor_dbfs": -45.0, "longest_pause_at_seconds": 7.5}),
    ("noise_floor", "warning", {"snr_db": 40.0, "noise_floor_dbfs": -45.0, "longest_pause_at_seconds": 7.5}),
    ("hum", "warning", {"hum_db": 15.0, "hum_hz": 50.0, "longest_pause_at_seconds": 7.5}),
    ("clicks", "warning", {"clicks_per_minute": 20.0, "click_at_seconds": 7.5}),
    ("dc_offset", "warning", {"dc_offset_dbfs": -40.0, "longest_pause_at_seconds": 7.5}),
    ("low_frequency", "warning", {"low_frequency_dbfs": -30.0}),
    ("upsampled", "warning", {"bandwidth_hz": 8000.0, "bandwidth_drop_db": 80.0}),
    ("lossy", "info", {"bandwidth_hz": 20200.0, "bandwidth_drop_db": 45.0}),
    ("low_rate", "warning", {"sample_rate_hz": 32000}),
    ("coarse", "warning", {"subtype": "PCM_U8", "longest_pause_at_seconds": 7.5}),
    ("coarse", "warning", {"effective_bits": 8, "longest_pause_at_seconds": 7.5}),
    ("inverted", "warning", {"channel_correlation": -0.9, "channel_plan": "left", "mono_loss_db": 60.0}),
    ("silent_channel", "warning", {"silent_channels": 1, "channel_correlation": np.nan, "mono_loss_db": 3.01}),
    ("mono_loss", "warning", {"mono_loss_db": 5.0}),
    ("dual_mono", "info", {"channel_correlation": 0.9999}),
    ("surround", "info", {"channels": 6}),
    ("short", "info", {"duration_seconds": 0.5, "loudness_range_lu": np.nan}),
    ("chords", "info", {"polyphony": 2.5, "duration_seconds": 60.0}),
    ("unpitched", "info", {"pitched_percent": 10.0, "duration_seconds": 60.0}),
    ("unreadable", "warning", {"readable": False, "reason": "is broken", "duration_seconds": np.nan}),
    ("silent", "warning", {"silence_percent": 99.0}),
    ("almost_silent", "warning", {"loudness_lufs": -55.0}),
]
LEFT_OUT = ("unreadable", "silent", "almost_silent")
SERIOUS = (
    "clipping", "pile_up", "noisy", "noise_floor", "hum", "clicks", "coarse", "silent_channel",
)  # fmt: skip


def of_files(warnings):
    return [(one["file"], one["check"], one["severity"]) for one in warnings if one["file"]]


def test_a_good_recording_has_no_warning(judge, row):
    assert judge(row("a.wav"))[1] == []


@pytest.mark.parametrize(("check", "severity", "changes"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_each_fault_gives_its_one_warning(judge, row, check, severity, changes):
    recordings, warnings = judge(row("a.wav", **changes), row("b.wav"), row("c.wav"))
    assert of_files(warnings) == [("a.wav", check, severity)]
    assert list(used(recordings.table)) == [check not in LEFT_OUT, True, True]
    assert bool(recordings.table["refused_because"][0]) == (check in LEFT_OUT)
    one = next(warning for warning in warnings if warning["file"])
    assert one["at_seconds"] == (7.5 if 7.5 in changes.values() else 12.0 if check == "coarse" else None)
    assert set(one) == {"file", "check", "severity", "value", "limit", "at_seconds", "advice"}
    # Faults of a third of the material make the set unfit, whatever is only a matter of taste does not.
    assert any(warning["check"] == "faulty" for warning in warnings) == (check in SERIOUS)


def test_what_cannot_be_measured_is_no_fault(judge, row):
    unknown = {
        name: np.nan
        for name in (
            "loudness_range_lu", "pile_up_ratio", "low_frequency_dbfs", "noise_floor_dbfs", "snr_db", "hum_db",
            "clicks_per_minute", "bandwidth_hz", "bandwidth_drop_db", "polyphony", "onsets_per_second", "mono_loss_db",
            "channel_correlation",
        )
    }  # fmt: skip
    assert judge(row("a.wav", **unknown, effective_bits=None))[1] == []


@pytest.mark.parametrize(
    ("hertz", "drop", "found"),
    [
        (21_200.0, 110.0, []), (20_000.0, 63.0, ["lossy"]), (16_000.0, 20.0, ["upsampled"]),
        (4000.0, np.inf, ["upsampled"]), (np.nan, np.nan, []),
    ],
)  # fmt: skip
def test_only_what_is_missing_counts_as_cut_off(judge, row, hertz, drop, found):
    """A 44.1 kHz original, a good mp3, a poor one, images of a simple converter, a full or a dark spectrum."""
    warnings = judge(row("a.wav", bandwidth_hz=hertz, bandwidth_drop_db=drop), row("b.wav", duration_seconds=9000.0))[1]
    assert [one["check"] for one in warnings] == found
    assert not any("inf" in one["advice"].split() for one in warnings)


@pytest.mark.parametrize(
    ("hertz", "source"), [(7690.0, "a rate of 16 kHz"), (10_700.0, "a rate of 22.05 kHz"), (13_300.0, "a lower rate")]
)
def test_the_rate_it_was_converted_from_is_a_usual_one(judge, row, hertz, source):
    (warning,) = judge(row("a.wav", bandwidth_hz=hertz, bandwidth_drop_db=50.0))[1]
    assert f"It was converted from {source}, or coded with few bits" in warning["advice"]


def test_short_sounds_are_not_judged_by_range_or_offset(judge, row):
    short = row("a.wav", duration_seconds=0.5, loudness_range_lu=np.nan, dc_offset_dbfs=-20.0, low_frequency_dbfs=-20.0)
    assert [one["check"] for one in judge(short, row("b.wav"))[1]] == ["short"]


def test_chords_are_no_strangers_among_chords(judge, row):
    warnings = judge(*(row(name, polyphony=2.5) for name in ("a.wav", "b.wav")))[1]
    assert [one["check"] for one in warnings] == ["polyphonic"]


def test_worst_first(judge, row):
    rows = (
        row("a.wav", loudness_lufs=-36.0), row("b.wav", loudness_lufs=-45.0), row("c.wav", clipped_percent=1.0),
        row("d.wav", clipped_percent=5.0), row("e.wav", readable=False, reason="is broken"),
        row("f.wav", channel_correlation=1.0), row("g.wav", duration_seconds=90000.0),
    )  # fmt: skip
    warnings = judge(*rows)[1]
    assert [one["file"] for one in warnings if one["file"]] == ["e.wav", "d.wav", "c.wav", "b.wav", "a.wav", "f.wav"]
    assert [one["severity"] for one in warnings] == sorted(
        (one["severity"] for one in warnings), key=["error", "warning", "info"].index
    )


def test_the_other_recording_of_a_pair_is_named(judge, row):
    pair = {"file": "b.wav", "of": "a.wav", "error_rate": 0.05, "at_seconds": 3.0, "of_at_seconds": 1.0, "seconds": 9.0}
    recordings, warnings = judge(row("a.wav"), row("b.wav"), facts=SetFacts(similar=[pair]))
    assert of_files(warnings) == [("b.wav", "near_copy", "warning")]
    one = warnings[0]
    assert (one["value"], one["limit"], one["at_seconds"]) == (0.05, 0.1, 3.0)
    assert "9.0 s of it, from 3.0 s on, are also in a.wav from 1.0 s on." in one["advice"]
    assert used(recordings.table).all()


def test_a_part_in_the_test_folder_is_told_and_kept(judge, row):
    pair = {"file": "a.wav", "of": "test/b.wav", "error_rate": 0.1, "at_seconds": 3.0, "of_at_seconds": 1.0}
    rows = (row("a.wav"), row("test/b.wav", held_out=True))
    recordings, warnings = judge(*rows, facts=SetFacts(similar=[pair | {"seconds": 300.0}]))
    assert of_files(warnings) == [("a.wav", "leak_part", "warning")] and used(recordings.table).all()
    recordings, warnings = judge(*rows, row("c.wav"), facts=SetFacts(similar=[pair | {"seconds": 400.0}]))
    assert of_files(warnings) == [("a.wav", "leak", "warning")] and list(used(recordings.table)) == [False, True, True]
