"""The card and the picture of an item."""

from __future__ import annotations

from timbre.evaluation.excerpts import cut_of, excerpt_of
from timbre.evaluation.items import RECONSTRUCTION, Item
from timbre.evaluation.measure import Heard
from timbre.evaluation.page import Card, Sound
from timbre.evaluation.plots import Panel, picture
from timbre.evaluation.session import Session, Shown
from timbre.evaluation.summary import rounded

LABELS = {"input": "Input", "output": "Output", "unadapted": "Without adaptation"}


def card_of(session: Session, item: Item, row: dict, shown: Shown, target: Sound | None = None) -> Card:
    """Make the card of an item, and write its picture. target: a sound of the target to hear beside it."""
    cut = cut_of(shown.sides["input"].audio, session.rate_hz, session.params.evaluate.page_seconds)
    sounds = [_sound(session, item, side, heard, cut) for side, heard in shown.sides.items()]
    if target is not None:
        sounds.append(Sound(target.key, "Target", target.excerpt))
    png = picture(item.file, [_panel(sound) for sound in sounds], session.rate_hz)
    plot = session.folder / "plots" / f"{item.kind}_{item.name}.png"
    plot.parent.mkdir(exist_ok=True)
    plot.write_bytes(png)
    start, end = ((shown.start + sample) / session.rate_hz for sample in cut)
    return Card(
        item.kind,
        item.name,
        item.file,
        rounded(row),
        sounds,
        list(shown.sides),
        (start, end, row["seconds"]),
        png,
        _notes(row),
    )


def _sound(session: Session, item: Item, side: str, heard: Heard, cut: tuple[int, int]) -> Sound:
    extractor = session.extractor
    excerpt = excerpt_of(heard.audio, heard.tracks, cut, session.rate_hz, extractor.hop, extractor.window)
    label = "Original" if side == "input" and item.kind == RECONSTRUCTION else LABELS[side]
    return Sound(f"{item.kind}/{item.name}/{side}", label, excerpt)


def _panel(sound: Sound) -> Panel:
    excerpt = sound.excerpt
    return Panel(sound.label.lower(), excerpt.mel_db, excerpt.seconds, excerpt.f0_seconds, excerpt.f0_hz)


def _notes(row: dict) -> list[str]:
    """What a listener should know about an item besides its figures."""
    notes = ["The output is silent."] if row["output_lufs"] is None else []
    for label, name in (("input", "input"), ("output", "output"), ("unadapted", "output without adaptation")):
        gain_db = row.get(f"{label}_file_gain_db", 0.0)
        if gain_db < 0.0:
            notes.append(f"The {name} peaks over full scale: its file is turned down by {-gain_db:.1f} dB.")
    return notes
