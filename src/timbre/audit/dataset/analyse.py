"""What shows only when all recordings are heard together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from timbre.audio.table import used
from timbre.audit.dataset.environments import (
    Limits,
    Parts,
    distance_db,
    group,
    level_removed,
    mean_decay,
    mean_spectra,
)
from timbre.audit.dataset.facts import SetFacts
from timbre.audit.dataset.similar import Match, find_similar
from timbre.audit.dataset.variety import variety
from timbre.audit.meters.sketch import THIRDS_HZ, Sketch
from timbre.params import Thresholds

DECIMALS = 4


def analyse(table: pd.DataFrame, sketches: Mapping[str, Sketch], limits: Thresholds) -> SetFacts:
    """Compare all recordings that are used, and fill the columns of the table that say what was found.

    table: as `timbre.audio.table.to_table` makes it, refusals and exact copies marked; `similar_to`,
    `similar_error_rate`, `environment` and `environment_ltas_db` are filled in it. sketches: of each used file by name.
    Of two recordings that share a part the held-out one comes first, otherwise the first by name: `similar_to` names it
    in the row of the other. What is found depends on the set of files, not on the order of the rows.
    """
    rows = table[used(table)].sort_values("file")
    rows = rows[rows["file"].isin(list(sketches))]
    rows = pd.concat([rows[rows["held_out"]], rows[~rows["held_out"]]])
    names = list(rows["file"])
    ordered = [sketches[name] for name in names]
    matches = find_similar(ordered, limits.similar_error_rate)
    _fill(table, "similar_to", {names[match.file]: names[match.of] for match in _best(matches)})
    _fill(table, "similar_error_rate", {names[match.file]: match.error_rate for match in _best(matches)})
    training = [sketches[name] for name in sorted(rows["file"][~rows["held_out"]])]
    return SetFacts(
        similar=[_pair(match, names) for match in matches],
        environments=_environments(table, rows, ordered, limits),
        bands_hz=[round(float(hertz), 1) for hertz in THIRDS_HZ],
        variety={name: round(value, DECIMALS) for name, value in variety(training).items()},
    )


def _best(matches: list[Match]) -> list[Match]:
    """For each file the match with the most in common."""
    best: dict[int, Match] = {}
    for match in matches:
        if match.file not in best or match.shared_seconds > best[match.file].shared_seconds:
            best[match.file] = match
    return list(best.values())


def _pair(match: Match, names: list[str]) -> dict:
    return {
        "file": names[match.file],
        "of": names[match.of],
        "error_rate": round(match.error_rate, DECIMALS),
        "at_seconds": round(match.at, DECIMALS),
        "of_at_seconds": round(match.of_at, DECIMALS),
        "seconds": round(match.seconds, DECIMALS),
    }


def _environments(table: pd.DataFrame, rows: pd.DataFrame, sketches: list[Sketch], limits: Thresholds) -> list[dict]:
    """The groups, the one with most seconds first; a file belongs where most of it does."""
    parts = _parts(rows, sketches)
    if not len(parts.file):
        return []
    bounds = Limits(limits.environment_ltas_db, limits.environment_noise_db, limits.environment_decay_ratio)
    found = group(parts, bounds)
    in_group = np.zeros((len(sketches), found.max() + 1))
    np.add.at(in_group, (parts.file, found), parts.seconds)
    heard = np.flatnonzero(in_group.sum(axis=1) > 0.0)
    chosen = in_group[heard].argmax(axis=1)
    names = rows["file"].to_numpy()[heard]
    seconds = np.bincount(chosen, in_group[heard].sum(axis=1), found.max() + 1)
    order = [number for number in np.argsort(-seconds, kind="stable") if seconds[number] > 0.0]
    rank = {number: place for place, number in enumerate(order)}
    owner = {int(file): rank[number] for file, number in zip(heard, chosen, strict=True)}
    of_part = np.array([owner[int(file)] for file in parts.file])
    spectra = mean_spectra(parts.ltas_db, parts.seconds, parts.file, len(sketches))[heard]
    middles = mean_spectra(parts.ltas_db, parts.seconds, of_part, len(order))
    noises = mean_spectra(parts.noise_db, parts.seconds, of_part, len(order))
    distances = np.array([distance_db(spectrum, middles[0]) for spectrum in spectra])
    _fill(table, "environment", {name: owner[int(file)] + 1 for name, file in zip(names, heard, strict=True)})
    _fill(table, "environment_ltas_db", dict(zip(names, distances, strict=True)))
    groups = []
    for place, middle in enumerate(middles):
        mine, files = parts.of(of_part == place), np.array([owner[int(file)] == place for file in heard])
        near = [distance_db(spectrum, middle) for spectrum in spectra[files]]
        groups.append(
            {
                "number": place + 1,
                "files": int(np.sum(files)),
                "seconds": round(float(mine.seconds.sum()), 1),
                "example": str(names[files][int(np.nanargmin(near))])
                if np.isfinite(near).any()
                else str(names[files][0]),
                "decay_seconds": _number(mean_decay(mine.decay_seconds)),
                "ltas_db": _numbers(middle),
                "noise_db": _numbers(noises[place]),
                "distance_db": round(distance_db(middle, middles[0]), 2),
            }
        )
    return groups


def _parts(rows: pd.DataFrame, sketches: list[Sketch]) -> Parts:
    counts = [len(sketch.part_seconds) for sketch in sketches]
    file = np.repeat(np.arange(len(sketches)), counts)
    bands = len(THIRDS_HZ)
    ltas = np.concatenate([np.zeros((0, bands)), *(sketch.spectra_db for sketch in sketches)])
    noise = np.array([sketch.noise_db for sketch in sketches]).reshape(-1, bands)
    seconds = np.concatenate([np.zeros(0), *(sketch.part_seconds for sketch in sketches)])
    decay = rows["decay_seconds"].to_numpy(float)
    return Parts(file, seconds, level_removed(ltas), level_removed(noise)[file], decay[file])


def _fill(table: pd.DataFrame, column: str, values: dict) -> None:
    """Write values by file name; other rows become empty."""
    empty = "" if column == "similar_to" else None
    table[column] = pd.Series([values.get(name, empty) for name in table["file"]], table.index, table[column].dtype)


def _numbers(values: np.ndarray) -> list[float | None]:
    """For JSON: empty where nothing is known."""
    return [_number(value) for value in values] if np.isfinite(values).any() else []


def _number(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
