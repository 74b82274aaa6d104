"""index.html: the verdict, every figure with its anchors, and a card for every item; it opens from disk."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from matplotlib import colormaps
from matplotlib.colors import to_hex

from timbre.audio.excerpts import LISTEN_LUFS
from timbre.evaluation.catalogue import MINUS, MODEL, ROBUSTNESS, entries, formatted
from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.measure import Figures
from timbre.evaluation.page.cards import FOLDER, Card
from timbre.evaluation.page.figures import card_figures, table_row
from timbre.evaluation.page.strips import DIFFERENCE_DB, LESS, MORE
from timbre.evaluation.plots import F_MIN_HZ, PITCH_COLOUR, RANGE_DB, slaney_mel
from timbre.evaluation.verdict import verdict
from timbre.files import write_text
from timbre.pages.templates import environment

TEMPLATES = Path(__file__).parent / "templates"
TITLES = {
    TRANSFER: "Transfer: your inputs through the model",
    RECONSTRUCTION: "Reconstruction: held-out recordings of the target",
    MODEL: "The model itself",
    ROBUSTNESS: "Robustness: what no musician plays",
}
FILE_LABELS = {"input": "input file", "output": "output file", "unadapted": "file without adaptation"}
TICKS_HZ = (1000, 3000, 10000)


def write_page(
    path: Path,
    summary: dict[str, dict],
    cards: list[Card],
    rows: list[dict],
    heading: dict,
    rate_hz: int,
    tolerance_cents: float,
) -> None:
    """Write the page; its sounds and pictures lie beside it already.

    summary: the content of summary.json. rows: those of items.csv, also of what could not be read. heading: label and
    value pairs of what was evaluated. tolerance_cents: of the pitch figures.
    """
    all_entries = entries(tolerance_cents)
    by_item = {(row["kind"], row["name"]): row for row in rows}
    sections = []
    for kind, title in TITLES.items():
        own = [entry for entry in all_entries if entry.section == kind]
        shown = [
            _card(card, card_figures(own, by_item[kind, card.item.name], summary, tolerance_cents), by_item)
            for card in cards
            if card.item.kind == kind
        ]
        known = {figure["key"] for card in shown for figure in card["figures"] if figure["number"] is not None}
        sections.append(
            {
                "kind": kind,
                "title": title,
                "rows": [table_row(entry, summary) for entry in own],
                "cards": shown,
                "orders": [(entry.key, entry.name, entry.better) for entry in own if entry.key in known],
            }
        )
    html = environment(TEMPLATES).get_template("page.html.j2").render(
        heading=heading,
        lines=verdict(summary, rate_hz, tolerance_cents),
        sections=sections,
        streaming=formatted("streaming_snr_db", summary["model.streaming_snr_db"]["value"]),
        adapts=any(voice.side == "unadapted" for card in cards for voice in card.voices),
        most_voices=max((len(card.voices) for card in cards), default=0),
        items=len(cards),
        skipped=[row for row in rows if row["status"] != "measured"],
        folder=FOLDER,
        sample_rate_hz=rate_hz,
        listen_lufs=f"{LISTEN_LUFS:g}".replace("-", MINUS),
        range_db=f"{RANGE_DB:g}",
        difference_db=f"{DIFFERENCE_DB:g}",
        less=LESS,
        more=MORE,
        pitch_colour=PITCH_COLOUR,
        scale=[to_hex(colormaps["magma"](place / 6)) for place in range(7)],
        ticks=_ticks(rate_hz),
    )  # fmt: skip
    write_text(path, html)


def _ticks(rate_hz: int) -> list[tuple[str, float]]:
    """What stands at a strip's side: a frequency, and how high that is in percent."""
    low, high = slaney_mel(F_MIN_HZ), slaney_mel(rate_hz / 2.0)
    heights = [(tick, 100.0 * (slaney_mel(tick) - low) / (high - low)) for tick in TICKS_HZ if tick < 0.45 * rate_hz]
    return [(f"{tick // 1000} kHz", round(height, 1)) for tick, height in heights]


def _card(card: Card, figures: list[dict], by_item: dict[tuple[str, str], dict]) -> dict:
    """What the template needs of a card."""
    item, row = card.item, by_item[card.item.kind, card.item.name]
    start, end, whole = card.cut_seconds
    levels = [formatted("lufs", row[key]).removesuffix(" LUFS") for key in ("input_lufs", "output_lufs")]
    return {
        "id": f"{item.kind}-{item.name}",
        "file": item.file,
        "stretch": f"{end - start:.1f} s"
        if end - start >= whole - 0.05
        else f"{start:.1f} to {end:.1f} s of {whole:.1f} s",
        "seconds": round(card.seconds, 4),
        "voices": card.voices,
        "pictures": f"{item.kind}/{quote(item.name)}",
        "quieter_db": card.quieter_db,
        "loudness": card.loudness,
        "pitch": card.pitch,
        "files": [
            (FILE_LABELS[voice.side], f"audio/{item.kind}/{quote(item.name)}.{voice.side}.flac")
            for voice in card.voices
            if voice.side in FILE_LABELS
        ],
        "levels": " → ".join(levels) + " LUFS",
        "figures": figures,
        "notes": _notes(row),
    }  # fmt: skip


def _notes(row: Figures) -> list[str]:
    """What a listener should know about an item besides its figures."""
    notes = ["The output is silent."] if row["output_lufs"] is None else []
    for label, name in (("input", "input"), ("output", "output"), ("unadapted", "output without adaptation")):
        gain_db = row.get(f"{label}_file_gain_db", 0.0)
        if gain_db < 0.0:
            notes.append(f"The {name} peaks over full scale: its file is turned down by {-gain_db:.1f} dB.")
    return notes
