"""Processes that a test starts and ends, and where they listen."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any


def end(process: subprocess.Popen) -> None:
    """End a process, at once where it takes longer than ten seconds."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answer_of(module: str, job: dict, folder: Path, environment: dict[str, str]) -> Any:
    """What `python -m MODULE JOB.json` prints as JSON; it must end well. folder: where the job is laid down."""
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    done = subprocess.run([sys.executable, "-m", module, str(path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
