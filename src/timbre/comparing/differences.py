"""What sets models apart: figures with the intervals of their differences, and the parameters that are not the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from timbre.comparing.gather import Evaluation
from timbre.evaluation.catalogue import Entry, entries
from timbre.evaluation.intervals import mean_interval
from timbre.evaluation.measure import WORST

BETTER, WORSE, LEVEL = "better", "worse", "level"
DIGEST_CHARACTERS = 8


@dataclass(frozen=True)
class Difference:
    """A figure of a model less the first model's.

    low, high: of the mean over the `items` that both have, None where these are too few or the worst item counts.
    outcome: better, worse, or level where the interval holds zero; None where there is no interval.
    """

    value: float
    low: float | None
    high: float | None
    items: int
    outcome: str | None


@dataclass(frozen=True)
class Row:
    """A figure of all models: the lists are in the models' order.

    summaries: what summary.json says of it, empty where a model has none. differences: from the first model.
    """

    entry: Entry
    values: list[float | None]
    summaries: list[dict]
    differences: list[Difference | None]


def figure_rows(evaluations: list[Evaluation], same: set[tuple[str, str]]) -> list[Row]:
    """The rows of the catalogue that apply to any of the models, in its order.

    same: kind and name of the items whose sound is the same in all; differences are taken over these alone.
    """
    catalogue: dict[tuple[str, str], Entry] = {}
    for evaluation in evaluations:
        tolerance = evaluation.params.get("evaluate", {}).get("f0_tolerance_cents", 50.0)
        for entry in entries(tolerance):
            catalogue.setdefault((entry.section, entry.key), entry)
    rows = []
    for entry in catalogue.values():
        values = [evaluation.metrics.get(entry.section, {}).get(entry.key) for evaluation in evaluations]
        if any(value is not None for value in values):
            summaries = [evaluation.summary.get(f"{entry.section}.{entry.key}", {}) for evaluation in evaluations]
            first = evaluations[0]
            differences = [
                difference(entry, first, other, values[0], value, same) if other is not first else None
                for other, value in zip(evaluations, values, strict=True)
            ]
            rows.append(Row(entry, values, summaries, differences))
    return rows


def difference(
    entry: Entry,
    first: Evaluation,
    other: Evaluation,
    first_value: float | None,
    other_value: float | None,
    same: set[tuple[str, str]],
) -> Difference | None:
    """A figure of a model less that of the first, pairwise over the items that are the same."""
    if first_value is None or other_value is None:
        return None
    if entry.key in WORST:
        return Difference(other_value - first_value, None, None, 0, None)
    pairs = paired(first.items, other.items, entry, same)
    if len(pairs) == 0:
        return None
    interval = mean_interval(pairs)
    if interval is None:
        return Difference(float(pairs.mean()), None, None, len(pairs), None)
    low, high = interval
    higher = entry.better == "higher"
    outcome = LEVEL if low <= 0.0 <= high else BETTER if (low > 0.0) == higher else WORSE
    return Difference(float(pairs.mean()), low, high, len(pairs), outcome)


def paired(first: pd.DataFrame, other: pd.DataFrame, entry: Entry, same: set[tuple[str, str]]) -> np.ndarray:
    """Differences [items] of a figure between the same items of two tables, where both have it."""
    if entry.key not in first or entry.key not in other:
        return np.zeros(0)
    keys = ["kind", "name"]
    tables = [table[table["kind"] == entry.section].set_index(keys)[entry.key] for table in (first, other)]
    both = pd.concat(tables, axis=1, keys=["first", "other"]).dropna()
    both = both[[key in same for key in both.index]].sort_index()
    return (both["other"] - both["first"]).to_numpy(dtype=np.float64)


def judged(rows: list[Row], index: int) -> dict[str, list[str]]:
    """Names of the figures in which the model at an index is clearly better, clearly worse, or neither."""
    found = [(row.entry.name, row.differences[index]) for row in rows]
    return {
        outcome: [name for name, each in found if each is not None and each.outcome == outcome]
        for outcome in (BETTER, WORSE, LEVEL)
    }


def sources(lock: dict, stage: str | None = None) -> dict[str, str]:
    """Digests by path of the code and data that stages (or one) were made of and no stage has made, by dvc.lock."""
    stages = lock.get("stages", {})
    made = [entry["path"] for each in stages.values() for entry in each.get("outs", [])]
    used = [entry for name, each in stages.items() if stage in (None, name) for entry in each.get("deps", [])]
    return {
        entry["path"]: str(entry.get("md5", ""))[:DIGEST_CHARACTERS]
        for entry in used
        if not any(entry["path"] == out or entry["path"].startswith(f"{out}/") for out in made)
    }
