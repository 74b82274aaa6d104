"""The normalize stage: plan the gains, write the recordings, check the ceiling; data/normalized/."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from timbre.audio.parallel import for_each
from timbre.audio.table import counted, left_out, read_table
from timbre.errors import UserError
from timbre.files import replaced_folder, write_csv, write_json
from timbre.normalize.apply import Written, in_stereo, write_item
from timbre.normalize.plan import Gain, Item, energy_mean_lufs, fit, make_plan
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

    Returns: what summary.json holds.
    Raises: UserError where files.csv is missing or damaged, holds nothing to train on, or a recording has changed.
    """
    raw, settings = Path(params.data.raw), params.normalize
    table = read_table(files)
    items, gains = make_plan(table, settings)
    if params.data.channels == 2:
        items, gains = _stereo_plan(items, raw, settings)
    if not any(not item.held_out for item in items):
        raise UserError(f"{files}: no usable recording for training; it says why. Then run `dvc repro audit`.")
    with replaced_folder(out) as folder:
        items, gains, written = _write(items, gains, raw, folder, params)
        missing = left_out(table)
        summary = summarise(items, gains, written, len(missing), settings)
        write_csv(folder / "gains.csv", _gains_table(items, written), decimals=4)
        write_csv(folder / "left_out.csv", pd.DataFrame(missing, columns=["source", "reason"]))
        write_json(folder / "summary.json", summary)
    print("\n".join(closing_lines(summary, settings, out)))
    return summary


def summarise(items: list[Item], gains: list[Gain], written: list[Written], left_out: int, settings: Normalize) -> dict:
    """What was done, in numbers: the gain of every group, and which recording's peak lowered it by how many dB."""
    training = [one for item, one in zip(items, written, strict=True) if not item.held_out]
    return {
        "mode": settings.mode,
        "files": len(items),
        "left_out_files": left_out,
        "minutes": round(sum(one.duration_seconds for one in written) / 60.0, 3),
        "training_loudness_lufs": round(
            energy_mean_lufs([one.loudness_lufs for one in training], [one.duration_seconds for one in training]), 3
        ),
        "training_median_lufs": round(float(np.median([one.loudness_lufs for one in training])), 3),
        "loudest_file": max(zip(written, items, strict=True), key=lambda pair: pair[0].loudness_lufs)[1].source,
        "true_peak_max_dbtp": round(max(one.true_peak_dbtp for one in written), 3),
        "left_channel_files": [item.source for item in items if item.channel_plan == "left"],
        "clipped_files": [item.source for item, one in zip(items, written, strict=True) if one.clipped_samples],
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
    lowered = [gain for gain in summary["gains"] if gain["lowered_db"] >= 0.05]
    lowered.sort(key=lambda gain: -gain["lowered_db"])
    lines += [_lowered(gain, settings) for gain in lowered[:TOLD]]
    above = summary["training_loudness_lufs"] - summary["training_median_lufs"]
    if settings.mode == "dataset" and above >= FEW_LOUD_LU:
        lines.append(
            f"  a few loud recordings set the gain (loudest: {summary['loudest_file']}): half of the recordings lie "
            f"under {summary['training_median_lufs']:.1f} LUFS; take them out, or try normalize.mode group or file"
        )
    if len(lowered) > TOLD:
        lines.append(f"  and {len(lowered) - TOLD} more; all are in {out / 'gains.csv'}")
    for name in summary["left_channel_files"][:TOLD]:
        lines.append(f"  {name}: only the left channel, because left and right cancel each other")
    if summary["clipped_files"]:
        lines.append(
            f"  {counted(len(summary['clipped_files']), 'recording')} beyond full scale clipped, the first is "
            f"{summary['clipped_files'][0]}: mode none lowers nothing, choose another normalize.mode to avoid it"
        )
    if summary["left_out_files"]:
        lines.append(f"{counted(summary['left_out_files'], 'file')} left out: see {out / 'left_out.csv'}.")
    return lines


def _stereo_plan(items: list[Item], raw: Path, settings: Normalize) -> tuple[list[Item], list[Gain]]:
    """The plan by what is measured over both channels."""
    work = for_each(in_stereo, [(raw, item) for item in items])
    return fit(list(progress(work, description="measure", unit="file", total=len(items))), settings)


def _write(
    items: list[Item], gains: list[Gain], raw: Path, folder: Path, params: Params
) -> tuple[list[Item], list[Gain], list[Written]]:
    """Write all items; where resampling raised a peak over the ceiling, lower that group's gain and write it again."""
    settings, rate, channels = params.normalize, params.data.sample_rate, params.data.channels
    written: dict[str, Written] = {}
    todo = items
    for _ in range(ROUNDS):
        # By whole seconds of sound rather than files, so that the time left is right.
        total = sum(math.ceil(item.duration_seconds) for item in todo)
        with progress(description="normalize", unit=" s", total=total) as bar:
            work = [(raw, folder, item, rate, channels) for item in todo]
            for item, one in zip(todo, for_each(write_item, work), strict=True):
                written[item.source] = one
                bar.update(math.ceil(item.duration_seconds))
        over = {
            item.source: written[item.source].true_peak_dbtp - item.gain_db
            for item in items
            if written[item.source].true_peak_dbtp > settings.ceiling_dbtp + TOLERANCE_DB
        }
        if settings.mode == "none" or not over:
            break
        before = {item.source: item.gain_db for item in items}
        items = [replace(item, true_peak_dbtp=over.get(item.source, item.true_peak_dbtp)) for item in items]
        items, gains = fit(items, settings)
        todo = [item for item in items if item.gain_db != before[item.source]]
    return items, gains, [written[item.source] for item in items]


def _lowered(gain: dict, settings: Normalize) -> str:
    where = f"{gain['group']}: " if gain["group"] not in ("", gain["limited_by"]) else ""
    line = (
        f"  {where}the ceiling of {settings.ceiling_dbtp:g} dBTP lowered the gain by {gain['lowered_db']:.1f} dB, from "
        f"{gain['wanted_db']:+.1f} to {gain['gain_db']:+.1f} dB, because of the peak in {gain['limited_by']}"
    )
    better = gain["next_db"] - gain["gain_db"]
    if gain["files"] > 1 and better >= 1.0:
        line += f"; without that file it would be {better:.1f} dB more: declip it, or take it out of the folder"
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
            }
            for item, one in zip(items, written, strict=True)
        ]
    )
