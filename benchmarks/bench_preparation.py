"""Time and memory of what comes before training (audit, normalize, slice), on made-up corpora of two lengths."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import soundfile
import yaml
from machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("audit", "normalize", "slice")
RATE_HZ = 44100
FILE_SECONDS = 120
PIECE_SECONDS = 10
SAMPLE_INTERVAL_SECONDS = 0.05
MIB = 1 << 20
# A small process in between, since a child's peak begins with the memory of the process that it was forked from.
WRAPPER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write(f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
sys.exit(code)
"""


def make_corpus(folder: Path, minutes: float) -> int:
    """Stereo 16-bit FLAC files of two minutes, at least five: tones over noise. Returns: how many files."""
    at = np.arange(PIECE_SECONDS * RATE_HZ) / RATE_HZ
    draw = np.random.default_rng(0)
    pieces = []
    for f0_hz in (110.0, 196.0, 330.0, 587.0):
        phase = 2 * np.pi * np.cumsum(f0_hz * 2 ** (at / 20) * (1 + 0.01 * np.sin(30 * at))) / RATE_HZ
        tone = sum(np.sin(number * phase) / number for number in range(1, 7))
        swell = 0.05 + 0.1 * np.sin(np.pi * at / PIECE_SECONDS) ** 2
        pieces.append((swell * tone)[:, None] + 0.003 * draw.standard_normal((len(at), 2)))
    folder.mkdir(parents=True)
    left, count = round(minutes * 60), 0
    longest = max(1, min(FILE_SECONDS, left // 5))
    while left > 0:
        seconds = min(left, longest)
        with soundfile.SoundFile(folder / f"take_{count:04}.flac", "w", RATE_HZ, 2, "PCM_16") as file:
            for index in range(-(-seconds // PIECE_SECONDS)):
                part = pieces[(index + count) % len(pieces)] * draw.uniform(0.4, 1.0)
                file.write(part[: (seconds - index * PIECE_SECONDS) * RATE_HZ])
        left, count = left - seconds, count + 1
    return count


def tree_bytes(process: psutil.Process) -> int:
    """Memory of a process and all its descendants, without pages of files, which the system may drop."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # it may have just ended
            memory = one.memory_info()
            total += memory.rss - getattr(memory, "shared", 0)
    return total


def measure(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float, float, float]:
    """Run a command. Returns: wall seconds, CPU seconds, MiB of the largest process, MiB of all less files."""
    usage_file, peak = folder / "usage", 0
    with tempfile.TemporaryFile() as log:
        begun = time.perf_counter()
        wrapped = [sys.executable, "-c", WRAPPER, str(usage_file), *command]
        with subprocess.Popen(wrapped, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT) as child:
            process = psutil.Process(child.pid)
            while child.poll() is None:
                with contextlib.suppress(psutil.Error):
                    peak = max(peak, tree_bytes(process))
                time.sleep(SAMPLE_INTERVAL_SECONDS)
        wall = time.perf_counter() - begun
        if child.returncode != 0:
            log.seek(0)
            sys.exit(
                f"{' '.join(command)} ended with {child.returncode}:\n{log.read().decode(errors='replace')[-3000:]}"
            )
    cpu, largest = (float(value) for value in usage_file.read_text().split())
    unit = MIB if platform.system() == "Darwin" else 1024  # bytes there, KiB elsewhere
    return wall, cpu, largest / unit, peak / MIB


def main() -> None:
    """Print a table, one row for each corpus and stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10.0, 120.0], help="default: %(default)s")
    parser.add_argument("--jobs", type=int, help="sets TIMBRE_JOBS (default: as the environment has it)")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    options = parser.parse_args()
    environment = os.environ | ({"TIMBRE_JOBS": str(options.jobs)} if options.jobs else {})
    jobs = environment.get("TIMBRE_JOBS") or f"all {os.cpu_count()}"
    print(f"{describe_machine()}; TIMBRE_JOBS: {jobs}")
    print("\nminutes  files  stage      wall s  CPU s  times real time  largest process MiB  all without files MiB")
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            folder = Path(scratch)
            params = yaml.safe_load((ROOT / "params.yaml").read_text())
            params["data"]["raw"] = "raw"
            (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
            files = make_corpus(folder / "raw", minutes)
            for stage in STAGES:
                command = [sys.executable, str(ROOT / "stages" / f"{stage}.py")]
                wall, cpu, largest, together = measure(command, folder, environment)
                print(
                    f"{minutes:7g}  {files:5}  {stage:9}  {wall:6.1f}  {cpu:5.1f}  {60 * minutes / wall:15.0f}  "
                    f"{largest:19.0f}  {together:21.0f}",
                    flush=True,
                )
    print(
        "\nLargest process: its peak resident memory, of which pages of the cache's file are a part that the system may"
    )
    print(
        "drop at any time. All without files: highest sum over all processes, sampled, of memory not backed by a file."
    )


if __name__ == "__main__":
    main()
