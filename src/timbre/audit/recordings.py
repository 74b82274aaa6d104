"""All that the checks and the advice look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from timbre.audio.table import used
from timbre.audit.dataset.facts import SetFacts
from timbre.audit.exclude import why_left_out
from timbre.params import Params, Thresholds


@dataclass(frozen=True)
class Recordings:
    """The table of recordings, what is known of them together, and what is wanted.

    table: as `timbre.audio.table.to_table` makes it, with what is left out marked. foreign: names of sound files in
    formats that are not read.
    """

    table: pd.DataFrame
    facts: SetFacts
    params: Params
    foreign: list[str] = field(default_factory=list)

    @property
    def limits(self) -> Thresholds:
        """The audit's limits."""
        return self.params.audit.thresholds

    @cached_property
    def rows(self) -> list[dict]:
        """The table row by row."""
        return self.table.to_dict("records")

    @cached_property
    def folders(self) -> pd.Series:
        """The folder that each recording lies in, below that of all of them ("" there)."""
        return pd.Series([file.rpartition("/")[0] for file in self.table["file"]], self.table.index, dtype="str")

    @cached_property
    def used(self) -> pd.DataFrame:
        """The rows that go into the dataset."""
        return self.table[used(self.table)]

    @cached_property
    def training(self) -> pd.DataFrame:
        """Those of them that are learnt from."""
        return self.used[~self.used["held_out"]]

    @cached_property
    def held_out(self) -> pd.DataFrame:
        """Those of them that are kept for evaluation."""
        return self.used[self.used["held_out"]]

    @cached_property
    def sounding_seconds(self) -> pd.Series:
        """Seconds of each training recording that are no silence."""
        return self.training["duration_seconds"] * (1.0 - self.training["silence_percent"] / 100.0)

    @cached_property
    def minutes(self) -> float:
        """Minutes of training material."""
        return float(self.training["duration_seconds"].sum() / 60.0)

    @cached_property
    def why_left_out(self) -> pd.Series:
        """The check by which each row is left out; "" where it is used."""
        return pd.Series(why_left_out(self.rows, self.limits), index=self.table.index, dtype="str")

    @cached_property
    def pairs(self) -> dict[str, dict]:
        """Of each used recording that is like another used one, by its name, the pair with the most in common."""
        kept = set(self.used["file"])
        best: dict[str, dict] = {}
        for pair in sorted(self.facts.similar, key=lambda pair: (-pair["seconds"], pair["file"], pair["of"])):
            if {pair["file"], pair["of"]} <= kept:
                best.setdefault(pair["file"], pair)
        return best

    def training_mean(self, column: str) -> float:
        """Mean of a figure over the training recordings, each weighed by what sounds of it; NaN where none has it."""
        values = self.training[column]
        weights = self.sounding_seconds[values.notna()]
        if weights.sum() <= 0.0:
            return float("nan")
        return float(np.average(values[values.notna()].astype(float), weights=weights))

    def training_percent(self, files: set[str]) -> float:
        """Percent of the training material that lies in these files."""
        seconds = self.training["duration_seconds"]
        bad = seconds[self.training["file"].isin(files)].sum()
        return float(100.0 * bad / seconds.sum()) if seconds.sum() > 0.0 else float("nan")

    @cached_property
    def loudness_spread_lu(self) -> float:
        """95th less 5th percentile of the training recordings' loudness in LU; NaN under two recordings."""
        return percentile_spread(self.training["loudness_lufs"])

    @cached_property
    def lost_percent(self) -> float:
        """Percent of all seconds that are left out.

        Nobody knows how long an unreadable file is: it counts as the mean of the readable ones, so that a folder of
        which most does not decode is not taken for whole.
        """
        seconds = self.table["duration_seconds"]
        mean = seconds.mean()
        seconds = seconds.fillna(mean if np.isfinite(mean) else 1.0)
        return float(100.0 * (1.0 - seconds[used(self.table)].sum() / seconds.sum()))


def percentile_spread(values: pd.Series) -> float:
    """95th less 5th percentile; NaN under two values."""
    return float(np.diff(np.percentile(values, (5.0, 95.0)))[0]) if len(values) > 1 else float("nan")
