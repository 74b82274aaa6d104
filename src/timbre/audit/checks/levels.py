"""Level: what is cut off at the top, too quiet, too dense, or too uneven."""

from __future__ import annotations

import pandas as pd

from timbre.audit.checks.check import FileCheck
from timbre.audit.recordings import Recordings

# A loudness range means little on short sounds.
LEAST_RANGE_SECONDS = 60.0


def _clipped_runs_a_minute(recordings: Recordings) -> pd.Series:
    return recordings.table["clipped_runs"].astype("Float64") / (recordings.table["duration_seconds"] / 60.0)


def _long_enough(recordings: Recordings) -> pd.Series:
    return recordings.table["duration_seconds"] >= LEAST_RANGE_SECONDS


def _told_ceiling(row: dict, recordings: Recordings) -> str:
    level = row["clip_level_dbfs"]
    return f"Its tops are cut off at {level:.1f} dBFS." if level < -0.1 else ""


CHECKS = (
    FileCheck(
        "clipping", "warning", "Clipped",
        "The tops are cut off, and the model learns the distortion. Record again with more headroom, or declip.",
        "{value:.2f} % of the samples are cut off (limit {limit:g} %)", "clipped_percent",
        value="clipped_percent", at="clipped_at_seconds", told=_told_ceiling, serious=True, remedy="redo",
        picture="waveform",
    ),
    FileCheck(
        "pile_up", "warning", "Clipped, then turned down",
        "The tops were cut off before the level was lowered or the file was converted: the distortion stays. Use the "
        "version before, or record again with more headroom.",
        "{value:.0f} samples at the top for each just below (limit {limit:g})", "pile_up_ratio",
        value="pile_up_ratio", at="true_peak_at_seconds", unless=("clipping",), told=_told_ceiling, serious=True,
        remedy="redo", picture="waveform",
    ),
    FileCheck(
        "clipped_runs", "warning", "A few clipped peaks",
        "Some tops are cut off. Listen to the loudest places; record with more headroom next time.",
        "{value:.1f} a minute (limit {limit:g})", "clipped_runs_per_minute",
        value=_clipped_runs_a_minute, at="clipped_at_seconds", unless=("clipping", "pile_up"), remedy="listen",
        picture="waveform",
    ),
    FileCheck(
        "quiet", "warning", "Quiet",
        "Its noise is lifted with it. Check that it belongs to the set, and record with more gain next time.",
        "{value:.1f} LUFS (least {limit:g})", "quiet_lufs", "under", step=6.0,
        value="loudness_lufs", remedy="listen", picture="level",
    ),
    FileCheck(
        "loud", "warning", "Very loud",
        "It is very dense, often over-compressed. Use the version before mastering if there is one.",
        "{value:.1f} LUFS (limit {limit:g})", "loud_lufs", step=3.0,
        value="loudness_lufs", at="true_peak_at_seconds", remedy="listen", picture="level",
    ),
    FileCheck(
        "no_dynamics", "warning", "Hardly any dynamics",
        "The model never hears soft playing here. Add takes with quiet and loud notes.",
        "loudness range {value:.1f} LU (least {limit:g})", "loudness_range_min_lu", "under", step=0.5,
        value="loudness_range_lu", where=_long_enough, remedy="listen", picture="level",
    ),
    FileCheck(
        "wide_dynamics", "warning", "Very wide dynamics",
        "There is very soft and very loud sound in one take. Check it for noises, knocks or a changed gain.",
        "loudness range {value:.1f} LU (limit {limit:g})", "loudness_range_max_lu", step=6.0,
        value="loudness_range_lu", where=_long_enough, at="true_peak_at_seconds", remedy="listen", picture="level",
    ),
    FileCheck(
        "silence", "warning", "Long pauses",
        "Pauses teach nothing, and every crop of them is a step lost. Cut them, or set `normalize.trim_silence: true`.",
        "{value:.0f} % silent (limit {limit:g} %)", "silence_percent", step=20.0,
        value="silence_percent", at="longest_pause_at_seconds", remedy="none", picture="level",
    ),
    FileCheck(
        "true_peak", "info", "Peaks at full scale",
        "It is harmless where nothing is clipped, and normalize makes room. Leave 6 dB of headroom next time.",
        "{value:+.1f} dBTP (limit {limit:g})", "true_peak_dbtp", step=1.0,
        value="true_peak_dbtp", at="true_peak_at_seconds", unless=("clipping", "pile_up", "clipped_runs"),
        picture="waveform",
    ),
)  # fmt: skip
