"""Which gain every recording gets: pure arithmetic on the table of the audit."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from timbre.audio.table import used
from timbre.normalize.limiter import MARGIN_DB
from timbre.normalize.trim import Sound
from timbre.params import Normalize

# File systems take 255 of a name; an ending and what makes it temporary are some of them.
LONGEST_NAME_BYTES = 200


@dataclass(frozen=True)
class Item:
    """One recording to write: its gain in dB, and what the plan knew of it. sound: what stays of it, if pauses go."""

    source: str
    file: str
    held_out: bool
    channel_plan: str
    group: str
    duration_seconds: float
    loudness_lufs: float
    true_peak_dbtp: float
    noise_floor_dbfs: float = float("nan")
    gain_db: float = 0.0
    sound: Sound | None = None

    @property
    def lasting_seconds(self) -> float:
        """How long it is as it will be written."""
        return self.duration_seconds - self.trimmed_seconds

    @property
    def trimmed_seconds(self) -> float:
        """How much of it is cut out."""
        return 0.0 if self.sound is None else self.sound.trimmed_seconds


@dataclass(frozen=True)
class Gain:
    """The gain of a group of recordings: in dB what the target asks for, what is left under the ceiling, and why.

    `held_out_files` of the files are held out; `minutes` and `loudness_lufs` (before gain) are of those that decide on
    the level. `limited_by`: the recording whose peak lowered the gain, else "". `next_db`: what the gain would be
    without it.
    """

    group: str
    files: int
    held_out_files: int
    minutes: float
    loudness_lufs: float
    wanted_db: float
    gain_db: float
    limited_by: str = ""
    next_db: float = 0.0


def make_plan(table: pd.DataFrame, settings: Normalize) -> tuple[list[Item], list[Gain]]:
    """Gains for the used rows of files.csv (refused files and copies have none).

    mode `dataset`: one gain for all, g = target - 10 log10(sum(T_i 10^(L_i/10)) / sum(T_i)) over the training files'
    durations T and loudnesses L (the energy mean, so that a long loud take weighs as it sounds); `group`: the same
    within each folder, to which recordings of a folder named "test" in it belong; `file`: target - L within
    +-max_gain_db; `none`: 0 dB. All but `none` are then lowered until the highest true peak of the group stays under
    the ceiling, or over it by no more than the limiter takes off.
    Returns: items in the table's order, and the gains by group, in order of name.
    """
    rows = table[used(table)]
    names = output_names(list(rows["file"]))
    items = [
        Item(
            source=row.file, file=names[row.file], held_out=bool(row.held_out), channel_plan=row.channel_plan,
            group=_group(row.file, settings.mode), duration_seconds=float(row.duration_seconds),
            loudness_lufs=float(row.loudness_lufs), true_peak_dbtp=float(row.mix_true_peak_dbtp),
            noise_floor_dbfs=float(row.noise_floor_dbfs),
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

    Where another recording would get the same name (in any case and any form of Unicode, since some disks do not tell
    those apart), or has it, all of those keep their old ending as well: a/b.wav.flac. Of a name too long for that
    the end gives way to a digest of it.
    """
    names = {source: (_short(str(PurePosixPath(source).with_suffix(""))), _short(source)) for source in sources}
    claims: dict[str, set[str]] = {}
    for source, both in names.items():
        for name in both:
            claims.setdefault(_folded(name), set()).add(source)
    return {
        source: f"{short if len(claims[_folded(short)]) == 1 else long}.flac" for source, (short, long) in names.items()
    }


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()


def _short(path: str) -> str:
    """A path whose last name leaves room for an ending."""
    folder, slash, name = path.rpartition("/")
    encoded = name.encode()
    if len(encoded) > LONGEST_NAME_BYTES:
        digest = hashlib.sha256(encoded).hexdigest()[:16]
        name = f"{encoded[: LONGEST_NAME_BYTES - 17].decode(errors='ignore')}-{digest}"
    return f"{folder}{slash}{name}"


def limiter_of(settings: Normalize) -> float:
    """The most in dB that the limiter takes off, 0 where there is none: so in mode `none`, which changes no level."""
    return 0.0 if settings.mode == "none" else settings.limiter_max_db


def most_dbtp(settings: Normalize) -> float:
    """The highest true peak in dBTP that a gain may lead to, before the limiter brings it under the ceiling."""
    return settings.ceiling_dbtp + max(0.0, limiter_of(settings) - MARGIN_DB)


def _group(source: str, mode: str) -> str:
    """Which recordings share a gain with this one: in mode `group` those of its folder, "." for the topmost.

    What a folder named "test" holds out was recorded with what lies beside it: it belongs to the folder around it.
    """
    if mode == "file":
        return source
    if mode != "group":
        return ""
    return str(PurePosixPath(*(part for part in PurePosixPath(source).parent.parts if part.lower() != "test")))


def _gain(name: str, members: list[Item], settings: Normalize) -> Gain:
    # Held-out recordings have no say in the level, unless nothing else is in the group.
    voters = [item for item in members if not item.held_out] or members
    seconds = [item.lasting_seconds for item in voters]
    mean = energy_mean_lufs([item.loudness_lufs for item in voters], seconds)
    facts = name, len(members), sum(item.held_out for item in members), sum(seconds) / 60.0, mean
    if settings.mode == "none":
        return Gain(*facts, 0.0, 0.0)
    wanted = settings.target_lufs - mean
    if settings.mode == "file":
        wanted = float(np.clip(wanted, -settings.max_gain_db, settings.max_gain_db))
    rooms = sorted((most_dbtp(settings) - item.true_peak_dbtp, item.source) for item in members)
    room, hottest = rooms[0]
    if room >= wanted:
        return Gain(*facts, wanted, wanted)
    return Gain(*facts, wanted, room, hottest, min(wanted, rooms[1][0]) if len(rooms) > 1 else wanted)
