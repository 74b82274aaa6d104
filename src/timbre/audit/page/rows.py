"""The table of all files, as the page's script takes it."""

from __future__ import annotations

import math

import pandas as pd

from timbre.audit.checks.catalogue import FILE_CHECKS
from timbre.audit.checks.check import SEVERITIES
from timbre.audit.recordings import Recordings

# Rows that the page takes in; of more, those with the worst findings and then the first by name.
MOST_ROWS = 20_000
# Column of the table: heading, unit, decimals (None: a length of time), and whether plus is written.
COLUMNS = (
    ("duration_seconds", "Length", "", None),
    ("loudness_lufs", "Loudness", "LUFS", 1),
    ("loudness_range_lu", "Range", "LU", 1),
    ("true_peak_dbtp", "True peak", "dBTP", 1),
    ("clipped_percent", "Clipped", "%", 2),
    ("silence_percent", "Silence", "%", 0),
    ("noise_floor_dbfs", "Noise floor", "dBFS", 0),
    ("snr_db", "Over noise", "dB", 0),
    ("hum_db", "Hum", "dB", 0),
    ("clicks_per_minute", "Clicks", "a minute", 1),
    ("bandwidth_hz", "Treble ends", "Hz", 0),
    ("pitched_percent", "Pitched", "%", 0),
    ("polyphony", "Notes at once", "", 1),
    ("onsets_per_second", "Onsets", "a second", 1),
    ("environment", "Place", "group", 0),
    ("sample_rate_hz", "Rate", "Hz", 0),
    ("channels", "Channels", "", 0),
)
USES = ("training", "held out", "left out")


def table_data(recordings: Recordings, warnings: list[dict]) -> dict:
    """What the script needs: columns, names of checks, and for each file its name, use, findings, why and figures.

    A column that is empty throughout is left out. A row is [name, use, severity, checks, why, figures...]: use,
    severity and checks are places in `uses`, `severities` and `checks`; severity is -1 where nothing was found.
    """
    table = recordings.table
    names = [check.name for check in FILE_CHECKS]
    found: dict[str, list[int]] = {}
    worst: dict[str, int] = {}
    for warning in warnings:
        if warning["file"]:
            found.setdefault(warning["file"], []).append(names.index(warning["check"]))
            severity = SEVERITIES.index(warning["severity"])
            worst[warning["file"]] = min(worst.get(warning["file"], severity), severity)
    shown = [column for column in COLUMNS if table[column[0]].notna().any()]
    figures = [_figures(table[column], 1 if digits is None else digits) for column, _, _, digits in shown]
    rows = []
    for row, *numbers in zip(recordings.rows, *figures, strict=True):
        file = row["file"]
        use = 2 if row["refused"] or row["duplicate_of"] else 1 if row["held_out"] else 0
        why = row["refused_because"] or (f"is the same as {row['duplicate_of']}" if row["duplicate_of"] else "")
        rows.append([file, use, worst.get(file, -1), found.get(file, []), why, *numbers])
    more = max(0, len(rows) - MOST_ROWS)
    if more:
        places = {file: place for place, file in enumerate(dict.fromkeys(one["file"] for one in warnings))}
        kept = sorted(rows, key=lambda row: (places.get(row[0], len(places)), row[0]))[:MOST_ROWS]
        rows = sorted(kept, key=lambda row: row[0])
    return {
        "columns": [{"title": title, "unit": unit, "digits": digits} for _, title, unit, digits in shown],
        "uses": USES, "severities": SEVERITIES, "checks": [check.title for check in FILE_CHECKS],
        "names": names, "rows": rows, "more": more,
    }  # fmt: skip


def _figures(values: pd.Series, digits: int) -> list[float | int | None]:
    """Numbers with no more decimals than are shown, None for an empty cell."""
    numbers = values.astype("Float64").astype("float64").round(digits).to_list()
    return [(int(one) if one == int(one) else one) if math.isfinite(one) else None for one in numbers]
