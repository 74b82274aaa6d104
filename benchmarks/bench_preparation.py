"""Time, memory and disk of what comes before training (audit, normalize, slice), on made-up corpora of several lengths.

    python benchmarks/bench_preparation.py --hours 0.5 1 2 4 --short 10000

Corpora are mono 48 kHz 16-bit FLAC: files of two minutes, and with --short so many of one second. What a stage takes to
start is measured on five files of a second in the same run, and subtracted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile
import yaml
from machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("audit", "normalize", "slice")
OUTS = {"audit": "reports/audit", "normalize": "data/normalized", "slice": "data/cache"}
RATE_HZ = 48000
FILE_SECONDS = 120
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


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds by the clock and of all cores, MiB of the largest process, of all less files, and
    the most that its folder held, in bytes.
    """

    wall_seconds: float
    cpu_seconds: float
    largest_mib: float
    together_mib: float
    disk_bytes: int = 0


def make_sound(seed: int, seconds: float) -> np.ndarray:
    """A melody of its own for every seed: plucked notes with harmonics over a little noise, [samples] float32."""
    draw = np.random.default_rng(seed)
    sound = 0.0005 * draw.standard_normal(round(seconds * RATE_HZ), dtype=np.float32)
    begin = 0
    while begin < len(sound):
        length = min(len(sound) - begin, int(draw.uniform(0.2, 0.9) * RATE_HZ))
        at = np.arange(length, dtype=np.float32) / RATE_HZ
        phase = 2 * np.pi * (110.0 * 2 ** draw.uniform(0, 3)) * at
        tilt, level = draw.uniform(0.8, 2.0), draw.uniform(0.05, 0.25)
        tone = sum(np.sin(number * phase) / np.float32(number**tilt) for number in range(1, 7))
        envelope = np.minimum(1.0, at / 0.01) * np.exp(-at / draw.uniform(0.1, 0.8)) * np.minimum(1.0, at[::-1] / 0.01)
        sound[begin : begin + length] += (level * envelope * tone).astype(np.float32)
        begin += length
    return sound


def make_corpus(folder: Path, seconds: float, file_seconds: float = FILE_SECONDS) -> int:
    """Mono 16-bit FLAC files, at least five, in folders of a hundred. Returns: how many."""
    count = max(5, round(seconds / file_seconds))
    for number in range(count):
        path = folder / f"{number // 100:03}" / f"take_{number:05}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, make_sound(number, seconds / count), RATE_HZ, "PCM_16")
    return count


def make_workspace(folder: Path) -> None:
    """The project's params.yaml for recordings in `raw`."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["data"]["raw"] = "raw"
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def stage_command(stage: str) -> list[str]:
    """What runs a stage."""
    return [sys.executable, str(ROOT / "stages" / f"{stage}.py")]


def tree_bytes(process: psutil.Process) -> int:
    """Memory of a process and all its descendants, without pages of files, which the system may drop."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # it may have just ended
            memory = one.memory_info()
            total += memory.rss - getattr(memory, "shared", 0)
    return total


