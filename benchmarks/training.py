"""A training here and in acids-rave 2.3.1, side by side: what a step costs, how soon it begins, how near it comes.

    python benchmarks/training.py --peer-python PEER/bin/python [--only steps start distance] [--cpu-minutes 5]

On the same recordings, at the same widths, batch and crop. A step is forward, backward and the optimiser's move;
its cost is the median over some rounds in which both take turns, each in a process of its own, so that what else the
machine does meets both; CPU seconds are those of all threads. Without augmentations, and without our loss on waveforms,
which the peer lacks. The start is that of `rave train` and of our train stage, from the process to the end of the first
step, on the copies of the demo's recordings that make 10 minutes and 3 hours. The distance is one definition of ours
(Engel et al. 2020), of what both make of a held-out recording after equal CPU time of each side's own training.

The peer does not install as it is on today's torch. PEER is made by (Python 3.11, x86-64, Linux; ffmpeg for its
database):

    python3.11 -m venv PEER
    PEER/bin/pip install acids-rave==2.3.1 torch==2.13.0 'setuptools<81'
    rm PEER/lib/python3.11/site-packages/torchaudio/lib/*.so

setuptools: lightning_fabric 1.9 imports pkg_resources. torchaudio: its shared objects want CUDA; the losses do not need
them. acids-rave is CC BY-NC: it is measured here and is no part of timbre.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import training_distance
import training_start
import training_steps
from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("steps", "start", "distance")
# Copies of the demo's ten minutes.
CORPORA = {"10 minutes": 1, "3 hours": 18}


def rows(given: argparse.Namespace, folder: Path) -> Iterator[tuple[str, float, float]]:
    """What was measured, ours, the peer's."""
    if "steps" in given.only:
        for widths in given.widths:
            yield from training_steps.rows(
                given.peer_python, widths, given.batch, given.crop, given.rounds, given.threads
            )
    if "start" in given.only:
        recordings = ROOT / "data/normalized"
        yield from training_start.rows(given.peer_python, folder / "start", recordings, CORPORA, rounds=2)
    if "distance" in given.only:
        cache = ROOT / "data/cache"
        yield from training_distance.rows(given.peer_python, folder / "distance", cache, 60.0 * given.cpu_minutes)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", required=True, help="python of the environment with acids-rave")
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS, help="default: all")
    parser.add_argument("--widths", nargs="+", default=["v1", "v2"], choices=["v1", "v2"], help="of the steps")
    parser.add_argument("--batch", type=int, default=2, help="crops a step (default: %(default)s)")
    parser.add_argument("--crop", type=int, default=65536, help="samples a crop, a multiple of 2048")
    parser.add_argument("--rounds", type=int, default=3, help="steps of a kind (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of each side's steps (default: %(default)s)")
    parser.add_argument("--cpu-minutes", type=float, default=5.0, help="of each side, for the distance")
    given = parser.parse_args()
    print(f"{describe_machine()}; steps: {given.batch} crops of {given.crop} samples, {given.threads} threads\n")
    print("| | ours | acids-rave 2.3.1 | ratio |\n|---|---|---|---|")
    # Recordings are linked, which only works within a file system.
    with tempfile.TemporaryDirectory(dir=ROOT / ".dvc/tmp") as folder:
        for name, ours, peer in rows(given, Path(folder)):
            print(f"| {name} | {ours:.4g} | {peer:.4g} | {ours / peer:.2f} |", flush=True)


if __name__ == "__main__":
    main()
