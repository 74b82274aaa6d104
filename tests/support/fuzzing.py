"""Asking `support.fuzzed` for cases, and seeing where it crashes or hangs."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Cases take some hundredths of a second; another machine may be busy.
CASE_SECONDS = 30.0


class Fuzzer:
    """A process that reads damaged files; where it dies or hangs another takes its place."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115, it lasts as long as this
        self.slowest_seconds = 0.0

    def case(self, reader: str, folder: Path, number: int | None) -> dict:
        """What `support.fuzzed.judged` says of a case; `broken` too where it ended the process or took too long."""
        fresh = self._process is None
        process = self._process or self._start()
        process.stdin.write(json.dumps({"reader": reader, "folder": str(folder), "number": number}).encode() + b"\n")
        process.stdin.flush()
        begun = time.perf_counter()
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            ready = waiting.select(CASE_SECONDS * (3 if fresh else 1))
        line = process.stdout.readline() if ready else b""
        if line:
            if not fresh:
                self.slowest_seconds = max(self.slowest_seconds, time.perf_counter() - begun)
            return json.loads(line)
        self.close()
        said = f"the process ended with {_ending(process.returncode)}" if ready else "no end in sight"
        return {"outcome": "broken", "said": f"{said}\n{self._last_words()}", "file": ""}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stdin.close()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process.stdout.close()
            self._process = None

    def _start(self) -> subprocess.Popen:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TIMBRE_JOBS": "1", "PYTHONFAULTHANDLER": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.fuzzed"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment,
        )  # fmt: skip
        return self._process

    def _last_words(self) -> str:
        """What was printed last, without the names of all modules that Python adds where it crashes."""
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 20_000))
        told = self._log.read().decode(errors="replace")
        return told[max(0, told.rfind("Fatal Python error")) :].partition("Extension modules")[0][-3000:]


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else str(code)
