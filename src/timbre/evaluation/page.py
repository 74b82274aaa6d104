"""The listening page: one HTML file with its sounds, pictures and player inside, that opens from disk."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import jinja2

from timbre.audio.excerpts import LISTEN_LUFS
from timbre.evaluation.catalogue import MINUS, MODEL, ROBUSTNESS, Entry, entries, formatted
from timbre.evaluation.excerpts import Excerpt
from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.measure import rca_key, within_key
from timbre.evaluation.plots import LEFT, RIGHT
from timbre.evaluation.verdict import verdict

# The page's order.
KINDS = (TRANSFER, RECONSTRUCTION)
TEMPLATES = Path(__file__).parent / "templates"
# Characters of encoded sound that the page takes in; the items after that are listed with links to their files.
FILE_LABELS = {"input": "input file", "output": "output file", "unadapted": "file without adaptation"}
LARGEST_SOUND_BYTES = 20_000_000


@dataclass(frozen=True)
class Sound:
    """A sound of a card: a name for each distinct sound, a label for its button, and what is heard."""

    key: str
    label: str
    excerpt: Excerpt


@dataclass(frozen=True)
class Card:
    """One item on the page.

    files: which of its sides lie in audio/. cut_seconds: where the excerpt starts and ends in the whole sound, and how
    long that is.
    """

    kind: str
    name: str
    file: str
    figures: dict
    sounds: list[Sound]
    files: list[str]
    cut_seconds: tuple[float, float, float]
    picture_png: bytes
    notes: list[str] = field(default_factory=list)


def write_page(
    path: Path,
    summary: dict[str, dict],
    cards: list[Card],
    skipped: list[dict],
    heading: dict,
    rate_hz: int,
    tolerance_cents: float,
) -> None:
    """Write the page.

    summary: the content of summary.json. skipped: {"kind", "file", "reason"} of what could not be read. heading: label
    and value pairs of what was evaluated. tolerance_cents: of the pitch figures.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.globals["formatted"] = formatted
    in_order = [card for kind in KINDS for card in cards if card.kind == kind]
    embedded = embedded_sounds(in_order)
    rows: dict[str, list[dict]] = {}
    for entry in entries(tolerance_cents):
        rows.setdefault(entry.section, []).append(_row(entry, summary))
    html = environment.get_template("page.html.j2").render(
        heading=heading,
        lines=verdict(summary, rate_hz, tolerance_cents),
        sections=[
            (TRANSFER, "Transfer: your inputs through the model", rows[TRANSFER]),
            (RECONSTRUCTION, "Reconstruction: held-out recordings of the target", rows[RECONSTRUCTION]),
            (MODEL, "The model itself", rows[MODEL]),
            (ROBUSTNESS, "Robustness: what no musician plays", rows[ROBUSTNESS]),
        ],
        model={key: summary[f"model.{key}"]["value"] for key in ("parameters", "streaming_snr_db")},
        adapts=any("unadapted" in card.files for card in cards),
        most_sounds=max((len(card.sounds) for card in cards), default=0),
        cards={
            section: [_card(card, embedded, tolerance_cents) for card in cards if card.kind == section]
            for section in rows
        },
        skipped=skipped,
        sounds={key: f"data:audio/flac;base64,{flac}" for key, flac in embedded.items()},
        sample_rate_hz=rate_hz,
        listen_lufs=f"{LISTEN_LUFS:g}".replace("-", MINUS),
        axes={"left": f"{100 * LEFT:.3f}", "width": f"{100 * (RIGHT - LEFT):.3f}"},
    )  # fmt: skip
    path.write_text(html, encoding="utf-8")


def embedded_sounds(cards: list[Card], limit: int = LARGEST_SOUND_BYTES) -> dict[str, str]:
    """The base64 sounds that fit the page, by key: card after card, whole cards only."""
    embedded: dict[str, str] = {}
    size = 0
    for card in cards:
        new = {sound.key: sound.excerpt.flac_base64 for sound in card.sounds if sound.key not in embedded}
        added = sum(len(flac) for flac in new.values())
        if size + added <= limit:
            embedded |= new
            size += added
    return embedded


