"""Commands of README.md and docs/, executed as they stand there; support/documented.py has the list."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from support import documented
from support.documented import Step
from support.workspace import Workspace, several, stages_run

# Every other module of tests/docs reads pages; only what has run writes these files.
from timbre.audit.summary import METRICS
from timbre.evaluation.catalogue import entries

UP_TO_DATE = "Data and pipelines are up to date."


def execute(workspace: Workspace, steps: list[Step]) -> dict[str, str]:
    """What each step printed, by what was executed."""
    lines = [line or words for words, line in steps]
    return dict(zip(lines, several(workspace, *lines), strict=True))


@pytest.fixture(scope="module")
def reader(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with recordings that DVC tracks and an experiment of several names; each test leaves it so."""
    folder = tmp_path_factory.mktemp("reader") / "workspace"
    shutil.copytree(built.folder, folder, symlinks=True)
    reader = Workspace(folder, folder.parent / "checkpoints")
    reader.environment |= {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    reader.environment["PYTHONPATH"] = "src"
    reader.good("git", "branch", "-M", "main")
    said = execute(reader, documented.RECORDINGS)
    assert [UP_TO_DATE in said[line] for line in ("dvc repro", "dvc repro audit", "dvc repro slice")] == [True] * 3
    assert stages_run(said["dvc exp run -S 'audit.fail_on=[never]'"]) == ["gate"]
    (experiment,) = reader.good("git", "for-each-ref", "--format=%(objectname)", "refs/exps/*/*/*").split()
    for name in documented.NAMES:
        reader.good("git", "tag", name, experiment)
    (folder / "takes").mkdir()
    for name in ("voice.wav", "takes/one.wav"):
        shutil.copy(folder / "data/inputs/flute.wav", folder / name)
    return reader


def test_experiments_are_listed_compared_and_looked_at(reader):
    said = execute(reader, documented.EXPERIMENTS)
    assert "f0_within_50_cents" in said["dvc metrics show"] and "fail_on" in said["dvc exp show --only-changed"]
    assert "main" in said["timbre table"]
    assert (reader.folder / "dvc_plots/index.html").stat().st_size > 10_000
    assert (reader.folder / "compare/index.html").stat().st_size > 10_000
    assert (reader.folder / "pretrained/violin/weights.pt").is_file()
    assert UP_TO_DATE in said["dvc repro"]


def test_a_grid_is_queued_and_a_task_taken_off(reader):
    said = execute(reader, documented.QUEUE)
    assert said[documented.QUEUE[0][0]].count("Queued experiment") == 4
    assert said["dvc queue status"].count("Queued") == 6
    assert "Removed" in said["dvc queue remove broken"]


def test_sounds_are_played(reader):
    execute(reader, documented.PLAYING)
    assert sorted(path.name for path in (reader.folder / "played").rglob("*.wav")) == ["one.wav", "voice.wav"]


def test_a_version_is_registered_and_brought_with_its_card(reader):
    said = execute(reader, documented.VERSIONS)
    assert "v1.0.0" in said["gto show"]
    live = sorted(path.name for path in (reader.folder / "live").iterdir())
    assert live == ["README.md", "model.json", "model.ts"]


def test_the_machine_is_looked_at_and_changed_code_taken_for_what_it_was(reader):
    said = execute(reader, documented.UPKEEP)
    assert "doctor: 0 faults" in said["timbre doctor"] and "doctor: 0 faults" in said["timbre doctor --deep"]
    assert "list what can be made" in said["make help"]
    assert UP_TO_DATE in said["dvc repro"]
    reader.good("git", "checkout", "-q", "--force", "HEAD")


def test_an_experiment_is_applied_but_for_a_corpus_that_was_never_made(reader):
    done = reader.run("dvc", "exp", "apply", "short")
    assert done.returncode != 0
    failed = re.findall(r"^data/\S+|^models/\S+|^reports/\S+", done.stdout, re.MULTILINE)
    assert {Path(name).parent.as_posix() for name in failed} == {"data/demo"}
    assert "never" in (reader.folder / "params.yaml").read_text()
    said = several(
        reader, "dvc repro", "git checkout -q --force HEAD", "dvc checkout dvc.yaml", "dvc exp branch short b"
    )
    assert UP_TO_DATE in said[0]
    # The way without an error.
    said = several(reader, "git checkout -q b", "dvc checkout dvc.yaml", "dvc repro", "git checkout -q main")
    assert UP_TO_DATE in said[2]
    reader.good("dvc", "checkout", "-q", "dvc.yaml")


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
