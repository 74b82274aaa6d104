"""The same again: forced, killed and resumed, in an experiment."""

import hashlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_forced_rebuild_leaves_the_lock_byte_identical(restored):
    before = restored.lock()
    restored.good("dvc", "repro", "-f")
    assert restored.lock() == before


def test_training_that_was_killed_resumes_and_ends_with_the_same_bytes(restored):
    restored.edit(sizes__fast__ddsp__steps=80, train__validate_every_steps=20)
    outs = [restored.folder / "models" / "train", restored.folder / "reports" / "train"]
    restored.good("dvc", "repro", "train")
    uninterrupted = [digests(out) for out in outs]
    command = ["dvc", "repro", "-f", "-s", "train"]
    process = subprocess.Popen(
        command,
        cwd=restored.folder,
        env=restored.environment | {"TIMBRE_CHECKPOINT_SECONDS": "0"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoints = Path(restored.environment["TIMBRE_CHECKPOINTS"])
    deadline = time.monotonic() + 120
    while not list(checkpoints.rglob("checkpoint.pt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(checkpoints.rglob("checkpoint.pt"))
    assert "going on from step" in restored.good(*command)
    assert [digests(out) for out in outs] == uninterrupted
    assert not list(checkpoints.rglob("checkpoint.pt"))


def test_ctrl_c_keeps_the_step_and_says_how_to_go_on(restored):
    restored.edit(sizes__fast__ddsp__steps=100000)
    process = subprocess.Popen(
        ["python", "stages/train.py"],
        cwd=restored.folder,
        env=restored.environment | {"TIMBRE_CHECKPOINT_SECONDS": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    checkpoints = Path(restored.environment["TIMBRE_CHECKPOINTS"])
    deadline = time.monotonic() + 120
    while not list(checkpoints.rglob("checkpoint.pt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "is kept; the same command goes on from there" in said
    assert "Traceback" not in said


def test_an_experiment_with_another_size_runs_in_a_copy_and_can_be_compared(restored):
    said = restored.good("dvc", "exp", "run", "--temp", "-n", "small", "-S", "size=small")
    assert "Running stage 'train'" in said
    assert "Running stage 'slice'" not in said
    shown = restored.good("dvc", "metrics", "diff", "HEAD", "small")
    assert "reconstruction.mss" in shown
    compared = restored.good("python", "-m", "timbre", "compare", "HEAD", "small", PYTHONPATH="src")
    assert "compare: HEAD, small, 2 inputs: compare/index.html" in compared
    page = (restored.folder / "compare" / "index.html").read_text()
    assert re.search(r"<code>size</code></th><td>fast</td><td>small</td>", page)
    restored.good("dvc", "exp", "remove", "small")
