"""The model of docs/extending.md: added to a copy of the package as the page says, trained, exported and played."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
SCRIPT = """
import json, sys
from pathlib import Path
import torch, yaml
from timbre import models
from timbre.export.run import export_model
from timbre.params import load, parse
from timbre.training.run import train_model

assert load().model == "ddsp"  # the page's params.yaml is whole
folder = Path(sys.argv[1])
params = parse(yaml.safe_load((folder / "params.yaml").read_text()))
outcome = train_model(params, Path(sys.argv[2]), folder / "train", folder / "reports")
described = export_model(params, folder / "train", folder / "export")
network = models.load(folder / "train")
sound = 0.1 * torch.randn(2, 1, 3200, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    torch.save([sound, network(sound)], folder / "sounds.pt")
rows = [row["loss"] for row in outcome.validation_rows]
print(json.dumps({"described": described, "losses": rows, "delay": network.delay}))
"""


@pytest.fixture
def extended(tmp_path) -> Path:
    """A copy of the package and of params.yaml with the page's model."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy2(ROOT / "params.yaml", copy)
    files = re.findall(r"^`(src/\S+)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(files) == 3
    for name, text in files:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(text, encoding="utf-8")
    (changes,) = re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    applied = subprocess.run(
        ["git", "apply", "-"],
        input=changes,
        cwd=copy,
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert applied.returncode == 0, f"the changes in docs/extending.md do not fit any more: {applied.stderr}"
    return copy


def test_the_model_of_the_page_is_trained_exported_and_played(extended, raw_params, tiny_cache, tmp_path, snr_db):
    fast = yaml.safe_load((extended / "params.yaml").read_text())["sizes"]["fast"]["squeeze"]
    raw_params |= {"model": "squeeze", "size": "fast"}
    raw_params["sizes"]["fast"]["squeeze"] = fast | {"steps": 6, "crop_seconds": 0.2}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw_params))
    environment = os.environ | {
        "PYTHONPATH": str(extended / "src"),
        "TIMBRE_CHECKPOINTS": str(tmp_path / "checkpoints"),
        "TIMBRE_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(tiny_cache)],
        cwd=extended,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    described = found["described"]
    assert described["model"] == "squeeze"
    assert described["delay_samples"] == found["delay"] > 0
    assert described["streaming_snr_db"] >= 100.0
    assert found["losses"][-1] < found["losses"][0]
    model = torch.jit.load(tmp_path / "export/model.ts")
    sound, offline = torch.load(tmp_path / "sounds.pt", weights_only=True)
    played = torch.cat([model(block) for block in sound.split(10 * model.hop, dim=2)], dim=2)
    assert snr_db(offline[:, :, : -found["delay"]], played[:, :, found["delay"] :]) >= 100.0
    assert model.features(sound).shape == (2, 8, 200)
