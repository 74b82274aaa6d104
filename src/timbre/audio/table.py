"""The table of recordings, reports/audit/files.csv: one row per file, unreadable ones too."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from timbre.errors import UserError, shown_name
from timbre.files import write_csv

# Column: pandas type. Units are in the names; `Int64` and `Float64` know an empty cell.
COLUMNS = {
    "file": "str",
    "readable": "bool",
    "reason": "str",
    "refused": "bool",
    "refused_because": "str",
    "held_out": "bool",
    "duration_seconds": "float64",
    "sample_rate_hz": "Int64",
    "channels": "Int64",
    "subtype": "str",
    "loudness_lufs": "float64",
    "loudness_range_lu": "float64",
    "momentary_max_lufs": "float64",
    "short_term_max_lufs": "float64",
    "true_peak_dbtp": "float64",
    "true_peak_at_seconds": "float64",
    "mix_true_peak_dbtp": "float64",
    "clipped_runs": "Int64",
    "clipped_percent": "float64",
    "clipped_at_seconds": "float64",
    "clip_level_dbfs": "float64",
    "pile_up_ratio": "float64",
    "dc_offset_dbfs": "float64",
    "low_frequency_dbfs": "float64",
    "silence_percent": "float64",
    "longest_pause_seconds": "float64",
    "longest_pause_at_seconds": "float64",
    "noise_floor_dbfs": "float64",
    "snr_db": "float64",
    "hum_db": "float64",
    "hum_hz": "float64",
    "clicks_per_minute": "float64",
    "click_at_seconds": "float64",
    "effective_bits": "Int64",
    "bandwidth_hz": "float64",
    "bandwidth_drop_db": "float64",
    "pitched_percent": "float64",
    "pitch_low_hz": "float64",
    "pitch_high_hz": "float64",
    "polyphony": "float64",
    "onsets_per_second": "float64",
    "decay_seconds": "float64",
    "silent_channels": "Int64",
    "channel_correlation": "float64",
    "channel_difference_db": "float64",
    "mono_loss_db": "float64",
    "channel_plan": "str",
    "environment": "Int64",
    "environment_ltas_db": "float64",
    "similar_to": "str",
    "similar_error_rate": "float64",
    "duplicate_of": "str",
    "pcm_sha256": "str",
}
DECIMALS = 4


def to_table(rows: list[dict]) -> pd.DataFrame:
    """The table of measured rows; what a row lacks stays an empty cell. One column per key of COLUMNS."""
    columns = {}
    for name, kind in COLUMNS.items():
        values = [row.get(name) for row in rows]
        if kind == "str":
            values = ["" if value is None else value for value in values]
        columns[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write files.csv with four decimals."""
    write_csv(path, table, decimals=DECIMALS)


def read_table(path: Path) -> pd.DataFrame:
    """Read files.csv as `write_table` wrote it.

    Raises: UserError where it is missing, damaged, or lacks a column.
    """
    texts = [name for name, kind in COLUMNS.items() if kind == "str"]
    try:
        table = pd.read_csv(path, dtype={name: "str" for name in texts}, encoding="utf-8")
        missing = [name for name in COLUMNS if name not in table]
        if missing:
            raise ValueError(f"lacks the column {missing[0]}")
        table[texts] = table[texts].fillna("")
        return table.astype({name: kind for name, kind in COLUMNS.items() if kind != "str"})
    except FileNotFoundError:
        raise UserError(f"{path} is missing. Run `dvc repro audit` to make it.") from None
    except (ValueError, TypeError, OverflowError, OSError) as error:
        told = shown_name(" ".join(str(error).split()))
        raise UserError(f"{path} is damaged ({told}). Delete it and run `dvc repro audit`.") from None


def left_out(table: pd.DataFrame) -> list[tuple[str, str]]:
    """File and reason, in words that follow its name, of every row that does not go into the dataset."""
    rows = table[~used(table)].itertuples()
    return [(row.file, row.refused_because or f"is the same as {row.duplicate_of}") for row in rows]


def counted(number: int, word: str) -> str:
    """A number with its word: 1 file, 2 files."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def used(table: pd.DataFrame) -> pd.Series:
    """Which rows go into the dataset: neither refused nor a copy of another."""
    return ~table["refused"] & (table["duplicate_of"] == "")
