"""The worst few findings of each check, to see and to hear."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from timbre.audio.excerpts import flac_16_base64, gain_of, loudest_start
from timbre.audio.io import UnreadableError, header, read_part
from timbre.audio.resample import resample
from timbre.audit.checks.catalogue import FILE_CHECKS
from timbre.audit.checks.check import FileCheck
from timbre.audit.checks.find import by_check
from timbre.audit.page.pictures import OF_STRETCH, Stretch
from timbre.audit.recordings import Recordings

WORST = 3
# What is looked at around a place, what is heard of it, and how much of that lies before it.
LOOKED_SECONDS = 20.0
HEARD_SECONDS, BEFORE_SECONDS = 2.5, 0.8
# Where a finding has no place, the loudest stretch within so much of the start stands for the file.
SEARCHED_SECONDS = 60.0
# Characters of encoded sound that the page takes in: the worst of every check first, then the second of each.
MOST_SOUND = 4_000_000
HIGHEST_RATE_HZ = 48_000

SHOWN = {check.name: check for check in FILE_CHECKS if check.picture}


@dataclass(frozen=True)
class Evidence:
    """A picture as SVG; an excerpt as base64 of FLAC ("" where the page has no room), and where it lies."""

    picture: str
    flac: str
    start_seconds: float
    seconds: float


def gather(warnings: list[dict], recordings: Recordings, raw: Path) -> dict[tuple[str, str], Evidence]:
    """What shows the worst few of each check, by check and file; what cannot be read any more is left out.

    raw: the folder of the recordings.
    """
    rows = {row["file"]: row for row in recordings.rows}
    ranked = [found[:WORST] for name, found in by_check(warnings) if name in SHOWN]
    found: dict[tuple[str, str], Evidence] = {}
    room = MOST_SOUND
    for warning in itertools.chain.from_iterable(itertools.zip_longest(*ranked)):
        if warning is None:
            continue
        check, file = SHOWN[warning["check"]], warning["file"]
        try:
            stretch = stretch_of(raw, rows[file], warning["at_seconds"], check)
            if check.picture == "pair":
                stretch = _with_other(stretch, raw, recordings.pairs[file])
        except UnreadableError:
            continue
        flac, start, seconds = _heard(stretch, both=check.picture == "channels")
        if len(flac) > room:
            flac = ""
        room -= len(flac)
        found[check.name, file] = Evidence(OF_STRETCH[check.picture](stretch, recordings), flac, start, seconds)
    return found


def stretch_of(raw: Path, row: dict, at_seconds: float | None, check: FileCheck) -> Stretch:
    """Read what lies around a place in a recording.

    Where a finding has no place, its quietest stretch stands for the file if the check is about what pauses hold, or
    else the highest sample of its loudest one.
    Raises: UnreadableError where the file has changed.
    """
    rate, whole = int(row["sample_rate_hz"]), float(row["duration_seconds"])
    looked = LOOKED_SECONDS if at_seconds is not None else SEARCHED_SECONDS
    start = 0.0 if at_seconds is None else min(max(0.0, at_seconds - 0.5 * looked), max(0.0, whole - looked))
    first = round(start * rate)
    samples = max(1, min(round(looked * rate), round(whole * rate) - first))
    part, _ = read_part(raw / row["file"], first, samples)
    if at_seconds is not None:
        return Stretch(part, rate, first / rate, at_seconds, row)
    place = _quietest(part, rate) if check.at == "longest_pause_at_seconds" else _highest(part, rate)
    begin = int(np.clip(place - 0.5 * LOOKED_SECONDS * rate, 0, max(0, len(part) - round(LOOKED_SECONDS * rate))))
    part = part[begin : begin + round(LOOKED_SECONDS * rate)]
    return Stretch(part, rate, begin / rate, place / rate, row)


def _highest(part: np.ndarray, rate: int) -> int:
    """Where the highest sample of the loudest stretch is."""
    length = min(len(part), round(HEARD_SECONDS * rate))
    start = loudest_start(part.mean(axis=1), length, rate)
    return start + int(np.argmax(np.abs(part[start : start + length]).max(axis=1)))


def _quietest(part: np.ndarray, rate: int) -> int:
    """Where the quietest half second begins that is not digital silence."""
    length = max(1, min(len(part), rate // 2))
    power = np.square(part.mean(axis=1, dtype=np.float64))
    sums = np.array([power[at : at + length].sum() for at in range(0, len(part) - length + 1, max(1, length // 5))])
    sums[sums == 0.0] = np.inf
    return int(np.argmin(sums)) * max(1, length // 5)


def _with_other(stretch: Stretch, raw: Path, pair: dict) -> Stretch:
    """The stretch with the mono sound of the other recording of a pair, as far as it goes."""
    start = stretch.start_seconds + pair["of_at_seconds"] - pair["at_seconds"]
    lead = round(max(0.0, -start) * stretch.rate_hz)
    samples, rate = _read_seconds(raw / pair["of"], max(0.0, start), len(stretch.samples) / stretch.rate_hz)
    other = np.pad(resample(samples.mean(axis=1), rate, stretch.rate_hz), (lead, 0))
    return replace(stretch, other=other[: len(stretch.samples)])


def _read_seconds(path: Path, start: float, seconds: float) -> tuple[np.ndarray, int]:
    """As much of a part as there is."""
    head = header(path)
    first = min(round(start * head.sample_rate_hz), head.samples - 1)
    return read_part(path, first, max(1, min(round(seconds * head.sample_rate_hz), head.samples - first)))


def _heard(stretch: Stretch, both: bool) -> tuple[str, float, float]:
    """The excerpt, as loud as the whole recording is at -20 LUFS and no louder than it can be; where it lies.

    both: the first two channels rather than what a mono model hears.
    """
    sound = stretch.samples[:, :2] if both else stretch.mono[:, None]
    part, start = stretch.cut(sound, HEARD_SECONDS, BEFORE_SECONDS)
    part = part * gain_of(stretch.row["loudness_lufs"], float(np.abs(part).max()))[0]
    rate = stretch.rate_hz
    if rate > HIGHEST_RATE_HZ:
        part, rate = np.clip(resample(part, rate, HIGHEST_RATE_HZ), -1.0, 1.0), HIGHEST_RATE_HZ
    return flac_16_base64(part, rate), start, len(part) / rate
