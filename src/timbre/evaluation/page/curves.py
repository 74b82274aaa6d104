"""Loudness and pitch of two sounds over time, as paths that stretch with the page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timbre.evaluation.catalogue import MINUS
from timbre.evaluation.excerpts import Excerpt

# Points of a curve, and the height of its picture, in units.
COLUMNS, HEIGHT = 200, 100
# Below the loudest moment of both sounds.
LOUDNESS_RANGE_DB = 60.0
LOWEST_DB = -100.0
FEWEST_SEMITONES = 12
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True)
class Curves:
    """A picture of curves over one time axis: what its upper and lower edge stand for, and a path for each sound."""

    top: str
    bottom: str
    paths: list[str]


def loudness_curves(excerpts: list[Excerpt]) -> Curves | None:
    """The loudness of sounds at their true levels, as far as 60 dB under their loudest moment; None for silence."""
    columns = [in_columns(each.loudness_db, each.frame_seconds, each.seconds) for each in excerpts]
    loudest = max(float(np.nanmax(each, initial=LOWEST_DB)) for each in columns)
    if loudest <= LOWEST_DB:
        return None
    top = 10.0 * np.ceil(loudest / 10.0)
    bottom = top - LOUDNESS_RANGE_DB
    paths = [path_of((np.maximum(each, bottom) - bottom) / LOUDNESS_RANGE_DB) for each in columns]
    return Curves(*(f"{edge:.0f} dB".replace("-", MINUS) for edge in (top, bottom)), paths)


def pitch_curves(excerpts: list[Excerpt]) -> Curves | None:
    """The pitch of sounds between the notes that enclose them all, an octave or more; None where there is none."""
    columns = [12.0 * np.log2(in_columns(each.f0_hz, each.frame_seconds, each.seconds) / 440.0) for each in excerpts]
    if not any(np.isfinite(each).any() for each in columns):
        return None
    bottom = np.floor(min(np.nanmin(each, initial=np.inf) for each in columns) - 0.5)
    top = np.ceil(max(np.nanmax(each, initial=-np.inf) for each in columns) + 0.5)
    missing = max(0.0, FEWEST_SEMITONES - (top - bottom))
    bottom, top = bottom - np.floor(missing / 2.0), top + np.ceil(missing / 2.0)
    paths = [path_of((each - bottom) / (top - bottom)) for each in columns]
    return Curves(note_name(int(top)), note_name(int(bottom)), paths)


def in_columns(values: np.ndarray, at_seconds: np.ndarray, seconds: float) -> np.ndarray:
    """The median of what is known of values [frames] in each of 200 equal times, NaN where less than half is."""
    places = np.clip((at_seconds / max(seconds, 1e-9) * COLUMNS).astype(int), 0, COLUMNS - 1)
    columns = np.full(COLUMNS, np.nan)
    for place in np.unique(places):
        inside = values[places == place]
        known = inside[np.isfinite(inside)]
        if 2 * len(known) >= len(inside):
            columns[place] = np.median(known)
    # A short sound has fewer frames than the picture has columns.
    empty = np.setdiff1d(np.arange(COLUMNS), places)
    if len(places) and len(empty):
        filled = np.unique(places)
        columns[empty] = columns[filled[np.abs(empty[:, None] - filled[None]).argmin(axis=1)]]
    return columns


def path_of(shares: np.ndarray) -> str:
    """The path of heights [columns], 0 to 1, in a picture of 200 by 100; broken where a height is not finite."""
    pen, last = [], None
    for place, share in enumerate(shares):
        if not np.isfinite(share):
            last = None
            continue
        down = round(HEIGHT * (1.0 - float(share)))
        if last is None:
            # A line of no length, with round ends, shows a moment that stands alone.
            pen.append(f"M{place} {down}l0 0")
        else:
            pen.append(f"l1{'' if down < last else ' '}{down - last}")
        last = down
    return "".join(pen)


def note_name(semitones: int) -> str:
    """The name of a note so many semitones over A4 (440 Hz)."""
    octave, place = divmod(semitones + 9, 12)
    return f"{NAMES[place]}{octave + 4}".replace("#", "\N{MUSIC SHARP SIGN}").replace("-", MINUS)
