"""The curves as tables."""

import pandas as pd

from timbre.training.curves import write_curves
from timbre.training.outcome import Outcome

TRAINING = [
    {"step": 2, "learning_rate": 0.1, "loss": 3.0},
    {"step": 4, "learning_rate": 0.1, "loss": 2.0, "score_real": -1.5},
    {"step": 6, "learning_rate": 0.1, "score_real": 0.25},
]
VALIDATION = [{"step": 3, "loss": 2.5, "dimensions_80%": 7.0}, {"step": 6, "loss": 1.5, "dimensions_80%": 9.0}]


def test_every_value_of_every_figure_is_in_the_file_of_its_figure(tmp_path):
    write_curves(tmp_path, Outcome(training_rows=TRAINING, validation_rows=VALIDATION))
    files = {path.stem: pd.read_csv(path) for path in (tmp_path / "curves").iterdir()}
    assert files.keys() == {"loss", "score_real", "dimensions_80_percent"}
    assert all(list(table.columns) == ["step", "value", "set"] for table in files.values())
    assert files["loss"].to_numpy().tolist() == [
        [2, 3.0, "training"], [4, 2.0, "training"], [3, 2.5, "validation"], [6, 1.5, "validation"],
    ]  # fmt: skip
    assert files["score_real"].value.tolist() == [-1.5, 0.25]
    assert files["dimensions_80_percent"].value.tolist() == [7.0, 9.0]
    # The tables hold the same once more, beside the learning rates.
    assert pd.read_csv(tmp_path / "loss.csv").loss.dropna().tolist() == [3.0, 2.0]
    assert list(pd.read_csv(tmp_path / "validation.csv").columns) == ["step", "loss", "dimensions_80%"]


def test_figures_of_a_run_before_are_gone(tmp_path):
    write_curves(tmp_path, Outcome(training_rows=TRAINING, validation_rows=VALIDATION))
    write_curves(tmp_path, Outcome(training_rows=TRAINING[:1], validation_rows=[]))
    assert [path.name for path in (tmp_path / "curves").iterdir()] == ["loss.csv"]
