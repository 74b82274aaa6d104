"""From measures to refusals, copies and warnings, each with its figure, its limit and what to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd

from timbre.audio.table import used
from timbre.audit.meters.clipping import PCM_BITS
from timbre.params import Params, Thresholds

SEVERITIES = ("error", "warning", "info")
# A loudness range means little on short sounds, and an offset of one short sound is often part of it.
LEAST_RANGE_SECONDS = 60.0
LEAST_BITS = 16

# Check: what it means and what to do.
ADVICE = {
    "unreadable": "Left out. Open it in an editor and export it again as wav or flac, or remove it.",
    "silent": "Left out. Trim the silence, or remove the file.",
    "almost_silent": "Left out: lifted to a usable level it would be mostly noise. Record it again with more gain.",
    "leak": "The training copy is left out, or the evaluation would test what the model has learnt by heart.",
    "duplicate": "Left out: the same samples are already in another file.",
    "clipping": "The tops are cut off and the model learns the distortion. Record again with more headroom, or declip.",
    "clipped_runs": "Some tops are cut off. Listen to the loudest places; record with more headroom next time.",
    "true_peak": "Peaks reach full scale. Harmless if nothing is clipped; leave 6 dB of headroom next time.",
    "quiet": "Noise is lifted with it. Check that it belongs to the set, and record with more gain next time.",
    "loud": "Very dense, often over-compressed. Use the version before mastering if there is one.",
    "no_dynamics": "The model never hears soft playing here. Add takes with quiet and loud notes.",
    "wide_dynamics": "Very soft and very loud in one take. Check it for noises, knocks or a changed gain.",
    "dc_offset": "normalize removes it. It points to a faulty interface or plug-in.",
    "silence": "Long pauses teach nothing. Trim them if they are not part of the sound.",
    "inverted": "One side is upside down, so that mono would cancel. normalize takes the left channel alone.",
    "silent_channel": "A channel carries nothing, so that the mono mix is quieter than the take. Export it as mono.",
    "dual_mono": "Both sides hold the same sound. Nothing to do; a stereo model learns no width from it.",
    "surround": "More than two channels: normalize takes the mean of all of them, in stereo the first two.",
    "low_rate": "It has no treble above half its own rate, and converting it adds none. Prefer the original recording.",
    "coarse": "8 bits a sample are noisy. Prefer the original recording.",
    "short": "Used as it is. Many very short files slow nothing down, but hold little to learn.",
    "small_dataset": "Add recordings: more notes, dynamics and ways of playing.",
    "loudness_spread": "If the takes were recorded at different gains, choose normalize.mode group (a folder for each "
    "session) or file. If the differences are played, keep dataset.",
    "synth_mismatch": "Set `synth` in params.yaml to what suits the material; the advice on the model says which.",
    "other_formats": "They are not read, and no part of the dataset. Convert them to wav or flac.",
}  # fmt: skip


def refuse(rows: list[dict], limits: Thresholds) -> None:
    """Fill `refused` and `refused_because` in every row."""
    for row in rows:
        row["refused_because"] = next((advice for _, _, _, advice in _refusals(row, limits)), "")
        row["refused"] = bool(row["refused_because"])


def mark_duplicates(rows: list[dict]) -> None:
    """Fill `duplicate_of`: of equal recordings the held-out one stays, otherwise the first by name."""
    kept: dict[str, dict] = {}
    for row in sorted(rows, key=lambda row: (not row["held_out"], row["file"])):
        row["duplicate_of"] = ""
        if not row["refused"]:
            first = kept.setdefault(row["pcm_sha256"], row)
            row["duplicate_of"] = "" if first is row else first["file"]


def find_warnings(table: pd.DataFrame, params: Params, foreign: list[str]) -> list[dict]:
    """All warnings, worst first: by severity, then by how far the value lies beyond its limit.

    table: as `to_table` makes it. foreign: names of sound files in formats that are not read.
    Returns: dicts of file ("" for the whole set), check, severity, value, limit, advice.
    """
    limits = params.audit.thresholds
    held_out = dict(zip(table["file"], table["held_out"], strict=True))
    found = []
    for row in table.to_dict("records"):
        name = row["file"]
        if row["refused"]:
            check, value, limit, reason = next(_refusals(row, limits))
            found.append(_warning(name, check, "error", value, limit, f"It {reason}. {ADVICE[check]}"))
        elif row["duplicate_of"]:
            leak = held_out[row["duplicate_of"]] and not row["held_out"]
            advice = f"Same as {row['duplicate_of']}. {ADVICE['leak' if leak else 'duplicate']}"
            found.append(_warning(name, "leak" if leak else "duplicate", "error" if leak else "warning", advice=advice))
        else:
            found += [_warning(name, *fault) for fault in _faults(row, limits, params.data.sample_rate)]
    found += [_warning("", *fault) for fault in _set_faults(table, params, foreign)]
    return sorted(found, key=_order)


def loudness_spread_lu(loudness: pd.Series) -> float:
    """95th less 5th percentile of the files' loudness in LU; NaN under two files."""
    return float(np.diff(np.percentile(loudness, (5.0, 95.0)))[0]) if len(loudness) > 1 else float("nan")


