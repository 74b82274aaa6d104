"""Which gain every recording gets: pure arithmetic on the table of the audit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from timbre.audio.table import used
from timbre.params import Normalize


@dataclass(frozen=True)
class Item:
    """One recording to write: its gain in dB, and what the plan knew of it."""

    source: str
    file: str
    held_out: bool
    channel_plan: str
    group: str
    duration_seconds: float
    loudness_lufs: float
    true_peak_dbtp: float
    gain_db: float = 0.0


@dataclass(frozen=True)
class Gain:
    """The gain of a group of recordings: in dB what the target asks for, what is left under the ceiling, and why.

    `limited_by`: the recording whose peak lowered the gain, else "". `next_db`: what the gain would be without it.
    """

    group: str
    files: int
    wanted_db: float
    gain_db: float
    limited_by: str = ""
    next_db: float = 0.0


def make_plan(table: pd.DataFrame, settings: Normalize) -> tuple[list[Item], list[Gain]]:
    """Gains for the used rows of files.csv (refused files and copies have none).

    mode `dataset`: one gain for all, g = target - 10 log10(sum(T_i 10^(L_i/10)) / sum(T_i)) over the training files'
    durations T and loudnesses L (the energy mean, so that a long loud take weighs as it sounds); `group`: the same
    within each folder; `file`: target - L within +-max_gain_db; `none`: 0 dB. All but `none` are then lowered until the
    highest true peak of the group stays under the ceiling.
    Returns: items in the table's order, and the gains by group, in order of name.
    """
    rows = table[used(table)]
    names = output_names(list(rows["file"]))
    items = [
        Item(
            source=row.file, file=names[row.file], held_out=bool(row.held_out), channel_plan=row.channel_plan,
            group=_group(row.file, settings.mode), duration_seconds=float(row.duration_seconds),
            loudness_lufs=float(row.loudness_lufs), true_peak_dbtp=float(row.mix_true_peak_dbtp),
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    return fit(items, settings)


def fit(items: list[Item], settings: Normalize) -> tuple[list[Item], list[Gain]]:
    """The items with their gains, from their loudness and true peak before gain; see `make_plan`."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    gains = {name: _gain(name, members, settings) for name, members in sorted(groups.items())}
    return [replace(item, gain_db=gains[item.group].gain_db) for item in items], list(gains.values())


def energy_mean_lufs(loudness_lufs: np.ndarray, seconds: np.ndarray) -> float:
    """Loudness of sounds played one after the other: the mean of their energies, weighted by duration."""
    return float(10.0 * np.log10(np.average(10.0 ** (np.asarray(loudness_lufs) / 10.0), weights=seconds)))


def output_names(sources: list[str]) -> dict[str, str]:
    """The flac's name for every recording: a/b.wav becomes a/b.flac.

    Where another recording would get the same name (in any case, since some disks do not tell cases apart), or has
    it, all of those keep their old ending as well: a/b.wav.flac.
    """
    short = {source: str(PurePosixPath(source).with_suffix(".flac")) for source in sources}
    claims: dict[str, set[str]] = {}
    for source in sources:
        for name in (short[source], f"{source}.flac"):
            claims.setdefault(name.lower(), set()).add(source)
    return {source: name if len(claims[name.lower()]) == 1 else f"{source}.flac" for source, name in short.items()}


def _group(source: str, mode: str) -> str:
    """Which recordings share a gain with this one."""
    if mode == "file":
        return source
    return str(PurePosixPath(source).parent) if mode == "group" else ""


def _gain(name: str, members: list[Item], settings: Normalize) -> Gain:
    if settings.mode == "none":
        return Gain(name, len(members), 0.0, 0.0)
    # Held-out recordings have no say in the level, unless nothing else is in the group.
    voters = [item for item in members if not item.held_out] or members
    mean = energy_mean_lufs([item.loudness_lufs for item in voters], [item.duration_seconds for item in voters])
    wanted = settings.target_lufs - mean
    if settings.mode == "file":
        wanted = float(np.clip(wanted, -settings.max_gain_db, settings.max_gain_db))
    rooms = sorted((settings.ceiling_dbtp - item.true_peak_dbtp, item.source) for item in members)
    room, hottest = rooms[0]
    if room >= wanted:
        return Gain(name, len(members), wanted, wanted)
    return Gain(name, len(members), wanted, room, hottest, min(wanted, rooms[1][0]) if len(rooms) > 1 else wanted)
