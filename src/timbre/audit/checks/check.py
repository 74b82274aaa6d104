"""What a check is: a figure, a limit, and what to tell who lies beyond it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from timbre.audit.recordings import Recordings

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
BEYOND = {"over": np.greater, "under": np.less, "at least": np.greater_equal, "at most": np.less_equal}
# What the owner of the recordings can do: nothing (it is taken care of), listen and decide, or find a better file.
Remedy = Literal["none", "listen", "redo"]


@dataclass(frozen=True)
class Check:
    """One thing that is looked for.

    error: the set is unfit as it is, and nothing takes care of it. warning: one recording, or something about the set,
    is worth a look. info: worth knowing.

    title: its name for a musician. advice: what it means and what to do. figure: how its value reads, with places for
    `value` and `limit`. limit: the key in audit.thresholds, or a number. step: by how much in the figure's unit things
    get noticeably worse, for the order of warnings; None for figures whose ratio to the limit counts, where each
    doubling is a step.
    """

    name: str
    severity: Severity
    title: str
    advice: str
    figure: str = ""
    limit: str | float | Callable[[Recordings], float] | None = None
    beyond: Literal["over", "under", "at least", "at most"] = "over"
    step: float | None = None

    def limit_of(self, recordings: Recordings) -> float:
        """The limit, as params.yaml has it; NaN where the check has none."""
        if self.limit is None:
            return float("nan")
        if isinstance(self.limit, str):
            return float(getattr(recordings.limits, self.limit))
        return float(self.limit(recordings) if callable(self.limit) else self.limit)

    def is_beyond(self, values: pd.Series | float, limit: float) -> pd.Series | bool:
        """Which values lie beyond the limit; NaN never does."""
        return BEYOND[self.beyond](values, limit)

    def steps_beyond(self, value: float | None, limit: float | None) -> float:
        """How far beyond its limit a value lies, in steps; infinite where there is no limit to measure by."""
        if value is None or limit is None:
            return float("inf")
        if self.step is not None:
            return abs(value - limit) / self.step
        low, high = sorted((max(abs(value), 1e-6), max(abs(limit), 1e-6)))
        return float(np.log2(high / low))

    def shown(self, value: float | None, limit: float | None) -> str:
        """The figure for a reader; "" where there is none."""
        if not self.figure or value is None:
            return ""
        return self.figure.format(value=value, limit=limit)


@dataclass(frozen=True)
class FileCheck(Check):
    """A check of every recording that is used, or of those left out.

    value: a column of the table, or a function that gives a value for each of its rows; "" where there is no figure.
    where: which rows it can be told of. at: where the second comes from at which it is heard. unless: checks that say
    the same better; where one of them fires, this one does not. told: what there is to say of one row, before the
    advice. serious: what such a recording teaches a model is wrong. picture: what shows it (`timbre.audit.page`).
    of_left_out: the check is why a recording is left out.
    """

    value: str | Callable[[Recordings], pd.Series] = ""
    where: Callable[[Recordings], pd.Series] | None = None
    at: str | Callable[[Recordings], pd.Series] = ""
    unless: tuple[str, ...] = ()
    told: Callable[[dict, Recordings], str] | None = None
    serious: bool = False
    remedy: Remedy = "none"
    picture: str = ""
    of_left_out: bool = False


@dataclass(frozen=True)
class SetCheck(Check):
    """A check of the whole set.

    value: its figure, from the recordings and the names of those with serious faults; NaN never lies beyond a limit.
    told: what there is to say before the advice.
    """

    value: Callable[[Recordings, set[str]], float] = lambda recordings, faulty: float("nan")
    told: Callable[[Recordings], str] | None = None
    picture: str = ""