def pitched_percent(table: pd.DataFrame) -> float:
    """Percent of all files' sounding time that has a clear pitch; NaN where nothing sounds."""
    sounding = table["duration_seconds"] * (1.0 - table["silence_percent"] / 100.0)
    sounding = sounding[table["pitched_percent"].notna()]
    total = sounding.sum()
    return float((sounding * table["pitched_percent"]).sum() / total) if total > 0.0 else float("nan")


def count_by_check(warnings: list[dict]) -> dict[str, int]:
    """Number of warnings of each check that fired, in the order given."""
    counts: dict[str, int] = defaultdict(int)
    for warning in warnings:
        counts[warning["check"]] += 1
    return dict(counts)


def _refusals(row: dict, limits: Thresholds) -> Iterator[tuple[str, float | None, float | None, str]]:
    """Reasons to leave a file out: check, value, limit, the reason in words."""
    if not row["readable"]:
        yield "unreadable", None, None, row["reason"]
    elif row["silence_percent"] >= limits.silence_refuse_percent:
        percent = row["silence_percent"]
        yield "silent", percent, limits.silence_refuse_percent, f"is silence ({percent:.4g} % of it)"
    elif row["loudness_lufs"] < limits.refuse_lufs:
        loudness = row["loudness_lufs"]
        told = f"{loudness:.1f} LUFS, and the least is {limits.refuse_lufs:g}"
        yield "almost_silent", loudness, limits.refuse_lufs, f"is almost silent ({told})"


def _faults(row: dict, limits: Thresholds, rate_hz: int) -> Iterator[tuple[str, str, float, float]]:
    """Warnings about one usable file: check, severity, value, limit."""
    runs = row["clipped_runs"] / (row["duration_seconds"] / 60.0)
    if row["clipped_percent"] > limits.clipped_percent:
        yield "clipping", "error", row["clipped_percent"], limits.clipped_percent
    elif runs > limits.clipped_runs_per_minute:
        yield "clipped_runs", "warning", runs, limits.clipped_runs_per_minute
    long = row["duration_seconds"] >= LEAST_RANGE_SECONDS
    over, under = np.greater, np.less
    for check, severity, beyond, value, limit in (
        ("inverted", "warning", under, row["channel_correlation"], limits.inverted_correlation),
        ("silent_channel", "warning", over, row["silent_channels"], 0),
        ("quiet", "warning", under, row["loudness_lufs"], limits.quiet_lufs),
        ("loud", "warning", over, row["loudness_lufs"], limits.loud_lufs),
        ("silence", "warning", over, row["silence_percent"], limits.silence_percent),
        ("low_rate", "warning", under, row["sample_rate_hz"], rate_hz),
        ("no_dynamics", "warning", under, row["loudness_range_lu"] if long else np.nan, limits.loudness_range_min_lu),
        ("wide_dynamics", "warning", over, row["loudness_range_lu"] if long else np.nan, limits.loudness_range_max_lu),
        ("true_peak", "warning", over, row["true_peak_dbtp"], limits.true_peak_dbtp),
        ("short", "info", under, row["duration_seconds"], limits.short_seconds),
        ("dual_mono", "info", over, row["channel_correlation"], limits.dual_mono_correlation),
        ("surround", "info", over, row["channels"], 2),
        ("coarse", "warning", under, PCM_BITS.get(row["subtype"], 24), LEAST_BITS),
    ):
        if beyond(value, limit):
            yield check, severity, value, limit
    if row["dc_offset_dbfs"] > limits.dc_offset_dbfs and row["duration_seconds"] >= limits.short_seconds:
        yield "dc_offset", "warning", row["dc_offset_dbfs"], limits.dc_offset_dbfs


def _set_faults(table: pd.DataFrame, params: Params, foreign: list[str]) -> Iterator[tuple]:
    """Warnings about the whole set: check, severity, value, limit."""
    limits = params.audit.thresholds
    training = table[used(table) & ~table["held_out"]]
    minutes = training["duration_seconds"].sum() / 60.0
    if round(minutes, 1) < limits.ddsp_minutes:
        yield "small_dataset", "warning", minutes, limits.ddsp_minutes
    spread = loudness_spread_lu(training["loudness_lufs"])
    if spread > limits.loudness_spread_lu:
        yield "loudness_spread", "warning", spread, limits.loudness_spread_lu
    if params.model == "ddsp":
        pitched = pitched_percent(training)
        if params.synth == "harmonic_noise" and pitched < limits.unpitched_percent:
            yield "synth_mismatch", "warning", pitched, limits.unpitched_percent
        if params.synth == "noise_bands" and pitched >= limits.pitched_percent:
            yield "synth_mismatch", "warning", pitched, limits.pitched_percent
    if foreign:
        names = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        yield "other_formats", "warning", len(foreign), 0, f"{names}. {ADVICE['other_formats']}"


def _warning(
    file: str, check: str, severity: str, value: float | None = None, limit: float | None = None, advice: str = ""
) -> dict:
    value = None if value is None or not np.isfinite(value) else round(float(value), 4)
    limit = None if limit is None else round(float(limit), 4)
    return {
        "file": file, "check": check, "severity": severity, "value": value, "limit": limit,
        "advice": advice or ADVICE[check],
    }  # fmt: skip


def _order(warning: dict) -> tuple:
    value, limit = warning["value"], warning["limit"]
    beyond = float("inf") if value is None or limit is None else abs(value - limit) / max(abs(limit), 1e-3)
    return SEVERITIES.index(warning["severity"]), -beyond, warning["check"], warning["file"]
