"""Commands of README.md and docs/, executed as they stand there; support/documented.py has the list."""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
from support.documented import STEPS
from support.workspace import Workspace, several, stages_run

from timbre.audit.summary import METRICS
from timbre.evaluation.catalogue import entries

UP_TO_DATE = "Data and pipelines are up to date."


@pytest.fixture(scope="module")
def reader(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of a workspace that has run, with sounds to play."""
    folder = tmp_path_factory.mktemp("reader") / "workspace"
    shutil.copytree(built.folder, folder, symlinks=True)
    reader = Workspace(folder, folder.parent / "checkpoints")
    reader.environment |= {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    reader.environment["PYTHONPATH"] = "src"
    reader.good("git", "branch", "-M", "main")
    (folder / "takes").mkdir()
    for name in ("voice.wav", "takes/one.wav"):
        shutil.copy(folder / "data/inputs/flute.wav", folder / name)
    return reader


@pytest.fixture(scope="module")
def said(reader) -> dict[str, list[str]]:
    """What every step printed, by its command, the first time first."""
    lines = [line or words for words, line in STEPS]
    found = defaultdict(list)
    for line, printed in zip(lines, several(reader, *lines), strict=True):
        found[line].append(printed)
    return found


def test_recordings_that_dvc_tracks_are_the_same_to_every_stage(said):
    assert all(UP_TO_DATE in said[line][0] for line in ("dvc repro", "dvc repro audit", "dvc repro slice"))
    assert stages_run(said["dvc exp run -S 'audit.fail_on=[never]'"][0]) == ["gate"]


def test_experiments_are_listed_compared_and_looked_at(said, reader):
    assert "f0_within_50_cents" in said["dvc metrics show"][0]
    assert "fail_on" in said["dvc exp show --only-changed"][0]
    assert "main" in said["timbre table"][0]
    for page in ("dvc_plots/index.html", "compare/index.html"):
        assert (reader.folder / page).stat().st_size > 10_000
    assert (reader.folder / "pretrained/violin/weights.pt").is_file()


def test_a_revision_a_branch_and_an_experiment_that_is_applied_have_nothing_to_run(said):
    (applied,) = said["! dvc exp apply short"]
    failed = re.findall(r"^(?:data|models|reports)/\S+", applied, re.MULTILINE)
    assert {Path(name).parent.as_posix() for name in failed} == {"data/demo"}
    assert [UP_TO_DATE in printed for printed in said["dvc repro"]] == [True] * 4


def test_a_grid_is_queued_and_a_task_taken_off(said):
    (grid,) = (printed for line, (printed, *_) in said.items() if "size=fast,small" in line)
    assert grid.count("Queued experiment") == 4
    assert said["dvc queue status"][0].count("Queued") == 5
    assert "Removed" in said["dvc queue remove broken"][0]


def test_sounds_are_played(said, reader):
    assert sorted(path.name for path in (reader.folder / "played").rglob("*.wav")) == ["one.wav", "voice.wav"]


def test_a_version_is_registered_and_brought_with_its_card(said, reader):
    assert "v1.0.0" in said["gto show"][0]
    live = sorted(path.name for path in (reader.folder / "live").iterdir())
    assert live == ["README.md", "model.json", "model.ts"]


def test_the_machine_is_looked_at(said):
    assert all("doctor: 0 faults" in said[line][0] for line in ("timbre doctor", "timbre doctor --deep"))
    assert "list what can be made" in said["make help"][0]


def test_what_the_stages_write_has_the_keys_that_are_explained(built):
    reports = built.folder / "reports"
    figures = {(entry.section, entry.key): entry for entry in entries(50.0)}
    metrics = json.loads((reports / "evaluation/metrics.json").read_text())
    assert {(section, key) for section, values in metrics.items() for key in values} == figures.keys()
    page = (built.folder / "docs/metrics.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([^`\n]+)`", page))
    summary = json.loads((reports / "evaluation/summary.json").read_text())
    assert {field for value in summary.values() for field in value} <= told
    anchors = {anchor for value in summary.values() for anchor in value["anchors"]}
    for column in pd.read_csv(reports / "evaluation/items.csv").columns:
        stems = {column.removesuffix(f"_{anchor}") for anchor in [*anchors, ""]}
        assert stems & told, column
    assert json.loads((reports / "train/metrics.json").read_text()).keys() <= told
    assert json.loads((reports / "audit/metrics.json").read_text()).keys() == set(METRICS) <= told