def folder_bytes(folder: Path) -> int:
    """What all files below a folder take on the disk."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # it may have just gone
                total += os.stat(os.path.join(where, name)).st_blocks * 512
    return total


def measure(command: list[str], folder: Path, environment: dict[str, str], disk: Path | None = None) -> Cost:
    """Run a command in a folder; the disk is sampled of another, once a second."""
    usage_file, peak, most, looked = folder / "usage", 0, 0, 0.0
    with tempfile.TemporaryFile() as log:
        begun = time.perf_counter()
        wrapped = [sys.executable, "-c", WRAPPER, str(usage_file), *command]
        with subprocess.Popen(wrapped, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT) as child:
            process = psutil.Process(child.pid)
            while child.poll() is None:
                with contextlib.suppress(psutil.Error):
                    peak = max(peak, tree_bytes(process))
                if disk and time.perf_counter() - looked > 1.0:
                    most, looked = max(most, folder_bytes(disk)), time.perf_counter()
                time.sleep(SAMPLE_INTERVAL_SECONDS)
        wall = time.perf_counter() - begun
        if child.returncode != 0:
            log.seek(0)
            told = log.read().decode(errors="replace")[-3000:]
            sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{told}")
    cpu, largest = (float(value) for value in usage_file.read_text().split())
    unit = MIB if platform.system() == "Darwin" else 1024  # bytes there, KiB elsewhere
    return Cost(wall, cpu, largest / unit, peak / MIB, most)


def measure_stages(folder: Path, environment: dict[str, str], tell: Callable[[str, Cost, int], None]) -> None:
    """Run the stages on `folder`/raw, telling of each what it took and the size of its outs."""
    make_workspace(folder)
    for stage in STAGES:
        out = folder / OUTS[stage]
        cost = measure(stage_command(stage), folder, environment, out.parent)
        tell(stage, cost, folder_bytes(out))


def main() -> None:
    """Print a table, one row for each corpus and stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="*", default=[0.25, 1.0], help="default: %(default)s")
    parser.add_argument("--short", type=int, default=0, help="files of one second in another corpus (default: none)")
    parser.add_argument("--jobs", type=int, help="sets TIMBRE_JOBS (default: as the environment has it)")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    options = parser.parse_args()
    environment = os.environ | ({"TIMBRE_JOBS": str(options.jobs)} if options.jobs else {})
    jobs = environment.get("TIMBRE_JOBS") or f"all {os.cpu_count()}"
    print(f"{describe_machine()}; TIMBRE_JOBS: {jobs}")
    start: dict[str, Cost] = {}

    def run(seconds: float, file_seconds: float) -> None:
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            folder = Path(scratch)
            files = make_corpus(folder / "raw", seconds, file_seconds)
            hours, raw = seconds / 3600, folder_bytes(folder / "raw")
            wall = cpu = 0.0

            def tell(stage: str, cost: Cost, out_bytes: int) -> None:
                nonlocal wall, cpu
                if stage not in start:
                    start[stage] = cost
                    print(f"start-up   {stage:9}  {cost.wall_seconds:6.1f} s, CPU {cost.cpu_seconds:.1f} s", flush=True)
                    return
                own_wall = cost.wall_seconds - start[stage].wall_seconds
                own_cpu = cost.cpu_seconds - start[stage].cpu_seconds
                wall, cpu = wall + own_wall, cpu + own_cpu
                row(stage, own_wall, own_cpu)
                print(
                    f"  {cost.largest_mib:11.0f}  {cost.together_mib:13.0f}  {out_bytes / 1e6:8.0f}  "
                    f"{cost.disk_bytes / 1e6:8.0f}",
                    flush=True,
                )

            def row(name: str, own_wall: float, own_cpu: float) -> None:
                print(
                    f"{hours:6.3g}  {files:6}  {name:9}  {own_wall:7.1f}  {own_wall / hours:6.1f}  "
                    f"{own_cpu / hours:6.1f}  {seconds / own_wall:6.0f}",
                    end="",
                )

            measure_stages(folder, environment, tell)
            if wall:
                row("together", wall, cpu)
                print(f"  raw: {raw / 1e6:.0f} MB", flush=True)

    run(5.0, 1.0)
    print(
        "\n hours   files  stage       wall s  s/hour  CPU/h    times  largest MiB  less files MiB  out MB  most MB",
        flush=True,
    )
    for hours in options.hours:
        run(3600 * hours, FILE_SECONDS)
    if options.short:
        run(float(options.short), 1.0)
    print(
        "\nAll after start-up. Times: real time. Largest: peak resident memory of the largest process, of which pages\n"
        "of the cache's file are a part that the system may drop at any time. Less files: highest sum over all\n"
        "processes, sampled, of memory not backed by a file. Most: what the stage's folder held at most while it ran."
    )


if __name__ == "__main__":
    main()