def _row(entry: Entry, summary: dict[str, dict]) -> dict:
    told = summary[f"{entry.section}.{entry.key}"]
    known = [(label, told["anchors"].get(anchor)) for label, anchor in entry.anchors]
    return {
        "name": entry.name,
        "key": f"{entry.section}.{entry.key}",
        "value": formatted(entry.key, told["value"]),
        "better": entry.better,
        "meaning": entry.meaning,
        "anchors": [(label, formatted(entry.key, value)) for label, value in known if value is not None],
    }


def _card(card: Card, embedded: dict[str, str], tolerance_cents: float) -> dict:
    """What the template needs of a card. All its sounds are turned down to the one that is the least loud."""
    least = max(sound.excerpt.below_target_db for sound in card.sounds)
    start, end, whole = card.cut_seconds
    stretch = f"{end - start:.1f} s" if end - start >= whole - 0.05 else f"{start:.1f} to {end:.1f} s of {whole:.1f} s"
    return {
        "id": f"{card.kind}-{card.name}",
        "file": card.file,
        "stretch": stretch,
        "seconds": round(card.sounds[0].excerpt.seconds, 4),
        "sounds": [
            {
                "key": sound.key,
                "label": sound.label,
                "gain": round(10.0 ** ((sound.excerpt.below_target_db - least) / 20.0), 5),
            }
            for sound in card.sounds
        ],
        "quieter_db": least,
        "playable": all(sound.key in embedded for sound in card.sounds),
        "files": [
            (FILE_LABELS[side], f"audio/{card.kind}/{quote(card.name)}.{side}.flac") for side in card.files
        ],
        "picture": base64.b64encode(card.picture_png).decode("ascii"),
        "figures": _card_figures(card, tolerance_cents),
        "notes": card.notes,
    }  # fmt: skip


def _card_figures(card: Card, tolerance_cents: float) -> list[tuple[str, str, list[str]]]:
    """(name, value, anchors or why there is none) of the figures beside a card's players."""
    figures = card.figures
    # Key, name, keys of anchors with their names, and why there may be no figure: None leaves the row out.
    if card.kind == TRANSFER:
        before, unadapted = ("_identity", "before"), ("_unadapted", "without adaptation")
        keys = [
            (rca_key(tolerance_cents), "Pitch kept", [unadapted], "no pitch in the input"),
            ("loudness_r", "Dynamics kept", [unadapted], "no dynamics in the input"),
            ("ltas_db", "Distance to target's colour", [before, unadapted], "nothing to compare"),
            ("onset_f", "Onsets kept", [unadapted], "no onsets in the input"),
            ("leap_frames", "Pitch leaps", [unadapted], None),
            ("buzz_db", "Buzz, against the input", [], None),
        ]
    else:
        untrained = ("_untrained", "untrained")
        keys = [
            ("mss_excess_ratio", "Error left", [], "no anchor"),
            (within_key(tolerance_cents), "Pitch right", [], "no pitch in the recording"),
            ("loudness_l1_db", "Loudness error", [untrained], "silent"),
            ("harmonics_l1_db", "Partials' level error", [untrained], "no pitch in the recording"),
            ("mcd_db", "Tone colour error", [untrained], "silent"),
        ]
    shown = []
    for key, name, anchors, reason in keys:
        if figures[key] is None and reason is None:
            continue
        known = [(figures.get(f"{key}{ending}"), label) for ending, label in anchors]
        told = [f"{formatted(key, value)} {label}" for value, label in known if value is not None]
        shown.append((name, formatted(key, figures[key]), [reason] if figures[key] is None else told))
    level_in, level_out = (
        formatted("lufs", figures[key]).removesuffix(" LUFS") for key in ("input_lufs", "output_lufs")
    )
    return [*shown, ("True level, in → out", f"{level_in} → {level_out} LUFS", [])]
