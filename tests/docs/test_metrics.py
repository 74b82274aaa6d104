"""docs/metrics.md has every figure that the stages write, with its unit and the way it is better."""

import re

import pytest
import yaml
from support.documents import ROOT

from timbre.audit.summary import METRICS
from timbre.evaluation.catalogue import entries
from timbre.models.rave.task import FIDELITIES

PAGE = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
COLUMNS = yaml.safe_load((ROOT / ".dvc/columns.yaml").read_text(encoding="utf-8"))
# Of every model; a task's `finish_validation` may add some.
TRAINING = {"loss", "validation_loss", "best_step", "steps", "parameters"}


def rows(heading: str) -> dict[str, list[str]]:
    """The cells after the first of each row of a section's table, by the names in the first."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    found = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            first, *others = [cell.strip() for cell in line.strip("|").split("|")]
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", first), others)
    return found


def default_tolerance() -> float:
    return yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["evaluate"]["f0_tolerance_cents"]


@pytest.mark.parametrize(
    ("section", "heading"),
    [
        ("transfer", "Evaluation: transfer"),
        ("reconstruction", "Evaluation: reconstruction"),
        ("model", "Evaluation: the model"),
        ("robustness", "Evaluation: robustness"),
    ],
)
def test_every_figure_of_the_evaluation_is_told_as_the_catalogue_has_it(section, heading):
    told = rows(heading)
    known = {entry.key: entry for entry in entries(default_tolerance()) if entry.section == section}
    assert told.keys() == known.keys()
    for key, (unit, better, heard, expected) in told.items():
        assert (unit, better) == (known[key].unit, known[key].better), key
        assert heard and expected, key


def test_every_figure_of_training_and_audit_is_told():
    training = rows("Training")
    assert training.keys() == TRAINING | {f"dimensions_{share:.0%}" for share in FIDELITIES}
    audit = rows("Audit")
    assert audit.keys() == set(METRICS)
    for key, (_, better, told, _) in (training | audit).items():
        assert told and better in ("", "higher", "lower"), key


def test_the_figures_of_timbre_table_are_among_them():
    for name in COLUMNS.values():
        section, key = name.split(".")
        assert key in rows(f"Evaluation: {section}")


def test_the_anchors_are_all_named():
    section = PAGE.partition("\n## Evaluation: `items.csv`\n")[2].partition("\n## ")[0]
    (row,) = [line for line in section.splitlines() if line.startswith("| a figure and an anchor")]
    anchors = {anchor for entry in entries(default_tolerance()) for _, anchor in entry.anchors}
    assert anchors - {"constant_level"} <= set(re.findall(r"`(\w+)`", row))
