"""The verdict in words, and how figures are written."""

import pytest

from timbre.evaluation.catalogue import entries, formatted
from timbre.evaluation.measure import summary
from timbre.evaluation.verdict import graded, verdict

MODEL = {"delay_samples": 480, "parameters": 1, "streaming_snr_db": 120.0, "silence_dbfs_after_1s": -120.0}


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


def test_a_verdict_stands_without_any_figure():
    lines = verdict(summary([], MODEL, None, 48000, 50.0), 48000, 50.0)
    assert [line.grade for line in lines] == ["unknown"] * 4 + ["good"] * 2
    assert "10.0 ms (480 samples)" in lines[4].sentence


def test_a_good_model_is_told_in_words():
    rows = [
        {"kind": "transfer", "name": "a", "f0_rca50": 0.97, "loudness_r": 0.9, "ltas_db": 3.0,
         "ltas_db_identity": 12.0},
        {"kind": "reconstruction", "name": "b", "mss": 5.0, "mss_untrained": 24.0, "f0_within_50_cents": 0.98,
         "loudness_l1_db": 1.5},
    ]  # fmt: skip
    lines = {line.subject: line for line in verdict(summary(rows, MODEL, 2.5, 48000, 50.0), 48000, 50.0)}
    assert {line.grade for line in lines.values()} == {"good"}
    assert "97 %" in lines["Pitch"].sentence and "12.0 dB before" in lines["Colour"].sentence
    assert "4 % of the untrained" in lines["Reconstruction"].sentence


@pytest.mark.parametrize(
    ("buzz_db", "grade", "words"),
    [(-45.0, "good", "45.0 dB under"), (-20.0, "fair", "20.0 dB under"), (3.0, "poor", "3.0 dB over")],
)
def test_a_buzz_is_told_with_the_input_that_provokes_it(buzz_db, grade, words):
    rows = [{"kind": "transfer", "name": name, "buzz_db": value} for name, value in (("a", -60.0), ("hiss", buzz_db))]
    lines = {line.subject: line for line in verdict(summary(rows, MODEL, None, 48000, 50.0), 48000, 50.0)}
    assert lines["Buzz"].grade == grade
    assert words in lines["Buzz"].sentence and "(hiss)" in lines["Buzz"].sentence


def test_figures_have_units():
    shown = [("f0_rca50", 0.934), ("f0_median_cents", 1.62), ("lsd_db", -3.25), ("silence_dbfs_after_1s", -80.0),
             ("input_lufs", -20.04), ("loudness_r", -0.5), ("mss", None), ("leap_frames", 1), ("leap_frames", 3),
             ("onset_f", 0.876), ("buzz_db", -33.0)]  # fmt: skip
    words = ["93 %", "1.6 cents", "\u22123.2 dB", "\u221280.0 dBFS", "\u221220.0 LUFS", "\u22120.50", "\u2013",
             "1 frame", "3 frames", "88 %", "\u221233.0 dB"]  # fmt: skip
    assert [formatted(key, value) for key, value in shown] == words


def test_every_row_and_anchor_is_a_figure_that_is_written():
    figures = summary([], MODEL, None, 48000, 50.0)
    for entry in entries(50.0):
        assert {entry.key, *(key for _, key in entry.anchors)} <= set(figures[entry.section])
