"""The peer's side of compare_rave_training.py: training steps of acids-rave 2.3.1, in a virtual environment of its own.

    PEER/bin/python benchmarks/peer_rave.py --widths v2 --batch 2 --crop 65536 --threads 1

It calls the package's public classes, on its own configurations (widths and causal.gin) and its own optimisers; nothing
of the package, which is CC BY-NC, is part of timbre. Lightning's trainer is left out. The bands' loss is taken over the
whole crop, as the peer does until its first validation.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

KINDS = ("phase 1", "discriminator", "generator")


def worker_arguments() -> argparse.ArgumentParser:
    """What the workers of both sides are told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--widths", required=True, choices=["v1", "v2"])
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--crop", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser


def serve(make_step: Callable[[], Callable[[str, torch.Tensor], None]], batch: int, crop: int, threads: int) -> None:
    """Take a training step for every line on stdin that names its kind, and answer it with a line of JSON.

    A step gets its kind (of `KINDS`) and audio [batch, 1, crop]. Answered are its seconds of CPU, those of all threads
    and of the system for it, its seconds by the clock, and the most memory that the process has held so far, in MB.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    step = make_step()
    for line in sys.stdin:
        audio = 0.1 * torch.randn(batch, 1, crop)
        wall, cpu = time.perf_counter(), time.process_time()
        step(line.strip(), audio)
        cost = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.perf_counter() - wall}
        cost["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(cost), file=answers, flush=True)


def peer_step(widths: str) -> Callable[[str, torch.Tensor], None]:
    """The peer's training step; it picks the network whose turn it is by the batch's index."""
    import gin
    import rave

    torch.set_float32_matmul_precision("high")  # as its `rave train` does
    gin.add_config_file_search_path(str(Path(rave.__file__).parent))
    gin.parse_config_files_and_bindings([f"configs/{widths}.gin", "configs/causal.gin"], [])
    model = rave.RAVE(n_channels=1).train()
    optimisers = [entry["optimizer"] for entry in model.configure_optimizers()]
    model.optimizers = lambda: optimisers
    model.log = model.log_dict = lambda *_, **__: None

    def step(kind: str, audio: torch.Tensor) -> None:
        model.warmed_up = kind != "phase 1"
        model.training_step(audio, 0 if kind == "discriminator" else 1)

    return step


if __name__ == "__main__":
    given = worker_arguments().parse_args()
    serve(lambda: peer_step(given.widths), given.batch, given.crop, given.threads)
