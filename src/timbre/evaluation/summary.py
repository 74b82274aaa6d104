"""From the figures of the items to those of the evaluation: summary.json with anchors, metrics.json without."""

from __future__ import annotations

import numpy as np

from timbre.evaluation.catalogue import Entry, entries
from timbre.evaluation.intervals import mean_interval
from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.measure import WORST, Figures, excess_ratio
from timbre.evaluation.metrics.spectra import lsd_db_noise_floor, mss_noise_floor
from timbre.evaluation.response import DEAF_DB

DECIMALS = 6
# A number under it would lose all its digits.
TINY = 1e-4
# The value of a perfect reconstruction, by key: 1 for these shares of what is right, 0 for all errors.
PERFECT_AT_1 = ("f0_within", "f0_rca", "voicing_recall", "onset_f")


def summary_of(
    rows: list[dict], own: dict[str, Figures], target: Figures, rate_hz: int, tolerance_cents: float
) -> dict[str, dict]:
    """The content of summary.json: of each figure, by "<section>.<key>", what it is and what it is read against.

    {value, mean, low, high, items, worst, anchors, share, better, unit}. value: what metrics.json says, the mean over
    the items to which it applies, or the worst of them (then `worst` names it); low, high: 95 % interval of the mean
    over other items of their kind, None under 3 items and for the worst; share: how far from the bad anchor to the good
    one, 0 to 1, None where there are not both.

    rows: of the items that were measured, with "kind", "name" and figures. own: the figures of the sections that have
    no items. target: how far the target's own recordings lie from each other, by the keys of transfer.
    """
    found = {}
    for entry in entries(tolerance_cents):
        name = f"{entry.section}.{entry.key}"
        if entry.section in own:
            told = {"value": own[entry.section].get(entry.key), "items": None}
        else:
            told = _of_items([row for row in rows if row["kind"] == entry.section], entry)
            told["anchors"] |= constants(entry, target, rate_hz)
        told = {"mean": told["value"], "low": None, "high": None, "worst": None, "anchors": {}} | told
        found[name] = told | {"better": entry.better, "unit": entry.unit}
    _set_excess_ratio(found, mss_noise_floor(rate_hz))
    for entry in entries(tolerance_cents):
        told = found[f"{entry.section}.{entry.key}"]
        told["share"] = share(told["value"], *(told["anchors"].get(end) for end in entry.ends or (None, None)))
    return rounded(found)


def metrics_of(summary: dict[str, dict]) -> dict[str, dict]:
    """The content of metrics.json: the values alone, in their sections."""
    metrics: dict[str, dict] = {}
    for name, told in summary.items():
        section, key = name.split(".", 1)
        metrics.setdefault(section, {})[key] = told["value"]
    return metrics


def share(value: float | None, bad: float | None, good: float | None) -> float | None:
    """How far a figure has come from a bad anchor to a good one, 0 to 1; None where these are not known or equal."""
    if value is None or bad is None or good is None or abs(good - bad) < 1e-9:
        return None
    return float(np.clip((value - bad) / (good - bad), 0.0, 1.0))


def constants(entry: Entry, target: Figures, rate_hz: int) -> Figures:
    """The anchors of a figure that are the same for all items."""
    if entry.section == TRANSFER:
        spread = {"target": target[entry.key]} if entry.key in target else {}
        level = {"constant_level": DEAF_DB, "identity": 0.0} if entry.key == "level_linearity_db" else {}
        return spread | level
    perfect = {"identity": float(entry.key.startswith(PERFECT_AT_1))} if entry.ends else {}
    floors = {"mss": mss_noise_floor(rate_hz), "lsd_db": lsd_db_noise_floor()}
    return perfect | ({"noise_floor": floors[entry.key]} if entry.key in floors else {})


def rounded(value):
    """Numbers in nested dicts rounded to 6 decimals, tiny ones to 3 digits; whole numbers stay as they are."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if not isinstance(value, float):
        return value
    return round(value, DECIMALS) if abs(value) >= TINY else float(f"{value:.3g}")


def _of_items(rows: list[dict], entry: Entry) -> dict:
    known = _known(rows, entry.key)
    values = np.array(list(known.values()), dtype=np.float64)
    anchors = {}
    for _, anchor in entry.anchors:
        found = list(_known(rows, f"{entry.key}_{anchor}").values())
        if found:
            anchors[anchor] = max(found) if entry.key in WORST else float(np.mean(found))
    told = {"value": None, "items": len(known), "anchors": anchors}
    if not known:
        return told
    told |= {"value": float(values.mean()), "mean": float(values.mean())}
    if entry.key in WORST:
        name = max(known, key=known.get)
        return told | {"value": known[name], "worst": name}
    low, high = mean_interval(values) or (None, None)
    return told | {"low": low, "high": high}


def _set_excess_ratio(found: dict[str, dict], floor: float) -> None:
    """From the means, so that the ratio is that of the figures beside it; its interval is that of the error."""
    mss, told = found[f"{RECONSTRUCTION}.mss"], found[f"{RECONSTRUCTION}.mss_excess_ratio"]
    untrained = mss["anchors"].get("untrained")
    for key in ("value", "mean", "low", "high"):
        told[key] = excess_ratio(mss[key], untrained, floor)
    told["items"] = mss["items"]


def _known(rows: list[dict], key: str) -> dict[str, float]:
    """A figure by the name of the item, of the items to which it applies."""
    return {row["name"]: row[key] for row in rows if row.get(key) is not None}
