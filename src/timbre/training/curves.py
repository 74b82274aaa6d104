"""The curves of a training as tables: all figures in two, and each figure by itself, as `dvc plots` draws them."""

from __future__ import annotations

from pathlib import Path

from timbre.files import replaced_folder, write_csv
from timbre.training.outcome import Outcome


def write_curves(folder: Path, outcome: Outcome) -> None:
    """Write loss.csv and validation.csv, a row for each time, and curves/, a file for each figure.

    `dvc plots` draws no file that lacks a column it was told of, and which figures there are is the model's matter: so
    every file of curves/ has the same columns, and a row for each value.
    """
    import pandas as pd  # takes half a second, of which a training has more once it is under way

    write_csv(folder / "loss.csv", pd.DataFrame(outcome.training_rows))
    write_csv(folder / "validation.csv", pd.DataFrame(outcome.validation_rows))
    with replaced_folder(folder / "curves") as temporary:
        for name in figure_names(outcome):
            values = [
                {"step": row["step"], "value": row[name], "set": of}
                for of, rows in (("training", outcome.training_rows), ("validation", outcome.validation_rows))
                for row in rows
                if name in row
            ]
            write_csv(temporary / f"{name.replace('%', '_percent')}.csv", pd.DataFrame(values))


def figure_names(outcome: Outcome) -> list[str]:
    """Names of all figures in the order in which they first show, the loss before the others."""
    rows = (*outcome.training_rows, *outcome.validation_rows)
    names = dict.fromkeys(name for row in rows for name in row)
    return sorted(
        (name for name in names if name != "step" and not name.startswith("learning_rate")),
        key=lambda name: name != "loss",
    )
