"""The sounds of several models to one input: the same stretch of each, at one loudness, with its picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import soundfile

from timbre.audio.excerpts import flac_16_base64, listening_gain, loudest_start
from timbre.audio.resample import resample
from timbre.comparing.gather import Evaluation
from timbre.errors import UserError
from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.plots import RANGE_DB, mel_db

# ITU-R BS.1534-3, 5.1: about 10 s, and no more than 12, or a listener forgets the start before the end.
EXCERPT_SECONDS = 10.0
ENVELOPE_HZ = 10
# Sounds whose excerpts correlate by less, gain aside, or whose lengths are further apart, are not of one input.
SAME_CORRELATION = 0.99
SAME_SECONDS = 0.05
COMPARED_HZ = 8000
# Characters of encoded sound that the page takes in; the inputs after that have figures and pictures only.
LARGEST_SOUND_BYTES = 80_000_000


@dataclass(frozen=True)
class Clip:
    """A stretch of one sound, gain applied: 16-bit FLAC as base64, dB that it stays under -20 LUFS, picture, levels.

    mel: [bands, frames] in dB.
    """

    flac_base64: str
    below_target_db: float
    silent: bool
    mel: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """One input, and what each model made of it (None where a model has not had it).

    start_seconds: of the stretch in the whole sound of `whole_seconds`. spread_db: mean distance of the mel pictures
    of the two models that are furthest apart, None where there are not two. playable: whether its sounds fit the page.
    """

    kind: str
    name: str
    file: str
    start_seconds: float
    seconds: float
    whole_seconds: float
    original: Clip
    outputs: list[Clip | None]
    spread_db: float | None
    playable: bool = True


@dataclass(frozen=True)
class Stretch:
    """Where an input is cut, in seconds, and what it sounds like there: mono [samples] at a rate."""

    start_seconds: float
    seconds: float
    whole_seconds: float
    audio: np.ndarray
    rate_hz: int


def comparisons(evaluations: list[Evaluation]) -> Iterator[Comparison]:
    """Every input of every model, transfers first, each with all models that have heard just this sound.

    Inputs of one name but of different sound are apart, and their names say whose they are.
    """
    rate_hz = max(rate_of(evaluation) for evaluation in evaluations)
    for kind in (TRANSFER, RECONSTRUCTION):
        names = dict.fromkeys(name for each in evaluations for name in _names(each, kind))
        for name in names:
            groups = groups_of(evaluations, kind, name)
            for stretch, members in groups:
                told = "" if len(groups) == 1 else f" ({', '.join(evaluations[index].name for index in members)})"
                file = _file(evaluations[members[0]], kind, name) + told
                yield _comparison(evaluations, kind, name, file, stretch, members, rate_hz)


def groups_of(evaluations: list[Evaluation], kind: str, name: str) -> list[tuple[Stretch, list[int]]]:
    """The different sounds of an item's name, each with the models that had it as their input."""
    groups: list[tuple[Stretch, list[int]]] = []
    for index, evaluation in enumerate(evaluations):
        if name not in _names(evaluation, kind):
            continue
        for stretch, members in groups:
            if is_same(evaluation, kind, name, stretch):
                members.append(index)
                break
        else:
            groups.append((_stretch(evaluation, kind, name), [index]))
    return groups


def is_same(evaluation: Evaluation, kind: str, name: str, stretch: Stretch) -> bool:
    """Whether an evaluation's input is the sound that a stretch was cut from, gain and sample rate aside."""
    with _sound(evaluation, kind, name, "input") as file:
        if abs(file.frames / file.samplerate - stretch.whole_seconds) > SAME_SECONDS:
            return False
        rate_hz, other = file.samplerate, _cut(file, stretch.start_seconds, stretch.seconds)
    compared = min(COMPARED_HZ, rate_hz, stretch.rate_hz)
    first, second = resample(stretch.audio, stretch.rate_hz, compared), resample(other, rate_hz, compared)
    count = min(len(first), len(second))
    first, second = first[:count].astype(np.float64), second[:count].astype(np.float64)
    energies = float(first @ first), float(second @ second)
    if min(energies) == 0.0:
        return max(energies) == 0.0
    return float(first @ second) / np.sqrt(energies[0] * energies[1]) >= SAME_CORRELATION


