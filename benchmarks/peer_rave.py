"""The peer's side of training.py: acids-rave 2.3.1, in a virtual environment of its own.

    PEER/bin/python benchmarks/peer_rave.py steps --widths v2 --batch 2 --crop 65536 --threads 1
    PEER/bin/python benchmarks/peer_rave.py start DATABASE
    PEER/bin/python benchmarks/peer_rave.py distance FOLDER CPU_SECONDS

It calls the package's public classes and its own `rave train`, on its own configurations (widths and causal.gin) and
its own optimisers; nothing of the package, which is CC BY-NC, is part of timbre. For steps and distance Lightning's
trainer is left out. The bands' loss is taken over the whole crop, as the peer does until its first validation.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
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


def peer_model(configs: list[str], bindings: list[str]) -> tuple[torch.nn.Module, list[dict]]:
    """A model of the peer with its optimisers and their schedules, as its `rave train` sets it up."""
    import gin
    import rave

    torch.set_float32_matmul_precision("high")
    gin.add_config_file_search_path(str(Path(rave.__file__).parent))
    gin.parse_config_files_and_bindings([f"configs/{name}.gin" for name in configs], bindings)
    model = rave.RAVE(n_channels=1).train()
    entries = model.configure_optimizers()
    model.optimizers = lambda: [entry["optimizer"] for entry in entries]
    model.log = model.log_dict = lambda *_, **__: None
    return model, entries


def peer_step(widths: str) -> Callable[[str, torch.Tensor], None]:
    """The peer's training step; it picks the network whose turn it is by the batch's index."""
    model, _ = peer_model([widths, "causal"], [])

    def step(kind: str, audio: torch.Tensor) -> None:
        model.warmed_up = kind != "phase 1"
        model.training_step(audio, 0 if kind == "discriminator" else 1)

    return step


def start(database: str) -> None:
    """The peer's `rave train` on a database, until its first step is done.

    Without Lightning's trial validation, which spares it some time: after one, its step fails on this crop (shapes).
    """
    import functools

    import pytorch_lightning
    import rave
    from absl import app
    from scripts import train

    taken = rave.RAVE.training_step

    def training_step(model: torch.nn.Module, batch: torch.Tensor, batch_idx: int) -> None:
        taken(model, batch, batch_idx)
        print("first step", flush=True)
        time.sleep(60)

    rave.RAVE.training_step = training_step
    pytorch_lightning.Trainer = functools.partial(pytorch_lightning.Trainer, num_sanity_val_steps=0)
    options = {"name": "first", "db_path": database, "out_path": tempfile.mkdtemp(), "batch": 2, "n_signal": 65536}
    options |= {"channels": 1, "workers": 2, "gpu": -1, "progress": "False"}
    sys.argv = ["train", *(f"--{key}={value}" for key, value in options.items()), "--config=v2", "--config=causal"]
    app.run(train.main)


def distance(folder: Path, cpu_seconds: float) -> None:
    """Train the first phase on the crops of a folder for so many seconds of CPU, and render its held-out recording.

    Widths are those that widths.json there names. Written: peer.npy, and peer.json with the number of steps.
    """
    import rave

    crops = np.load(folder / "crops.npy", mmap_mode="r")
    widths = json.loads((folder / "widths.json").read_text())
    model, entries = peer_model(["v2", "noise", "causal"], [f"{key} = {value}" for key, value in widths["gin"].items()])
    regularising = rave.model.BetaWarmupCallback()
    schedules = [entry["lr_scheduler"]["scheduler"] for entry in entries if "lr_scheduler" in entry]
    model.warmed_up = False
    steps, batch = 0, widths["batch"]
    begun = time.process_time()
    while time.process_time() - begun < cpu_seconds:
        at = steps * batch % (len(crops) - batch + 1)
        audio = torch.from_numpy(crops[at : at + batch].astype(np.float32) / 32767.0)[:, None]
        regularising.on_train_batch_start(None, model, audio, 1)
        model.training_step(audio, 1)
        for schedule in schedules:
            schedule.step()
        steps += 1
    with torch.no_grad():
        code = model.eval().encode(torch.from_numpy(np.load(folder / "held_out.npy"))[None, None])
        played = model.decode(code[:, : code.shape[1] // 2])
    np.save(folder / "peer.npy", played[0, 0].numpy())
    (folder / "peer.json").write_text(json.dumps({"steps": steps}))


if __name__ == "__main__":
    role, rest = sys.argv[1], sys.argv[2:]
    if role == "start":
        start(rest[0])
    elif role == "distance":
        torch.set_num_threads(1)
        torch.manual_seed(0)
        distance(Path(rest[0]), float(rest[1]))
    else:
        given = worker_arguments().parse_args(rest)
        serve(lambda: peer_step(given.widths), given.batch, given.crop, given.threads)
