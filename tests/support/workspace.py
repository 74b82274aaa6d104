"""A temporary copy of this repository in which the real dvc runs, on twenty seconds of sound and with tiny budgets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
import yaml
from support.presets import RAVE

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000
# Starting dvc costs more than what it does here, so commands of one workspace share a process; each is a program's own
# `main`.
SEVERAL = """
import shlex, subprocess, sys

def dvc(words):
    from dvc.cli import main
    return main(words[1:])

def timbre(words):
    from timbre.__main__ import main
    sys.argv = words
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    return 0

for line in sys.argv[1:]:
    print(f"$ {line}", flush=True)
    words = shlex.split(line.removeprefix("! "))
    run = {"dvc": dvc, "timbre": timbre}.get(words[0])
    code = run(words) if run else subprocess.run(words).returncode
    sys.stdout.flush()
    if bool(code) != line.startswith("! "):
        sys.exit(code or 1)
"""


class Workspace:
    """A copy of the repository that is its own git and dvc repository."""

    def __init__(self, folder: Path, checkpoints: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "TIMBRE_CHECKPOINTS": str(checkpoints),
            "TIMBRE_JOBS": "1",
            # Networks this small gain nothing from a second thread and lose much where the cores are busy.
            "OMP_NUM_THREADS": "1",
            "DVC_NO_ANALYTICS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        # The copy must run its own code, wherever this process found its.
        self.environment.pop("PYTHONPATH", None)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess:
        """Run a command here; what it printed on both channels is in `stdout`."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )

    def good(self, *command: str, **environment: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        done = self.run(*command, **environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def stage(self, name: str, **environment: str) -> subprocess.CompletedProcess:
        """Run a stage's script by itself."""
        return self.run("python", f"stages/{name}.py", **environment)

    def repro(self, *targets: str) -> list[str]:
        """`dvc repro`; returns the names of the stages that ran or were taken from the run cache."""
        return stages_run(self.good("dvc", "repro", *targets))

    def commit(self) -> None:
        """Commit everything to git."""
        self.good("git", "add", "-A")
        self.good("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "state", "--allow-empty")

    def edit(self, **values: object) -> None:
        """Set keys of params.yaml; `__` stands for the dot between section and key."""
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        for name, value in values.items():
            *sections, key = name.split("__")
            section = params
            for part in sections:
                section = section[part]
            section[key] = value
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def lock(self) -> str:
        """The text of dvc.lock."""
        return (self.folder / "dvc.lock").read_text()


def several(workspace: Workspace, *lines: str) -> list[str]:
    """Run commands one after the other, which all must succeed, or fail where "! " stands before; what each printed."""
    said = re.split(r"^\$ .*$", workspace.good("python", "-c", SEVERAL, *lines), flags=re.MULTILINE)[1:]
    assert len(said) == len(lines)
    return said


def stages_run(output: str) -> list[str]:
    """Names of the stages that ran, in the printed order."""
    marks = ("Running stage '", "Stage '")
    names = []
    for line in output.splitlines():
        if line.startswith(marks[0]) or (line.startswith(marks[1]) and "is cached - skipping run" in line):
            names.append(line.split("'")[1])
    return names


def note(pitch_hz: float, seconds: float, seed: int) -> np.ndarray:
    """A plain tone with harmonics, a swell and a little noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * pitch_hz * time
    tone = sum(np.sin(number * phase) / number**1.5 for number in range(1, 12))
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return 0.15 * tone * np.sin(np.pi * time / seconds) ** 0.5 + 0.001 * noise


def small_ddsp() -> dict:
    """A DDSP preset that trains in seconds, of another size than `fast`."""
    return {
        "hidden": 24,
        "layers": 1,
        "harmonics": 30,
        "noise_bands": 17,
        "reverb_seconds": 0.0,
        "loudness_skip": True,
        "aligned": True,
        "fft_seconds": 0.128,
        "narrow_bands": 32,
        "steps": 12,
        "batch": 2,
        "crop_seconds": 0.5,
        "learning_rate": 0.002,
    }


def tiny_rave(**changes: object) -> dict:
    """A RAVE preset that trains in seconds, half of them against discriminators, with noise and augmentations."""
    more = {"noise": True, "latent_size": 8, "augmentations": ["phase", "dequantise"], "crop_samples": 8192}
    return RAVE | more | changes


def make_workspace(folder: Path) -> Workspace:
    """A fresh copy of the repository at 16 kHz with its own recordings, inputs and short presets."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and name not in ("dvc.lock", "data/demo/dvc.lock"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    workspace = Workspace(folder, folder.parent / f"{folder.name}-checkpoints")
    for index, pitch_hz in enumerate([220.0, 277.2, 330.0, 440.0]):
        path = folder / "data" / "raw" / ("test" if index == 3 else "takes") / f"take {index}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, note(pitch_hz, 5.0, index), RATE, subtype="PCM_16")
    (folder / "data" / "inputs").mkdir(parents=True)
    soundfile.write(folder / "data" / "inputs" / "flute.wav", note(520.0, 2.0, 9), RATE)
    workspace.edit(
        # Others cost half a minute each time, and have tests of their own.
        export__targets=["torchscript"],
        data__raw="data/raw",
        data__test_inputs="data/inputs",
        train__validate_every_steps=4,
        train__log_every_steps=2,
        size="fast",
        data__sample_rate=RATE,
        features__hop_samples=128,
        features__window_samples=1024,
        sizes__fast__ddsp__steps=12,
        sizes__small__ddsp=small_ddsp(),
        sizes__tiny__rave=tiny_rave(),
    )
    workspace.good("git", "init", "-q")
    workspace.commit()
    return workspace