def within_page(found: Iterable[Comparison], limit: int = LARGEST_SOUND_BYTES) -> list[Comparison]:
    """The comparisons as far as their sounds fit the page, whole ones only; the others are left without sounds."""
    size, kept = 0, []
    for each in found:
        added = sum(len(clip.flac_base64) for clip in (each.original, *each.outputs) if clip is not None)
        if size + added <= limit:
            size += added
            kept.append(each)
        else:
            outputs = [clip and replace(clip, flac_base64="") for clip in each.outputs]
            kept.append(replace(each, original=replace(each.original, flac_base64=""), outputs=outputs, playable=False))
    return kept


def _comparison(
    evaluations: list[Evaluation],
    kind: str,
    name: str,
    file: str,
    stretch: Stretch,
    members: list[int],
    rate_hz: int,
) -> Comparison:
    outputs: list[Clip | None] = [None] * len(evaluations)
    for index in members:
        with _sound(evaluations[index], kind, name, "output") as sound:
            outputs[index] = _clip(_cut(sound, stretch.start_seconds, stretch.seconds), sound.samplerate, rate_hz)
    spread = spread_db([clip.mel for clip in outputs if clip is not None])
    original = _clip(stretch.audio, stretch.rate_hz, rate_hz)
    cut = stretch.start_seconds, stretch.seconds, stretch.whole_seconds
    return Comparison(kind, name, file, *cut, original, outputs, spread)


def spread_db(mels: list[np.ndarray]) -> float | None:
    """The largest of the mean distances in dB between two pictures, 80 dB down from the highest; None for fewer."""
    if len(mels) < 2:
        return None
    floor = max(float(mel.max()) for mel in mels) - RANGE_DB
    frames = min(mel.shape[1] for mel in mels)
    cut = [np.maximum(mel[:, :frames], floor) for mel in mels]
    return round(max(float(np.abs(one - other).mean()) for one, other in combinations(cut, 2)), 2)


def _clip(audio: np.ndarray, rate_hz: int, picture_rate_hz: int) -> Clip:
    gain, below_target_db = listening_gain(audio, rate_hz)
    heard = audio * gain
    mel = mel_db(resample(heard, rate_hz, picture_rate_hz), picture_rate_hz)
    return Clip(flac_16_base64(heard, rate_hz), below_target_db, not np.any(audio), mel)


def _stretch(evaluation: Evaluation, kind: str, name: str) -> Stretch:
    """The loudest stretch of an input."""
    with _sound(evaluation, kind, name, "input") as file:
        whole = file.frames / file.samplerate
        seconds = min(EXCERPT_SECONDS, whole)
        blocks = file.blocks(file.samplerate // ENVELOPE_HZ, dtype="float32", always_2d=True)
        levels = np.sqrt([np.mean(np.square(block.mean(axis=1))) for block in blocks])
        start = loudest_start(levels, round(seconds * ENVELOPE_HZ), ENVELOPE_HZ) / ENVELOPE_HZ
        start = max(0.0, min(start, whole - seconds))
        return Stretch(start, seconds, whole, _cut(file, start, seconds), file.samplerate)


def _cut(file: soundfile.SoundFile, start_seconds: float, seconds: float) -> np.ndarray:
    """The mean of a file's channels over a stretch, [samples] float32; silent where the file has ended."""
    wanted = max(1, round(seconds * file.samplerate))
    file.seek(min(round(start_seconds * file.samplerate), file.frames))
    audio = file.read(wanted, dtype="float32", always_2d=True).mean(axis=1)
    return np.pad(audio, (0, wanted - len(audio)))


@contextmanager
def _sound(evaluation: Evaluation, kind: str, name: str, side: str) -> Iterator[soundfile.SoundFile]:
    path = f"audio/{kind}/{name}.{side}.flac"
    try:
        with evaluation.open(path) as content, soundfile.SoundFile(content) as file:
            yield file
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"{evaluation.name}: {path} of its evaluation cannot be read ({error}).") from None


def _names(evaluation: Evaluation, kind: str) -> list[str]:
    items = evaluation.items
    return list(items["name"][items["kind"] == kind])


def _file(evaluation: Evaluation, kind: str, name: str) -> str:
    items = evaluation.items
    return str(items["file"][(items["kind"] == kind) & (items["name"] == name)].iloc[0])


def rate_of(evaluation: Evaluation) -> int:
    """Sample rate in Hz of the sounds of an evaluation: that of its model."""
    first = evaluation.items.iloc[0]
    with _sound(evaluation, first["kind"], first["name"], "input") as file:
        return file.samplerate
