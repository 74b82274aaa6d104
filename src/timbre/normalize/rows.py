"""What must be so of the rows of files.csv, before recordings are read and written by what they say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from timbre.audio.table import used
from timbre.errors import UserError, shown, shown_name
from timbre.schema import is_below

CHANNEL_PLANS = ("mono", "mean", "left")
# Within these lies what any sound measures.
LIMITS = {
    "duration_seconds": (1e-3, 1e7),
    "loudness_lufs": (-1000.0, 1000.0),
    "mix_true_peak_dbtp": (-1000.0, 1000.0),
}


def require_rows(table: pd.DataFrame, path: Path) -> None:
    """Raise UserError where a row, read from `path`, cannot be what the audit measured of a recording."""
    if fault := _fault(table):
        raise UserError(f"{path} is damaged ({fault}). Delete it and run `dvc repro audit`.")


def _fault(table: pd.DataFrame) -> str:
    for name in table["file"]:
        if not is_below(name):  # what is written has its name
            return f"{shown(name)} is no name of a file below its folder"
    twice = table["file"][table["file"].duplicated()]
    if len(twice):
        return f"{shown_name(twice.iloc[0])} is in it twice"
    rows = table[used(table)]
    for column, (least, most) in LIMITS.items():
        for name, value in zip(rows["file"], rows[column], strict=True):
            if not least <= value <= most:  # nor where it is empty
                return f"{column} of {shown_name(name)} is {value:g}"
    for name, plan in zip(rows["file"], rows["channel_plan"], strict=True):
        if plan not in CHANNEL_PLANS:
            return f"channel_plan of {shown_name(name)} is {shown(plan)}"
    return ""
