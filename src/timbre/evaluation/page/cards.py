"""The card of an item: what there is to hear and to see of it, written beside the page."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from timbre.evaluation.excerpts import Excerpt, cut_of, excerpt_of, gains
from timbre.evaluation.items import RECONSTRUCTION, Item
from timbre.evaluation.page.curves import Curves, loudness_curves, pitch_curves
from timbre.evaluation.page.strips import difference_strip, mel_strip, pitch_lines
from timbre.evaluation.plots import BANDS, Panel, picture
from timbre.evaluation.session import Session, Shown

# What a page plays and shows lies in this folder beside it.
FOLDER = "page"
LABELS = {"input": "Input", "output": "Output", "unadapted": "Without adaptation", "target": "Target"}
# About twice the room that a strip has on a page, for screens with more pixels.
STRIP_PIXELS = (960, 2 * BANDS)


@dataclass(frozen=True)
class Sound:
    """A sound to be heard: its name, which is that of its file below page/ as well, and what it is like."""

    key: str
    excerpt: Excerpt


@dataclass(frozen=True)
class Voice:
    """A sound on a card: its name, what its button says, and the factor that brings it to the card's loudness."""

    side: str
    key: str
    label: str
    gain: float


@dataclass(frozen=True)
class Card:
    """One item on the page.

    cut_seconds: where the excerpt starts and ends in the whole sound, and how long that is. seconds: of the excerpt.
    quieter_db: how far it stays under the loudness of other cards. loudness, pitch: of the first two voices.
    """

    item: Item
    cut_seconds: tuple[float, float, float]
    seconds: float
    voices: list[Voice]
    quieter_db: float
    loudness: Curves | None
    pitch: Curves | None


def card_of(
    session: Session, item: Item, whole_seconds: float, shown: Shown, target: Sound | None = None
) -> tuple[Card, Sound]:
    """Make the card of an item; its sounds and pictures are written below page/, one more picture below plots/.

    target: a sound of the target to hear beside it.
    Returns: the card, and the item's input as what may be heard beside others.
    """
    rate, extractor = session.rate_hz, session.extractor
    cut = cut_of(shown.sides["input"].audio, rate, session.params.evaluate.page_seconds)
    sounds = {}
    for side, heard in shown.sides.items():
        excerpt = excerpt_of(heard.audio, heard.tracks, cut, rate, extractor.hop, extractor.window)
        key = f"{item.kind}/{item.name}.{side}"
        _write(session.folder / FOLDER / f"{key}.js", _script(key, excerpt.flac_base64).encode())
        sounds[side] = Sound(key, replace(excerpt, flac_base64=""))
    if target is not None:
        sounds["target"] = target
    labels = LABELS | ({"input": "Original"} if item.kind == RECONSTRUCTION else {})
    panels = [_panel(labels[side], sound.excerpt) for side, sound in sounds.items()]
    _write(session.folder / "plots" / f"{item.kind}_{item.name}.png", picture(item.file, panels, rate))
    _write_strips(session.folder / FOLDER / item.kind, item.name, sounds, rate)
    levels = [sound.excerpt.below_target_db for sound in sounds.values()]
    voices = [
        Voice(side, sound.key, labels[side], gain)
        for (side, sound), gain in zip(sounds.items(), gains(levels), strict=True)
    ]
    pair = [sounds["input"].excerpt, sounds["output"].excerpt]
    start, end = ((shown.start + sample) / rate for sample in cut)
    card = Card(
        item,
        (start, end, whole_seconds),
        pair[0].seconds,
        voices,
        max(levels),
        loudness_curves(pair),
        pitch_curves(pair),
    )
    return card, sounds["input"]


def _write_strips(folder: Path, name: str, sounds: dict[str, Sound], rate_hz: int) -> None:
    """Pictures of all sounds on one scale, and of how output and input differ, over the input's time."""
    seconds = sounds["input"].excerpt.seconds
    highest = max(float(sound.excerpt.mel_db.max()) for sound in sounds.values())
    heard = {side: as_heard(sound.excerpt, seconds) for side, sound in sounds.items()}
    for side, excerpt in heard.items():
        lines = pitch_lines(excerpt.f0_hz, excerpt.frame_seconds / seconds, rate_hz)
        _write(folder / f"{name}.{side}.png", mel_strip(excerpt.mel_db, highest, STRIP_PIXELS, lines))
    levels = [heard[side].mel_db for side in ("output", "input")]
    _write(folder / f"{name}.difference.png", difference_strip(*levels, highest, STRIP_PIXELS))


def as_heard(excerpt: Excerpt, seconds: float) -> Excerpt:
    """What a player shows of an excerpt in so many seconds: its beginning, or all of it and then from its start."""
    rounds = max(1, int(np.ceil(seconds / excerpt.seconds - 1e-9)))
    frames = max(1, round(excerpt.mel_db.shape[1] * seconds / excerpt.seconds))
    times = np.concatenate([excerpt.frame_seconds + turn * excerpt.seconds for turn in range(rounds)])
    inside = times < seconds
    return replace(
        excerpt,
        seconds=seconds,
        mel_db=np.tile(excerpt.mel_db, rounds)[:, :frames],
        frame_seconds=times[inside],
        f0_hz=np.tile(excerpt.f0_hz, rounds)[inside],
        loudness_db=np.tile(excerpt.loudness_db, rounds)[inside],
    )


def _panel(label: str, excerpt: Excerpt) -> Panel:
    return Panel(label.lower(), excerpt.mel_db, excerpt.seconds, excerpt.frame_seconds, excerpt.f0_hz)


def _script(key: str, flac_base64: str) -> str:
    """A sound as a script: a page that was opened from disk may read nothing else that lies beside it."""
    return f"sound({json.dumps(key)}, {json.dumps(flac_base64)});\n"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
