"""Evaluations as the stage leaves them, and a real DVC repository that holds them as experiments."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from support.exported import write_export
from support.played import RATE, DelayLine

ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "params.yaml"
FEATURES = {
    "hop_samples": 128,
    "window_samples": 1024,
    "f0_method": "yin",
    "f0_min_hz": 60.0,
    "f0_max_hz": 2000.0,
    "voiced_on": 0.8,
    "voiced_off": 0.6,
}
INPUTS = {"flute": 520.0, "glass, cracked": 700.0, "voice": 180.0}
TAKES = {"take_1": 220.0, "take_2": 330.0}
# The stage of the repository: it finds the evaluation that belongs to its parameter.
STAGE = """
import shutil, yaml
seed = yaml.safe_load(open("params.yaml"))["seed"]
shutil.copytree(f"../made/{seed}", "reports/evaluation")
"""
PIPELINE = """
stages:
  evaluate:
    cmd: python evaluate.py
    deps: [evaluate.py]
    params: [seed]
    outs: [reports/evaluation]
"""


def note(f0_hz: float, seconds: float, level: float = 0.1) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * n * f0_hz * time) / n for n in range(1, 9))
    hiss = np.random.default_rng(round(f0_hz)).standard_normal(len(time)) * 0.02
    return level * (tone + hiss) * (0.3 + 0.7 * np.sin(np.pi * time / seconds))


def raw_params(seed: int) -> dict:
    raw = yaml.safe_load(PARAMS.read_text())
    raw["seed"] = seed
    raw["data"] |= {"sample_rate": RATE, "test_inputs": "inputs"}
    raw["features"] = FEATURES
    return raw


def evaluate(folder: Path, model: DelayLine, seed: int) -> Path:
    """Evaluate a model as the stage does, in a folder of its own; returns the folder of reports."""
    from timbre.evaluation.evaluate import run
    from timbre.features.extractor import feature_config
    from timbre.params import parse

    export, normalized = folder / "export", folder / "normalized"
    features = feature_config(RATE, FEATURES)
    write_export(export, model, features=features, parameters=1000 + seed)
    (normalized / "test").mkdir(parents=True)
    for name, f0_hz in TAKES.items():
        soundfile.write(normalized / f"test/{name}.flac", note(f0_hz, 1.0), RATE, subtype="PCM_24")
    entries = [{"file": f"test/{name}.flac", "split": "test", "start_samples": 0, "samples": RATE} for name in TAKES]
    (folder / "manifest.json").write_text(json.dumps({"features": features, "files": entries}))
    (folder / "inputs").mkdir()
    for name, f0_hz in INPUTS.items():
        soundfile.write(folder / f"inputs/{name}.wav", note(f0_hz, 1.2), RATE)
    raw = raw_params(seed)
    raw["data"]["test_inputs"] = str(folder / "inputs")
    run(parse(raw), export, folder / "manifest.json", normalized, folder / "reports")
    return folder / "reports"


def duller(reports: Path, target: Path) -> None:
    """What the evaluation of a model with less treble, and 1 dB further from the target's colour, would have left."""
    shutil.copytree(reports, target)
    for path in target.rglob("*.output.flac"):
        audio = soundfile.read(path)[0]
        soundfile.write(path, 0.5 * (audio + np.append(0.0, audio[:-1])), RATE, subtype="PCM_24")
    items = pd.read_csv(target / "items.csv")
    items["ltas_db"] += 1.0
    items.to_csv(target / "items.csv", index=False)
    metrics = json.loads((target / "metrics.json").read_text())
    metrics["transfer"]["ltas_db"] += 1.0
    metrics["model"]["parameters"] += 1
    (target / "metrics.json").write_text(json.dumps(metrics))


class Repository:
    """A git and DVC repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT / "src"),
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def run(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def good(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def commit(self, subject: str) -> None:
        self.good("git", "add", "-A")
        self.good("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", subject)


@pytest.fixture(scope="session")
def repository(tmp_path_factory) -> Repository:
    """A repository with an evaluation on main and experiments: `dull`, and `again`, which repeats it.

    `dull` also lies in the workspace. Read it only.
    """
    folder = tmp_path_factory.mktemp("compared")
    (folder / "made").mkdir()
    evaluate(folder / "work", DelayLine(8, 0.5), 0).rename(folder / "made/0")
    duller(folder / "made/0", folder / "made/1")
    shutil.copytree(folder / "made/0", folder / "made/2")
    repository = Repository(folder / "repository")
    repository.folder.mkdir()
    repository.good("git", "init", "-q", "-b", "main")
    repository.good("dvc", "init", "-q")
    repository.commit("before any evaluation")
    repository.good("git", "tag", "empty")
    (repository.folder / "evaluate.py").write_text(STAGE)
    (repository.folder / "dvc.yaml").write_text(PIPELINE)
    (repository.folder / "params.yaml").write_text(yaml.safe_dump(raw_params(0)))
    repository.good("dvc", "repro", "-q")
    repository.commit("evaluate")
    repository.good("git", "tag", "v1")
    repository.good("dvc", "exp", "run", "-q", "-n", "again", "-S", "seed=2")
    repository.good("dvc", "exp", "run", "-q", "-n", "dull", "-S", "seed=1")
    return repository


@pytest.fixture
def copied(repository, tmp_path) -> Repository:
    """The repository, to change."""
    shutil.copytree(repository.folder, tmp_path / "repository", symlinks=True)
    return Repository(tmp_path / "repository")
