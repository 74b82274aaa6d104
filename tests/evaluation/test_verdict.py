"""The verdict in words, and how figures are written."""

import pytest

from timbre.evaluation.catalogue import entries, formatted
from timbre.evaluation.summary import metrics_of, summary_of
from timbre.evaluation.verdict import graded, verdict

MODEL = {"delay_samples": 480, "parameters": 1, "streaming_snr_db": 120.0, "silence_dbfs_after_1s": -120.0,
         "delay_jitter_onset_samples": 96.0, "degeneracy": None, "degenerate": None}  # fmt: skip
CALM = {"square_peak_dbfs": -3.0, "dc_peak_dbfs": -40.0, "sweep_peak_dbfs": 0.0, "finite": 1, "returns_to_silence": 1}


def summary(rows=(), within=None, model=None, robustness=None):
    own = {"model": MODEL | (model or {}), "robustness": CALM | (robustness or {})}
    return summary_of(list(rows), own, within or {}, 48000, 50.0)


def lines_of(*arguments, **named):
    return {line.subject: line for line in verdict(summary(*arguments, **named), 48000, 50.0)}


@pytest.mark.parametrize(
    ("value", "limits", "grade"),
    [
        (0.95, (0.9, 0.7), "good"),
        (0.7, (0.9, 0.7), "fair"),
        (0.1, (0.9, 0.7), "poor"),
        (5.0, (10.0, 30.0), "good"),
        (30.0, (10.0, 30.0), "fair"),
        (31.0, (10.0, 30.0), "poor"),
        (-60.0, (-70.0, -50.0), "fair"),
        (None, (1.0, 2.0), "unknown"),
    ],
)
def test_grades(value, limits, grade):
    assert graded(value, limits) == grade


def test_a_verdict_stands_without_any_figure_of_items():
    lines = lines_of()
    grades = {subject: line.grade for subject, line in lines.items()}
    assert grades == dict.fromkeys(["Pitch", "Dynamics", "Colour", "Reconstruction"], "unknown") | dict.fromkeys(
        ["Delay", "Silence", "Robustness"], "good"
    )
    assert "10.0 ms (480 samples)" in lines["Delay"].sentence and "2.0 ms early or late" in lines["Delay"].sentence


def test_a_good_model_is_told_in_words():
    rows = [
        {"kind": "transfer", "name": "a", "f0_rca50": 0.97, "loudness_r": 0.9, "ltas_db": 3.0,
         "ltas_db_identity": 12.0, "level_linearity_db": 0.5},
        {"kind": "reconstruction", "name": "b", "mss": 5.0, "mss_untrained": 24.0, "f0_within_50_cents": 0.98,
         "loudness_l1_db": 1.5},
    ]  # fmt: skip
    lines = lines_of(rows, {"ltas_db": 2.5}, {"degeneracy": 0.8, "degenerate": 0})
    assert {line.grade for line in lines.values()} == {"good"}
    assert "97 %" in lines["Pitch"].sentence and "12.0 dB before" in lines["Colour"].sentence
    assert "lie 2.5 dB from each other" in lines["Colour"].sentence
    assert "4 % of the untrained" in lines["Reconstruction"].sentence
    assert "80 %" in lines["Variety"].sentence and "0.5 dB off" in lines["Level"].sentence


@pytest.mark.parametrize(
    ("buzz_db", "grade", "words"),
    [(-45.0, "good", "45.0 dB under"), (-20.0, "fair", "20.0 dB under"), (3.0, "poor", "3.0 dB over")],
)
def test_a_buzz_is_told_with_the_input_that_provokes_it(buzz_db, grade, words):
    rows = [{"kind": "transfer", "name": name, "buzz_db": value} for name, value in (("a", -60.0), ("hiss", buzz_db))]
    line = lines_of(rows)["Buzz"]
    assert line.grade == grade
    assert words in line.sentence and "(hiss)" in line.sentence


def test_a_model_that_always_plays_the_same_is_told_first():
    first = verdict(summary(model={"degeneracy": 0.06, "degenerate": 1}), 48000, 50.0)[0]
    assert (first.subject, first.grade) == ("Variety", "poor") and "6 %" in first.sentence
    assert lines_of(model={"degeneracy": 0.2, "degenerate": 0})["Variety"].grade == "fair"


@pytest.mark.parametrize(
    ("found", "grade", "words"),
    [
        ({"dc_peak_dbfs": 12.0}, "fair", "12.0 dBFS at most (direct current)"),
        ({"square_peak_dbfs": 31.0}, "poor", "a square wave"),
        ({"returns_to_silence": 0}, "poor", "does not fall silent"),
        ({"finite": 0, "sweep_peak_dbfs": None, "returns_to_silence": 0}, "poor", "no numbers"),
    ],
)
def test_what_a_model_does_with_extremes_is_told(found, grade, words):
    line = lines_of(robustness=found)["Robustness"]
    assert line.grade == grade and words in line.sentence


def test_figures_have_units():
    shown = [("f0_rca50", 0.934), ("f0_median_cents", 1.62), ("lsd_db", -3.25), ("silence_dbfs_after_1s", -80.0),
             ("input_lufs", -20.04), ("loudness_r", -0.5), ("mss", None), ("leap_frames", 1), ("leap_frames", 3),
             ("onset_f", 0.876), ("buzz_db", -33.0), ("voicing_recall", 0.5), ("kad_mfcc", -0.31),
             ("delay_samples", 1024), ("bytes", 1482331), ("macs_per_second", 49_867_681), ("parameters", 12),
             ("streaming_max_diff", 2.5e-7), ("degenerate", 0), ("finite", 1)]  # fmt: skip
    words = ["93 %", "1.6 cents", "\u22123.2 dB", "\u221280.0 dBFS", "\u221220.0 LUFS", "\u22120.50", "\u2013",
             "1 frame", "3 frames", "88 %", "\u221233.0 dB", "50 %", "\u22120.3", "1024 samples", "1.48 MB",
             "49.9 MMAC/s", "12", "2.5e\u221207", "no", "yes"]  # fmt: skip
    assert [formatted(key, value) for key, value in shown] == words


def test_metrics_json_is_the_catalogue_and_stays_short():
    metrics = metrics_of(summary())
    assert [(section, key) for section in metrics for key in metrics[section]] == [
        (entry.section, entry.key) for entry in entries(50.0)
    ]
    assert len(entries(50.0)) <= 45, "`dvc metrics diff` fits a screen"
