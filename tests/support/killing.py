"""Trains in processes that are killed at random moments: `python -m support.killing JOB.json`, see `main`."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from timbre.params import parse
from timbre.training.run import train_model


def main(job: dict) -> list[dict]:
    """Train until so many processes were killed, each at a random moment of its whole life, or of that after it has
    kept a step.

    job: raw params, cache, folder, kills, seed. Who comes to its end has its outputs set aside, and another begins
    anew. All are forked from this process, which has the libraries loaded and no thread. Returns for each process:
    seconds, whether it was killed, and the names of the files in its checkpoint's folder.
    """
    folder = Path(job["folder"])
    chance = random.Random(job["seed"])
    ends, ended = [_train(job, folder / "ended-0", None)], 1
    usual_seconds = ends[0]["seconds"]
    while sum(end["killed"] for end in ends) < job["kills"]:
        at_work = len(ends) % 2 == 0
        moment = chance.uniform(0.0, 0.5 * usual_seconds if at_work else usual_seconds)
        ends.append(_train(job, folder / f"ended-{ended}", moment, at_work))
        if not ends[-1]["killed"]:
            # How fast they are is up to what else the machine does.
            ended, usual_seconds = ended + 1, ends[-1]["seconds"]
    ends.append(_train(job, folder / f"ended-{ended}", None))
    return ends


def _train(job: dict, out: Path, moment: float | None, at_work: bool = False) -> dict:
    """One process, killed so many seconds after its birth or, `at_work`, after it has kept a step."""
    begun = counted = time.monotonic()
    before = _kept()
    child = os.fork()
    if not child:
        _live(job, out)
    status = None
    while status is None:
        if at_work and _kept() == before:
            counted = time.monotonic()
        if moment is not None and time.monotonic() - counted >= moment:
            os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
        else:
            found, code = os.waitpid(child, os.WNOHANG)
            status = code if found else time.sleep(0.001)
    killed = os.WIFSIGNALED(status)
    if not killed and status:
        raise SystemExit((Path(job["folder"]) / "log").read_text()[-3000:])
    return {"seconds": time.monotonic() - begun, "killed": killed, "kept": _kept()}


def _kept() -> list[str]:
    """What lies in the checkpoints' folder."""
    return sorted(path.name for path in Path(os.environ["TIMBRE_CHECKPOINTS"]).glob("*/*") if path.name != "lock")


def _live(job: dict, out: Path) -> None:
    log = os.open(Path(job["folder"]) / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        train_model(parse(job["params"]), Path(job["cache"]), out / "models", out / "reports")
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
