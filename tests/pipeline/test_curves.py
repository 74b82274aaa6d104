"""What dvc draws of a training."""

import json

from timbre.training.curves import write_curves
from timbre.training.outcome import Outcome


def drawn(workspace) -> dict[str, list[dict]]:
    """The values of every curve that `dvc plots show` draws, by figure."""
    said = workspace.good("dvc", "plots", "show", "--json")
    plots = json.loads(said[said.index("{") :])
    assert not [error for error in plots.get("errors", []) if "reports/train" in error["name"]]
    place = "reports/train/curves/"
    contents = {name: plot[0]["content"] for name, plot in plots["data"].items() if place in name}
    return {name.split(place)[1].removesuffix(".csv"): content["data"]["values"] for name, content in contents.items()}


def test_every_figure_of_both_phases_of_a_rave_has_its_plot_from_its_first_row_on(workspace):
    reports = workspace.folder / "reports/train"
    training = [
        {"step": 2, "learning_rate_generator": 0.1, "loss": 3.0, "full_band": 2.0, "regularisation": 9.0},
        {"step": 4, "learning_rate_generator": 0.1, "learning_rate_discriminator": 0.1, "loss": 4.0, "full_band": 1.0,
         "discriminator_loss": 2.0, "score_real": 0.5},
    ]  # fmt: skip
    validation = [{"step": step, "loss": 5.0 - step, "dimensions_95%": 3.0} for step in (2, 4)]
    write_curves(reports, Outcome(training_rows=training[:1], validation_rows=[]))
    assert [(value["step"], value["value"]) for value in drawn(workspace)["loss"]] == [("2", "3.000000")]
    write_curves(reports, Outcome(training_rows=training, validation_rows=validation))
    curves = drawn(workspace)
    assert curves.keys() == {
        "loss", "full_band", "regularisation", "discriminator_loss", "score_real", "dimensions_95_percent",
    }  # fmt: skip
    assert [(value["step"], value["value"], value["set"]) for value in curves["loss"]] == [
        ("2", "3.000000", "training"), ("4", "4.000000", "training"),
        ("2", "3.000000", "validation"), ("4", "1.000000", "validation"),
    ]  # fmt: skip
