"""What is left out of the dataset, and why: files that cannot be used, copies, and what evaluation must not meet."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from timbre.audio.table import used
from timbre.params import Thresholds

# Of a copy in training, at least this share must be in the held-out recording, before all of it is left out.
LEAKING_SHARE = 0.5


@dataclass(frozen=True)
class Refusal:
    """The check that a file fails, its value and limit, and the reason in words that follow its name."""

    check: str
    value: float | None
    limit: float | None
    reason: str


def refusal(row: dict, limits: Thresholds) -> Refusal | None:
    """Why a file cannot be used; None where it can."""
    if not row["readable"]:
        return Refusal("unreadable", None, None, row["reason"])
    silence, loudness = row["silence_percent"], row["loudness_lufs"]
    if silence >= limits.silence_refuse_percent:
        return Refusal("silent", silence, limits.silence_refuse_percent, f"is silence ({silence:.4g} % of it)")
    if loudness < limits.refuse_lufs:
        told = f"is almost silent ({loudness:.1f} LUFS, and the least is {limits.refuse_lufs:g})"
        return Refusal("almost_silent", loudness, limits.refuse_lufs, told)
    return None


def refuse(rows: list[dict], limits: Thresholds) -> None:
    """Fill `refused` and `refused_because` in every row."""
    for row in rows:
        found = refusal(row, limits)
        row["refused"], row["refused_because"] = found is not None, found.reason if found else ""


def mark_duplicates(rows: list[dict]) -> None:
    """Fill `duplicate_of`: of equal recordings the held-out one stays, otherwise the first by name."""
    kept: dict[str, dict] = {}
    for row in sorted(rows, key=lambda row: (not row["held_out"], row["file"])):
        row["duplicate_of"] = ""
        if not row["refused"]:
            first = kept.setdefault(row["pcm_sha256"], row)
            row["duplicate_of"] = "" if first is row else first["file"]


def why_left_out(rows: list[dict], limits: Thresholds) -> list[str]:
    """The check by which each row is left out; "" where it is used."""
    held_out = {row["file"]: row["held_out"] for row in rows}

    def why(row: dict) -> str:
        if row["duplicate_of"]:
            return "leak" if held_out[row["duplicate_of"]] and not row["held_out"] else "duplicate"
        if not row["refused"]:
            return ""
        found = refusal(row, limits)
        return found.check if found else "leak"

    return [why(row) for row in rows]


def leave_out_leaks(table: pd.DataFrame, similar: list[dict]) -> None:
    """Refuse the training recordings that sound the same as a held-out one, or as one that does.

    table: `refused` and `refused_because` are changed in it. similar: of `SetFacts`.
    """
    held_out = dict(zip(table["file"], table["held_out"], strict=True))
    seconds = dict(zip(table["file"], table["duration_seconds"], strict=True))
    kept = set(table.loc[used(table), "file"])
    leaked: dict[str, str] = {}
    found = True
    while found:
        found = False
        for pair in similar:
            for file, of in ((pair["file"], pair["of"]), (pair["of"], pair["file"])):
                leaks = held_out[of] or of in leaked
                if not leaks or held_out[file] or file in leaked or not {file, of} <= kept:
                    continue
                if pair["seconds"] >= LEAKING_SHARE * seconds[file]:
                    leaked[file], found = leaked.get(of, of), True
    rows = table["file"].isin(leaked)
    table.loc[rows, "refused"] = True
    table.loc[rows, "refused_because"] = [
        f"sounds the same as {leaked[file]}, which is held out" for file in table.loc[rows, "file"]
    ]
