"""Recordings that are left out, and copies that are not."""

from __future__ import annotations

import pandas as pd

from timbre.audit.checks.check import FileCheck
from timbre.audit.exclude import LEAKING_SHARE
from timbre.audit.recordings import Recordings


def _because_of(check: str):
    return lambda recordings: recordings.why_left_out == check


def _of_pair(key: str):
    """What is known of the pair that each row belongs to; NaN where it belongs to none."""

    def values(recordings: Recordings) -> pd.Series:
        return recordings.table["file"].map({file: pair[key] for file, pair in recordings.pairs.items()}).astype(float)

    return values


def _across_the_split(recordings: Recordings) -> pd.Series:
    """Rows that have something in common with a recording on the other side, one of the two being held out."""
    held_out = dict(zip(recordings.table["file"], recordings.table["held_out"], strict=True))
    across = {file for file, pair in recordings.pairs.items() if held_out[file] != held_out[pair["of"]]}
    return recordings.table["file"].isin(across)


def _told_leak(row: dict, recordings: Recordings) -> str:
    return f"It is the same as {row['duplicate_of']}." if row["duplicate_of"] else f"It {row['refused_because']}."


def _told_pair(row: dict, recordings: Recordings) -> str:
    pair = recordings.pairs[row["file"]]
    return (
        f"{pair['seconds']:.1f} s of it, from {pair['at_seconds']:.1f} s on, are also in {pair['of']} from "
        f"{pair['of_at_seconds']:.1f} s on."
    )


CHECKS = (
    FileCheck(
        "unreadable", "warning", "Cannot be opened",
        "It is left out. Open it in an editor and export it again as wav or flac, or remove it.",
        where=_because_of("unreadable"), told=lambda row, _: f"It {row['refused_because']}.",
        remedy="redo", of_left_out=True,
    ),
    FileCheck(
        "leak", "warning", "In training and in the test folder",
        "The training copy is left out, or the evaluation would test what the model has learnt by heart.",
        where=_because_of("leak"), told=_told_leak, of_left_out=True,
    ),
    FileCheck(
        "duplicate", "warning", "Exact copies",
        "It is left out: the same samples are already in another file.",
        where=_because_of("duplicate"), told=lambda row, _: f"It is the same as {row['duplicate_of']}.",
        of_left_out=True,
    ),
    FileCheck(
        "silent", "warning", "Only silence",
        "It is left out. Remove it, or see why nothing was recorded.",
        "{value:.4g} % silent (limit {limit:g} %)", "silence_refuse_percent", "at least", step=1.0,
        value="silence_percent", where=_because_of("silent"), remedy="redo", of_left_out=True,
    ),
    FileCheck(
        "almost_silent", "warning", "Almost silent",
        "It is left out: lifted to a usable level it would be mostly noise. Record it again with more gain.",
        "{value:.1f} LUFS (least {limit:g})", "refuse_lufs", "under", step=6.0,
        value="loudness_lufs", where=_because_of("almost_silent"), remedy="redo", picture="level", of_left_out=True,
    ),
    FileCheck(
        "leak_part", "warning", "In part in the test folder too",
        f"Under {100 * LEAKING_SHARE:.0f} % of a recording are no reason to leave all of it out, but the evaluation "
        "tests in part what the model has learnt by heart. Cut that part out of one of the two.",
        "{value:.3f} of the fingerprint's bits differ (limit {limit:g})", "similar_error_rate", "at most",
        value=_of_pair("error_rate"), where=_across_the_split, at=_of_pair("at_seconds"), told=_told_pair,
        remedy="listen", picture="pair",
    ),
    FileCheck(
        "near_copy", "warning", "Nearly the same as another",
        "What is there twice weighs twice: other codings, gains or edits of one take teach nothing new. Keep the best "
        "of them.",
        "{value:.3f} of the fingerprint's bits differ (limit {limit:g})", "similar_error_rate", "at most",
        value=_of_pair("error_rate"), at=_of_pair("at_seconds"), unless=("leak_part",), told=_told_pair,
        remedy="listen", picture="pair",
    ),
)  # fmt: skip
