"""The scripts of the stages, as somebody who does not know them yet would call them."""

import subprocess
import sys
from pathlib import Path

import pytest

STAGES = sorted(
    path for path in (Path(__file__).resolve().parents[2] / "stages").glob("*.py") if not path.name.startswith("_")
)


def called(stage: Path, argument: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, stage, argument], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.stem)
def test_a_stage_tells_what_it_does_and_does_nothing_when_asked(stage, tmp_path):
    told = called(stage, "--help", tmp_path)
    assert told.returncode == 0 and "Settings are in params.yaml" in told.stdout
    refused = called(stage, "tiny", tmp_path)
    assert refused.returncode == 1 and f"{stage.name} tiny: there is no such argument" in refused.stderr
    assert list(tmp_path.iterdir()) == []
