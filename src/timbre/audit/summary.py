"""The set in numbers, for audit.json and for `dvc metrics diff`."""

from __future__ import annotations

import math

from timbre.audit.checks.catalogue import FILE_CHECKS
from timbre.audit.checks.check import SEVERITIES
from timbre.audit.checks.find import count_by_check
from timbre.audit.environments import strangers
from timbre.audit.recordings import Recordings

PLURALS = dict(zip(SEVERITIES, ("errors", "warnings", "notes"), strict=True))
# What is worth a column of `dvc metrics diff` and `dvc exp show`.
METRICS = (
    "files",
    "used_files",
    "usable_hours",
    "sounding_hours",
    "held_out_hours",
    "lost_percent",
    "faulty_percent",
    "near_copies",
    "loudness_median_lufs",
    "loudness_spread_lu",
    "snr_median_db",
    "pitched_percent",
    "polyphony",
    "onsets_per_second",
    "vendi",
    "environments",
    "strange_environments",
    "errors",
    "warnings",
)


def summarise(recordings: Recordings, warnings: list[dict]) -> dict:
    """Files, hours, levels, music, variety, and how many warnings of each severity and check there are.

    Returns: numbers, and None where something could not be measured.
    """
    table, kept = recordings.table, recordings.used
    training, held_out = recordings.training, recordings.held_out
    why = recordings.why_left_out
    summary = {
        "files": len(table),
        "unreadable_files": int((why == "unreadable").sum()),
        "refused_files": int(table["refused"].sum() - (why == "unreadable").sum()),
        "duplicate_files": int((table["duplicate_of"] != "").sum()),
        "leaking_files": int((why == "leak").sum()),
        "used_files": len(kept),
        "training_files": len(training),
        "training_minutes": recordings.minutes,
        "usable_hours": recordings.minutes / 60.0,
        "sounding_hours": float(recordings.sounding_seconds.sum() / 3600.0),
        "held_out_files": len(held_out),
        "held_out_minutes": float(held_out["duration_seconds"].sum() / 60.0),
        "held_out_hours": float(held_out["duration_seconds"].sum() / 3600.0),
        "lost_percent": recordings.lost_percent,
        "faulty_percent": _faulty_percent(recordings, warnings),
        "near_copies": len(recordings.pairs),
        "loudness_median_lufs": float(training["loudness_lufs"].median()),
        "loudness_spread_lu": recordings.loudness_spread_lu,
        "true_peak_max_dbtp": float(kept["true_peak_dbtp"].max()),
        "snr_median_db": float(training["snr_db"].median()),
        "pitched_percent": recordings.training_mean("pitched_percent"),
        "polyphony": recordings.training_mean("polyphony"),
        "onsets_per_second": recordings.training_mean("onsets_per_second"),
        "vendi": recordings.facts.variety.get("vendi"),
        "environments": len(recordings.facts.environments) or None,
        "strange_environments": len(strangers(recordings)) if recordings.facts.environments else None,
    }
    for severity, plural in PLURALS.items():
        summary[plural] = sum(warning["severity"] == severity for warning in warnings)
    summary |= {f"check_{check}": count for check, count in count_by_check(warnings).items()}
    rates = kept["sample_rate_hz"].value_counts().sort_index()
    summary |= {f"rate_{rate}_hz_files": int(count) for rate, count in rates.items()}
    return {name: _rounded(value) for name, value in summary.items()}


def metrics(summary: dict) -> dict:
    """What metrics.json holds of a summary."""
    return {name: summary[name] for name in METRICS}


def _faulty_percent(recordings: Recordings, warnings: list[dict]) -> float:
    serious = {check.name for check in FILE_CHECKS if check.serious}
    faulty = {warning["file"] for warning in warnings if warning["check"] in serious}
    return recordings.training_percent(faulty)


def _rounded(value: float | int | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return round(value, 3) if math.isfinite(value) else None
