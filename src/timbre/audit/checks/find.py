"""The checks applied: warnings, worst first."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from timbre.audit.checks.catalogue import CHECKS, FILE_CHECKS, SET_CHECKS
from timbre.audit.checks.check import SEVERITIES, Check, FileCheck
from timbre.audit.recordings import Recordings

PLACE = {check.name: place for place, check in reversed(list(enumerate(CHECKS)))}


def find_warnings(recordings: Recordings) -> list[dict]:
    """All warnings, worst first: by severity, then by how far the value lies beyond its limit.

    Returns: dicts of file ("" for the whole set), check, severity, value, limit, at_seconds (None where it has no
    place) and advice.
    """
    found: list[tuple[tuple, dict]] = []
    fired: dict[str, pd.Series] = {}
    faulty: set[str] = set()
    rows = recordings.rows
    for check in FILE_CHECKS:
        values, limit, at = _values(check, recordings), check.limit_of(recordings), _places(check, recordings)
        hit = _fires(check, recordings, values, limit) & ~_any(fired, check.unless, recordings.table.index)
        fired[check.name] = hit
        places = np.flatnonzero(hit)
        if check.serious:
            faulty |= {rows[place]["file"] for place in places}
        for place in places:
            row = rows[place]
            told = check.told(row, recordings) if check.told else ""
            found.append(_warning(check, row["file"], values.iat[place], limit, at.iat[place], told))
    for check in SET_CHECKS:
        value, limit = check.value(recordings, faulty), check.limit_of(recordings)
        if check.is_beyond(value, limit):
            found.append(_warning(check, "", value, limit, None, check.told(recordings) if check.told else ""))
    return [warning for _, warning in sorted(found, key=lambda pair: pair[0])]


def count_by_check(warnings: list[dict]) -> dict[str, int]:
    """Number of warnings of each check that fired, in the order given."""
    counts: dict[str, int] = {}
    for warning in warnings:
        counts[warning["check"]] = counts.get(warning["check"], 0) + 1
    return counts


def by_check(warnings: list[dict]) -> Iterator[tuple[str, list[dict]]]:
    """Names of the checks that fired with their warnings, the check with the worst first."""
    groups: dict[str, list[dict]] = {}
    for warning in warnings:
        groups.setdefault(warning["check"], []).append(warning)
    yield from groups.items()


def _values(check: FileCheck, recordings: Recordings) -> pd.Series:
    """Its figure for every row; NaN where there is none."""
    table = recordings.table
    if callable(check.value):
        return check.value(recordings).astype("Float64").astype("float64")
    if not check.value:
        return pd.Series(np.nan, index=table.index)
    return table[check.value].astype("Float64").astype("float64")


def _places(check: FileCheck, recordings: Recordings) -> pd.Series:
    if callable(check.at):
        return check.at(recordings)
    return recordings.table[check.at] if check.at else pd.Series(np.nan, index=recordings.table.index)


def _fires(check: FileCheck, recordings: Recordings, values: pd.Series, limit: float) -> pd.Series:
    """Which rows the check is to be told of."""
    left_out = recordings.why_left_out != ""
    rows = left_out if check.of_left_out else ~left_out
    if check.where is not None:
        rows = rows & check.where(recordings).fillna(False).astype(bool)
    return rows & check.is_beyond(values, limit) if not math.isnan(limit) else rows


def _any(fired: dict[str, pd.Series], names: tuple[str, ...], index: pd.Index) -> pd.Series:
    """Rows in which one of these checks has fired."""
    rows = pd.Series(False, index=index)
    for name in names:
        rows = rows | fired[name]
    return rows


def _warning(check: Check, file: str, value: float, limit: float, at: float | None, told: str) -> tuple[tuple, dict]:
    """What it is sorted by, and the warning."""
    value, limit, at = (_number(number, digits) for number, digits in ((value, 4), (limit, 4), (at, 3)))
    order = (SEVERITIES.index(check.severity), -round(check.steps_beyond(value, limit), 6), PLACE[check.name], file)
    return order, {
        "file": file, "check": check.name, "severity": check.severity, "value": value, "limit": limit,
        "at_seconds": at, "advice": f"{told} {check.advice}".strip(),
    }  # fmt: skip


def _number(value: float | None, digits: int) -> float | None:
    return None if value is None or pd.isna(value) or not math.isfinite(value) else round(float(value), digits)
