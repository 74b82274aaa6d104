"""Figures as the page shows them: those of all items with anchors and intervals, and those of one item."""

from __future__ import annotations

from timbre.evaluation.catalogue import IDEAL, Entry, formatted
from timbre.evaluation.measure import Figures, rca_key, within_key
from timbre.evaluation.summary import share

# What a figure is read against has no name of its own in the catalogue where it is the same for all of a section.
PERFECT = IDEAL[0]
# Without them there is nothing to say, so the card of an item that lacks them leaves them out.
FAULTS = ("leap_frames", "buzz_db")


def table_row(entry: Entry, summary: dict[str, dict]) -> dict:
    """What the template needs of a figure of metrics.json."""
    told = summary[f"{entry.section}.{entry.key}"]
    ends = entry.ends or ()
    known = [(label, name, told["anchors"].get(name)) for label, name in entry.anchors]
    interval = [told["low"], told["high"]]
    return {
        "name": entry.name,
        "key": f"{entry.section}.{entry.key}",
        "value": formatted(entry.key, told["value"]),
        "better": entry.better,
        "meaning": entry.meaning,
        "interval": "" if None in interval else " to ".join(formatted(entry.key, end) for end in interval),
        "items": told["items"],
        "worst": told["worst"],
        "scale": _scale(entry, told),
        "anchors": [
            (label, formatted(entry.key, value))
            for label, name, value in known
            if value is not None and name not in ends
        ],
    }


def _scale(entry: Entry, told: dict) -> dict | None:
    """Where the figure lies between its bad anchor and its good one, in percent; None where there are not both."""
    if told["share"] is None:
        return None
    labels = {name: label for label, name in entry.anchors}
    ends = [told["anchors"][name] for name in entry.ends]
    interval = [share(told[end], *ends) for end in ("low", "high")]
    low, high = (None, None) if None in interval else sorted(interval)
    return {
        "share": _percent(told["share"]),
        "low": _percent(low),
        "width": None if low is None else _percent(high - low),
        "ends": [
            (labels.get(name, PERFECT), formatted(entry.key, value))
            for name, value in zip(entry.ends, ends, strict=True)
        ],
    }


def card_figures(entries: list[Entry], row: Figures, summary: dict[str, dict], tolerance_cents: float) -> list[dict]:
    """What the template needs of the figures of one item. entries: of its kind. row: its figures and its anchors'."""
    reasons = {
        rca_key(tolerance_cents): "no pitch in it", within_key(tolerance_cents): "no pitch in it",
        "f0_median_cents": "no pitch in it", "voicing_recall": "no pitch in it", "harmonics_l1_db": "no pitch in it",
        "loudness_r": "no dynamics in it", "onset_f": "no onsets in it", "kad_mfcc": "too short or silent",
    }  # fmt: skip
    shown = []
    for entry in entries:
        value = row.get(entry.key)
        if value is None and entry.key in FAULTS:
            continue
        anchors = {
            name: row.get(f"{entry.key}_{name}", summary[f"{entry.section}.{entry.key}"]["anchors"].get(name))
            for name in (*(entry.ends or ()), "unadapted")
        }
        ends = [anchors[name] for name in entry.ends or ()]
        labels = {name: label for label, name in entry.anchors}
        # The good end is the same for all items or the ideal: what tells is the bad one.
        told = [(labels.get(name, PERFECT), anchors[name]) for name in [*(entry.ends or ())[:1], "unadapted"]]
        shown.append(
            {
                "name": entry.name,
                "key": entry.key,
                "value": formatted(entry.key, value),
                "number": value,
                "share": _percent(share(value, *ends)) if ends else None,
                "remarks": [reasons.get(entry.key, "does not apply")]
                if value is None
                else [f"{formatted(entry.key, each)} {label}" for label, each in told if each is not None],
            }
        )
    return shown


def _percent(value: float | None) -> int | None:
    return None if value is None else round(100.0 * value)
