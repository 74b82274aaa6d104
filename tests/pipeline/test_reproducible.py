"""The same again: forced, killed and resumed, in an experiment."""

import hashlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml


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


def started(workspace, *command: str, **options) -> subprocess.Popen:
    """A training that keeps every step, as soon as it has kept one."""
    process = subprocess.Popen(
        command,
        cwd=workspace.folder,
        env=workspace.environment | {"TIMBRE_CHECKPOINT_SECONDS": "0"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        text=True,
        **options,
    )
    deadline = time.monotonic() + 120
    while not kept(workspace) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert kept(workspace)
    return process


def kept(workspace) -> list[Path]:
    """The checkpoints of all its trainings."""
    return list(Path(workspace.environment["TIMBRE_CHECKPOINTS"]).rglob("checkpoint-*.pt"))


def kill(process: subprocess.Popen) -> None:
    """As a power cut: dvc and its stage at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_training_that_was_killed_resumes_and_ends_with_the_same_bytes(restored):
    restored.edit(sizes__fast__ddsp__steps=80, train__validate_every_steps=20)
    outs = [restored.folder / "models" / "train", restored.folder / "reports" / "train"]
    restored.good("dvc", "repro", "train")
    uninterrupted = [digests(out) for out in outs]
    command = ["dvc", "repro", "-f", "-s", "train"]
    kill(started(restored, *command, stderr=subprocess.DEVNULL))
    assert "going on from step" in restored.good(*command)
    assert [digests(out) for out in outs] == uninterrupted
    assert not kept(restored)


def test_an_experiment_that_was_killed_in_a_copy_resumes_in_another_and_ends_with_the_same_bytes(restored):
    changes = {"sizes.fast.ddsp.steps": 81, "train.validate_every_steps": 27}  # as no other here, or dvc would know it
    options = [part for key, value in changes.items() for part in ("-S", f"{key}={value}")]
    command = ["dvc", "exp", "run", "--temp", "-n", "killed", *options, "train"]
    kill(started(restored, *command, stderr=subprocess.DEVNULL))
    assert "going on from step" in restored.good(*command)
    assert not kept(restored)
    references = restored.good("git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    (reference,) = [name for name in references if name.endswith("/killed")]
    restored.edit(**{key.replace(".", "__"): value for key, value in changes.items()})
    restored.good("dvc", "repro", "-f", "-s", "train")  # by force, or dvc would take it from the experiment
    outs = [yaml.safe_load(lock)["stages"]["train"]["outs"] for lock in
            (restored.lock(), restored.good("git", "show", f"{reference}:dvc.lock"))]  # fmt: skip
    assert outs[0] == outs[1]
    restored.good("dvc", "exp", "remove", "killed")


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_ctrl_c_and_sigterm_keep_the_step_and_say_how_to_go_on(restored, number):
    restored.edit(sizes__fast__ddsp__steps=100000)
    process = started(restored, "python", "stages/train.py", stderr=subprocess.PIPE)
    begun = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - begun < 10.0
    assert re.search(r"Step \d+ of 100000 is kept; the same command goes on from there", said)
    assert "Traceback" not in said
    for path in kept(restored):
        path.unlink()


def test_an_experiment_with_another_size_runs_in_a_copy_and_can_be_compared(restored):
    said = restored.good("dvc", "exp", "run", "--temp", "-n", "small", "-S", "size=small")
    # What a copy prints comes by a log file that dvc follows, and may miss where the copy has ended before. So it is
    # the figures that tell that it has trained.
    assert "Running stage 'slice'" not in said
    shown = restored.good("dvc", "metrics", "diff", "HEAD", "small")
    assert "reconstruction.mss" in shown and re.search(r"reports.train.metrics\.json +parameters", shown)
    compared = restored.good("python", "-m", "timbre", "compare", "HEAD", "small", PYTHONPATH="src")
    assert "compare: HEAD, small, 2 inputs: compare/index.html" in compared
    page = (restored.folder / "compare" / "index.html").read_text()
    assert re.search(r"<code>size</code></th><td>fast</td><td>small</td>", page)
    restored.good("dvc", "exp", "remove", "small")
