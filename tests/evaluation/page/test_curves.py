"""Loudness and pitch over time: what a path says, where it breaks, and what its edges stand for."""

import re

import numpy as np
import pytest

from timbre.evaluation.catalogue import MINUS
from timbre.evaluation.excerpts import Excerpt
from timbre.evaluation.page.curves import COLUMNS, in_columns, loudness_curves, note_name, path_of, pitch_curves


def excerpt(f0_hz=np.nan, loudness_db=-20.0, seconds=4.0, frames=800) -> Excerpt:
    at = (np.arange(frames) + 0.5) * seconds / frames
    f0_hz, loudness_db = (np.broadcast_to(np.asarray(each, float), frames) for each in (f0_hz, loudness_db))
    return Excerpt(seconds, 0.0, "", np.zeros((4, 9)), at, f0_hz, loudness_db)


def points(path: str) -> list[tuple[int, int]]:
    """The places that a path's pen comes to, read as a browser does: M is absolute, l relative."""
    found = []
    for command, across, down in re.findall(r"([Ml])(-?\d+) ?(-?\d+)", path):
        x, y = int(across), int(down)
        found.append((x, y) if command == "M" else (found[-1][0] + x, found[-1][1] + y))
    return found


def test_a_path_goes_through_its_heights_and_breaks_where_there_is_none():
    path = path_of(np.array([0.0, 1.0, 0.25, np.nan, 0.5, 0.5]))
    assert points(path) == [(0, 100), (0, 100), (1, 0), (2, 75), (4, 50), (4, 50), (5, 50)]
    assert path.count("M") == 2


def test_columns_are_medians_of_what_is_known():
    at = (np.arange(4 * COLUMNS) + 0.5) / (4 * COLUMNS)
    values = np.repeat(np.arange(COLUMNS, dtype=float), 4)
    values[0:3] = np.nan
    values[4:6] = np.nan
    found = in_columns(values, at, 1.0)
    assert np.isnan(found[0]), "one of four is known"
    assert found[1:].tolist() == list(range(1, COLUMNS))


def test_a_short_sound_fills_all_columns():
    found = in_columns(np.array([1.0, 2.0]), np.array([0.01, 0.03]), 0.04)
    assert set(found) == {1.0, 2.0} and (np.diff(found) >= 0.0).all()


def test_loudness_is_drawn_sixty_decibels_down_from_the_loudest():
    curves = loudness_curves([excerpt(loudness_db=-23.0), excerpt(loudness_db=-53.0)])
    assert (curves.top, curves.bottom) == (f"{MINUS}20 dB", f"{MINUS}80 dB")
    assert {y for _, y in points(curves.paths[0])} == {5} and {y for _, y in points(curves.paths[1])} == {55}
    assert loudness_curves([excerpt(loudness_db=-120.0)] * 2) is None


def test_pitch_is_drawn_between_notes():
    curves = pitch_curves([excerpt(f0_hz=440.0), excerpt(f0_hz=880.0)])
    low, high = points(curves.paths[0])[0][1], points(curves.paths[1])[0][1]
    # A4 and A5 within a semitone's distance from either edge.
    assert (curves.bottom, curves.top) == ("G♯4", "A♯5")
    assert (low, high) == (round(100 * (1 - 1 / 14)), round(100 / 14))
    alone = pitch_curves([excerpt(f0_hz=440.0), excerpt()])
    assert alone.paths[1] == "" and (alone.bottom, alone.top) == ("D♯4", "D♯5")
    assert pitch_curves([excerpt(), excerpt()]) is None


@pytest.mark.parametrize(("semitones", "name"), [(0, "A4"), (-9, "C4"), (3, "C5"), (-10, "B3"), (1, "A♯4")])
def test_notes_have_names(semitones, name):
    assert note_name(semitones) == name
