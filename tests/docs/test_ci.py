"""The workflow of GitHub Actions runs what .ci/run runs, on every Python that the package takes."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_the_workflow_runs_the_same_commands_on_every_python():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["linux"]
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    least, most = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text()).groups()
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(int(least), int(most))]


def test_what_must_pass_is_lint_and_test():
    assert (ROOT / ".ci/run").read_text().splitlines()[-2:] == ["make lint", "make test"]
