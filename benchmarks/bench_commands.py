"""How long commands take that people give all day: `timbre --help`, `timbre doctor`, `dvc repro` with nothing to do.

    python benchmarks/bench_commands.py --rounds 5

The repository must be up to date (`make run`), or `dvc repro` is left out. Medians, and the slowest.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
TIMBRE = [sys.executable, "-m", "timbre"]
DVC = [sys.executable, "-m", "dvc"]
# The most seconds that each may take.
COMMANDS = {
    "timbre --help": ([*TIMBRE, "--help"], 0.5),
    "timbre doctor": ([*TIMBRE, "doctor"], 5.0),
    "timbre table": ([*TIMBRE, "table"], 5.0),
    "dvc repro": ([*DVC, "repro"], 5.0),
}


def seconds(command: list[str]) -> float:
    """Seconds that a command takes by the clock."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def up_to_date() -> bool:
    """Whether `dvc repro` has nothing to do."""
    return not subprocess.run([*DVC, "status", "--json"], cwd=ROOT, capture_output=True, text=True).stdout.strip("{}\n")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command")
    rounds = parser.parse_args().rounds
    print(describe_machine())
    fresh = up_to_date()
    print(f"{'command':<16}{'median':>9}{'slowest':>9}{'limit':>9}")
    for name, (command, limit) in COMMANDS.items():
        if name == "dvc repro" and not fresh:
            print(f"{name:<16}  not measured: `dvc status` says that there is work to do")
            continue
        found = [seconds(command) for _ in range(rounds)]
        print(f"{name:<16}{statistics.median(found):>7.2f} s{max(found):>7.2f} s{limit:>7.1f} s")


if __name__ == "__main__":
    main()
