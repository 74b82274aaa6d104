"""The stages' scripts on a project of some seconds of sound: `python -m support.stages JOB.json`, see `main`.

Each runs in a process forked from one that has the libraries loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
import yaml

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000
# What each stage writes.
OUTS = {
    "audit": "reports/audit",
    "gate": "reports/gate.json",
    "normalize": "data/normalized",
    "slice": "data/cache",
    "export": "models/export",
    "evaluate": "reports/evaluation",
}


def make_project(folder: Path, raw_params: dict) -> Path:
    """A folder in which the stages run: params.yaml, four recordings of under a second, one held out, and an input."""
    raw = raw_params | {"data": raw_params["data"] | {"raw": "data/raw", "test_inputs": "data/inputs"}}
    raw["audit"]["fail_on"] = ["never"]
    raw["evaluate"] |= {"page_seconds": 1.0}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))
    for number, name in enumerate(("raw/a.wav", "raw/b.wav", "raw/c.wav", "raw/test/d.wav", "inputs/e.wav")):
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "data" / name, tone(200.0 + 40.0 * number, 0.8, number), RATE)
    return folder


def tone(f0_hz: float, seconds: float, seed: int) -> np.ndarray:
    """Some partials and a little noise."""
    at = np.arange(round(seconds * RATE)) / RATE
    partials = sum(np.sin(2 * np.pi * number * f0_hz * at) / number for number in range(1, 9))
    return 0.1 * partials + 0.001 * np.random.default_rng(seed).standard_normal(len(at))


def run_stage(folder: Path, name: str, *before: str) -> subprocess.CompletedProcess:
    """Run a stage's script by itself; what it printed on both channels is in `stdout`. before: a command before it."""
    return subprocess.run(
        [*before, sys.executable, str(ROOT / "stages" / f"{name}.py")],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def environment() -> dict[str, str]:
    """That of the stages here: this checkout's code, one thread."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    return os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "TIMBRE_JOBS": "1"}


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder, or the file itself, hidden ones too."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()
    }


def main(job: dict) -> dict[str, dict]:
    """Run stages, each killed so often before it may end.

    job: folder of a project, kills by stage in their order, seed; windows, by stage: kill it within so many seconds of
    when it began to write, and spare the lives without kills that all others are compared with. Returns for each stage:
    seconds of a life that nobody ended, kills, how many of them hit while its out was being written, and how many came
    too late. Raises where anything but a whole out was ever found, or anything is left that a life without kills does
    not leave.
    """
    load_libraries(job["kills"])
    os.chdir(job["folder"])
    # Where libraries put what they need for a moment.
    os.environ["TMPDIR"] = str(Path("scratch").absolute())
    Path("scratch").mkdir()
    chance = random.Random(job["seed"])
    windows = job.get("windows", {})
    return {name: _killed(name, kills, windows.get(name), chance) for name, kills in job["kills"].items()}


def _killed(name: str, kills: int, window_seconds: float | None, chance: random.Random) -> dict:
    out = Path(OUTS[name])
    whole = tree = None
    seconds = window_seconds
    if window_seconds is None:
        first = _live(name, None)
        seconds, window_seconds = first["seconds"], first["writing_seconds"]
        whole, tree = digests(out), _tree()
    done = hits = survived = 0
    while done < kills:
        if done % 2 == 0:
            # One made otherwise, to be told from the new one.
            _outdate(out)
        before = digests(out) if out.exists() else None
        at_work = whole is None or done % 4 in (1, 2)
        life = _live(name, chance.uniform(0.0, window_seconds if at_work else seconds), at_work)
        after = digests(out) if out.exists() else None
        if after not in (None, before, whole):
            raise AssertionError(f"{name}: killed after {life['seconds']:.3f} s it left a part of its out: {after}")
        if life["killed"]:
            done, hits = done + 1, hits + at_work
            continue
        survived += 1
        if survived > 20 + 5 * kills:
            raise AssertionError(f"{name}: ends before it is killed")
        if whole is not None:
            # How fast they are is up to what else the machine does.
            seconds, window_seconds = life["seconds"], life["writing_seconds"] or window_seconds
    if whole is None:
        return {"seconds": None, "kills": done, "while writing": hits, "ended before": survived}
    last = _live(name, None)
    if digests(out) != whole:
        raise AssertionError(f"{name}: other bytes than without kills")
    if left := _tree() ^ tree:
        raise AssertionError(f"{name}: left {sorted(left)}")
    return {"seconds": last["seconds"], "kills": done, "while writing": hits, "ended before": survived}


def _outdate(out: Path) -> None:
    if out.suffix:
        out.write_text("{}")
        return
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for number in range(30):
        (out / f"old {number}").write_text("old")


def _tree() -> set[str]:
    """What lies in the project."""
    return {path.as_posix() for path in Path().rglob("*") if path.name != "log"}


def _writes(out: Path) -> bool:
    return any(out.parent.glob(f".{out.stem}*.part*")) if out.parent.exists() else False


def _live(name: str, moment: float | None, at_work: bool = False) -> dict:
    """One process and all its children, killed so many seconds after its birth.

    at_work: counted from when it has begun to write its out.
    """
    out = Path(OUTS[name])
    for left in out.parent.glob(f".{out.stem}*.part*") if at_work else ():
        # Of one killed before: this life's own must show.
        shutil.rmtree(left, ignore_errors=True)
        left.unlink(missing_ok=True) if left.exists() else None
    begun = time.monotonic()
    wrote = None
    child = os.fork()
    if not child:
        _run(name)
    status = None
    while status is None:
        now = time.monotonic()
        if wrote is None and (at_work or moment is None) and _writes(out):
            wrote = now
        since = wrote if at_work else begun
        if moment is not None and since is not None and now - since >= moment:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
        else:
            found, code = os.waitpid(child, os.WNOHANG)
            status = code if found else time.sleep(0.0005)
    killed = os.WIFSIGNALED(status)
    if not killed and status:
        raise SystemExit(Path("log").read_text()[-3000:])
    now = time.monotonic()
    return {"seconds": now - begun, "killed": killed, "writing_seconds": now - wrote if wrote else 0.0}


def _run(name: str) -> None:
    os.setsid()
    run_forked(name, os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND))


def run_forked(name: str, log: int) -> None:
    """Be a stage in a process that was forked for it, and end; what it says goes to an open file."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 0
    del sys.argv[1:]  # of this process; a stage takes none
    try:
        runpy.run_path(str(ROOT / "stages" / f"{name}.py"), run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def load_libraries(stages: Iterable[str]) -> None:
    """Load what the stages do, and make their scripts importable."""
    import timbre.audit.run
    import timbre.cache.build
    import timbre.normalize.run

    if {"export", "evaluate"} & set(stages):
        import timbre.evaluation.evaluate
        import timbre.export.run  # noqa: F401
    sys.path.insert(0, str(ROOT / "stages"))


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
