"""The normalize stage: plan the gains, write the recordings, check the ceiling; data/normalized/."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from timbre.audio.parallel import for_each
from timbre.audio.table import counted, left_out, read_table
from timbre.errors import UserError, printable
from timbre.files import replaced_folder, write_csv, write_json
from timbre.normalize.apply import Written, survey, write_item
from timbre.normalize.plan import Gain, Item, energy_mean_lufs, fit, limiter_of, make_plan, most_dbtp
from timbre.normalize.rows import require_rows
from timbre.params import Normalize, Params
from timbre.progress import progress

# How far a written file's true peak may lie over the ceiling, in dB, before its gain is lowered again.
TOLERANCE_DB = 0.05
ROUNDS = 3
# How far the energy mean may lie over the median before it is worth a word.
FEW_LOUD_LU = 4.0
TOLD = 10


def run(params: Params, files: Path, out: Path) -> dict:
    """Write every usable recording of `files` (the audit's files.csv) into `out`, with gains.csv and the like.

    With the limiter limited.csv says where it took something off; where pauses are cut kept.csv says which part of a
    file is which of its source.
    Returns: what summary.json holds.
    Raises: UserError where files.csv is missing or damaged, holds nothing to train on, or a recording has changed.
    """
    raw, settings = Path(params.data.raw), params.normalize
    table = read_table(files)
    require_rows(table, files)
    items, gains = make_plan(table, settings)
    if params.data.channels == 2 or settings.trim_silence:
        items, gains = _surveyed(items, raw, params)
    if not any(not item.held_out for item in items):
        raise UserError(f"{files}: no usable recording for training; it says why. Then run `dvc repro audit`.")
    with replaced_folder(out) as folder:
        items, gains, written = _write(items, gains, raw, folder, params)
        missing = left_out(table)
        summary = summarise(items, gains, written, len(missing), settings)
        write_csv(folder / "gains.csv", _gains_table(items, written), decimals=4)
        if limiter_of(settings):
            write_csv(folder / "limited.csv", _limited_table(items, written), decimals=4)
        if settings.trim_silence:
            write_csv(folder / "kept.csv", _kept_table(items))
        write_csv(folder / "left_out.csv", pd.DataFrame(missing, columns=["source", "reason"]))
        write_json(folder / "summary.json", summary)
    print("\n".join(map(printable, closing_lines(summary, settings, out))))
    return summary


def summarise(items: list[Item], gains: list[Gain], written: list[Written], left_out: int, settings: Normalize) -> dict:
    """What was done, in numbers: the gain of every group, and which recording's peak lowered it by how many dB."""
    training = [one for item, one in zip(items, written, strict=True) if not item.held_out]
    return {
        "mode": settings.mode,
        "files": len(items),
        "left_out_files": left_out,
        "minutes": round(sum(one.duration_seconds for one in written) / 60.0, 3),
        "trimmed_minutes": round(sum(item.trimmed_seconds for item in items) / 60.0, 3),
        "training_loudness_lufs": round(
            energy_mean_lufs([one.loudness_lufs for one in training], [one.duration_seconds for one in training]), 3
        ),
        "training_median_lufs": round(float(np.median([one.loudness_lufs for one in training])), 3),
        "loudest_file": max(zip(written, items, strict=True), key=lambda pair: pair[0].loudness_lufs)[1].source,
        "true_peak_max_dbtp": round(max(one.true_peak_dbtp for one in written), 3),
        "left_channel_files": [item.source for item in items if item.channel_plan == "left"],
        "clipped_files": [item.source for item, one in zip(items, written, strict=True) if one.clipped_samples],
        "limited_files": [
            {"file": item.source, "seconds": round(_limited_seconds(one), 3), "most_db": round(_limited_db(one), 3)}
            for item, one in zip(items, written, strict=True)
            if one.limited
        ],
        "lifted_noise_files": [
            {"file": item.source, "noise_floor_dbfs": round(item.noise_floor_dbfs + item.gain_db, 2)}
            for item in items
            if item.gain_db > 0.0 and item.noise_floor_dbfs + item.gain_db > settings.noise_floor_max_dbfs
        ],
        "gains": [
            {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(gain).items()}
            | {"lowered_db": round(gain.wanted_db - gain.gain_db, 4)}
            for gain in gains
        ],
    }


def closing_lines(summary: dict, settings: Normalize, out: Path) -> list[str]:
    """What the terminal shows at the end: the gain, what lowered it, what is left out."""
    gains = [gain["gain_db"] for gain in summary["gains"]]
    told = f"{gains[0]:+.1f} dB" if len(gains) == 1 else f"{min(gains):+.1f} to {max(gains):+.1f} dB"
    lines = [
        f"{counted(summary['files'], 'recording')}, {summary['minutes']:.1f} minutes in {out}: gain {told} "
        f"(mode {settings.mode}), training material now at {summary['training_loudness_lufs']:.1f} LUFS, "
        f"highest true peak {summary['true_peak_max_dbtp']:.1f} dBTP."
    ]
    if settings.mode == "group":
        lines += _first(summary["gains"], _grouped)
    lowered = [gain for gain in summary["gains"] if gain["lowered_db"] >= 0.05]
    lowered.sort(key=lambda gain: -gain["lowered_db"])
    lines += _first(lowered, lambda gain: _lowered(gain, settings), f"; all are in {out / 'summary.json'}")
    above = summary["training_loudness_lufs"] - summary["training_median_lufs"]
    if settings.mode == "dataset" and above >= FEW_LOUD_LU:
        lines.append(
            f"  a few loud recordings set the gain (loudest: {summary['loudest_file']}): half of the recordings lie "
            f"under {summary['training_median_lufs']:.1f} LUFS; take them out, or try normalize.mode group or file"
        )
    if summary["trimmed_minutes"]:
        before = summary["minutes"] + summary["trimmed_minutes"]
        lines.append(
            f"  {summary['trimmed_minutes']:.1f} of {before:.1f} minutes were pauses and are cut out: "
            f"{out / 'kept.csv'} says from where to where"
        )
    if summary["limited_files"]:
        deepest = max(summary["limited_files"], key=lambda limited: limited["most_db"])
        seconds = sum(limited["seconds"] for limited in summary["limited_files"])
        lines.append(
            f"  peaks limited in {counted(len(summary['limited_files']), 'recording')}, {seconds:.1f} s in all, by "
            f"{deepest['most_db']:.1f} dB at most (in {deepest['file']}): {out / 'limited.csv'} says where"
        )
    noisy = sorted(summary["lifted_noise_files"], key=lambda noisy: -noisy["noise_floor_dbfs"])
    lines += _first(noisy, lambda noisy: _noisy(noisy, settings), f"; all are in {out / 'summary.json'}")
    lines += _first(
        summary["left_channel_files"],
        lambda name: f"  {name}: only the left channel, because left and right cancel each other",
    )
    if summary["clipped_files"]:
        lines.append(
            f"  {counted(len(summary['clipped_files']), 'recording')} beyond full scale clipped, the first is "
            f"{summary['clipped_files'][0]}: mode none lowers nothing, choose another normalize.mode to avoid it"
        )
    if summary["left_out_files"]:
        lines.append(f"{counted(summary['left_out_files'], 'file')} left out: see {out / 'left_out.csv'}.")
    return lines


def _surveyed(items: list[Item], raw: Path, params: Params) -> tuple[list[Item], list[Gain]]:
    """The plan by what is heard of the recordings as they will be written."""
    work = for_each(survey, [(raw, item, params.data.channels, params.normalize) for item in items])
    return fit(list(progress(work, description="measure", unit="file", total=len(items))), params.normalize)


def _write(
    items: list[Item], gains: list[Gain], raw: Path, folder: Path, params: Params
) -> tuple[list[Item], list[Gain], list[Written]]:
    """Write all items; where resampling raised a peak over the ceiling, lower that group's gain and write it again.

    So too where it rose beyond what the limiter may take off.
    """
    settings, rate, channels = params.normalize, params.data.sample_rate, params.data.channels
    written: dict[str, Written] = {}
    todo = items
    for _ in range(ROUNDS):
        # By whole seconds of sound rather than files, so that the time left is right.
        total = sum(math.ceil(item.duration_seconds) for item in todo)
        with progress(description="normalize", unit=" s", total=total) as bar:
            work = [(raw, folder, item, rate, channels, settings) for item in todo]
            for item, one in zip(todo, for_each(write_item, work), strict=True):
                written[item.source] = one
                bar.update(math.ceil(item.duration_seconds))
        over = {
            item.source: most_dbtp(settings) + excess - item.gain_db
            for item in items
            if (excess := _excess_db(written[item.source], settings)) > TOLERANCE_DB
        }
        if settings.mode == "none" or not over:
            break
        before = {item.source: item.gain_db for item in items}
        items = [replace(item, true_peak_dbtp=over.get(item.source, item.true_peak_dbtp)) for item in items]
        items, gains = fit(items, settings)
        todo = [item for item in items if item.gain_db != before[item.source]]
    return items, gains, [written[item.source] for item in items]


def _excess_db(one: Written, settings: Normalize) -> float:
    """By how much a written recording's gain is too high."""
    return max(one.true_peak_dbtp - settings.ceiling_dbtp, one.unlimited_dbtp - most_dbtp(settings))


def _first(found: list, told: Callable[[Any], str], more: str = "") -> list[str]:
    """A line for each of the first few, and one that counts the others."""
    lines = [told(one) for one in found[:TOLD]]
    return [*lines, f"  and {len(found) - TOLD} more{more}"] if len(found) > TOLD else lines


def _grouped(gain: dict) -> str:
    others = gain["files"] - gain["held_out_files"]
    files = f"{counted(gain['files'], 'recording')}, {gain['held_out_files']} of them held out"
    if not gain["held_out_files"]:
        files = counted(gain["files"], "recording")
    elif not others:
        files = f"{counted(gain['files'], 'recording')}, all held out, so that they set their level themselves"
    return f"  {_named(gain)}: {files}; {gain['loudness_lufs']:.1f} LUFS, gain {gain['gain_db']:+.1f} dB"


def _named(gain: dict) -> str:
    return "in no folder" if gain["group"] == "." else gain["group"]


def _noisy(noisy: dict, settings: Normalize) -> str:
    return (
        f"  {noisy['file']}: the gain lifts its noise floor to {noisy['noise_floor_dbfs']:.0f} dBFS, over "
        f"{settings.noise_floor_max_dbfs:g}: record it louder or clean it, or lower normalize.target_lufs"
    )


def _lowered(gain: dict, settings: Normalize) -> str:
    where = f"{_named(gain)}: " if gain["group"] not in ("", gain["limited_by"]) else ""
    line = (
        f"  {where}the ceiling of {settings.ceiling_dbtp:g} dBTP lowered the gain by {gain['lowered_db']:.1f} dB, from "
        f"{gain['wanted_db']:+.1f} to {gain['gain_db']:+.1f} dB, because of the peak in {gain['limited_by']}"
    )
    better = gain["next_db"] - gain["gain_db"]
    if gain["files"] > 1 and better >= 1.0:
        line += f"; without that file it would be {better:.1f} dB more: declip it, or take it out of the folder"
        line += "" if limiter_of(settings) else "; or normalize.limiter_max_db takes its highest peaks off"
    return line


def _gains_table(items: list[Item], written: list[Written]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "file": item.file,
                "source": item.source,
                "held_out": item.held_out,
                "gain_db": item.gain_db,
                "loudness_lufs": one.loudness_lufs,
                "true_peak_dbtp": one.true_peak_dbtp,
                "channel_plan": item.channel_plan,
                "duration_seconds": one.duration_seconds,
                "group": item.group,
                "noise_floor_dbfs": item.noise_floor_dbfs + item.gain_db,
                "limited_db": _limited_db(one),
                "limited_seconds": _limited_seconds(one),
                "trimmed_seconds": item.trimmed_seconds,
            }
            for item, one in zip(items, written, strict=True)
        ]
    )


def _limited_db(one: Written) -> float:
    return max((most for _, _, most in one.limited), default=0.0)


def _limited_seconds(one: Written) -> float:
    return float(sum(end - start for start, end, _ in one.limited))


def _limited_table(items: list[Item], written: list[Written]) -> pd.DataFrame:
    """Every stretch of a written file that the limiter turned down, and by how much at most."""
    rows = [(item.file, *span) for item, one in zip(items, written, strict=True) for span in one.limited]
    return pd.DataFrame(rows, columns=["file", "start_seconds", "end_seconds", "most_db"])


def _kept_table(items: list[Item]) -> pd.DataFrame:
    """Which part of a written file is which part of its source."""
    rows = [(item.file, item.source, *place) for item in items for place in item.sound.places()]
    return pd.DataFrame(rows, columns=["file", "source", "start_seconds", "source_start_seconds", "seconds"])
