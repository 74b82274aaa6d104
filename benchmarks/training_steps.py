"""What a training step of RAVE costs here and in acids-rave 2.3.1, at the same widths, batch and crop.

    python benchmarks/compare_rave_training.py --peer-python PEER/bin/python [--widths v1 v2] [--batch 2] [--crop 65536]
        [--rounds 3] [--threads 1]

Each side runs in a process of its own; they take turns, so that what else the machine does meets both. A step is
forward, backward and the optimiser's move; printed are medians over the rounds and ratios of ours to the peer's. CPU
seconds are those of all threads. Without augmentations, and without our loss on waveforms, which the peer lacks.

The peer does not install as it is on today's torch. PEER is made by (Python 3.11, x86-64, Linux):

    python3.11 -m venv PEER
    PEER/bin/pip install acids-rave==2.3.1 torch==2.13.0 'setuptools<81'
    rm PEER/lib/python3.11/site-packages/torchaudio/lib/*.so

setuptools: lightning_fabric 1.9 imports pkg_resources. torchaudio: its shared objects want CUDA; the losses do not need
them. acids-rave is CC BY-NC: it is measured here and is no part of timbre.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from machine import describe_machine
from peer_rave import KINDS, serve, worker_arguments

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent.parent / "src"))

# As the peer's configurations of these names set them, upon sizes.default.rave of params.yaml.
WIDTHS = {
    "v1": {
        "blocks": "v1",
        "capacity": 64,
        "ratios": [4, 4, 4, 2],
        "dilations": [[1, 3, 5]] * 4,
        "latent_size": 128,
        "noise": True,
        "discriminators": ["scales"],
        "discriminator_every": 2,
    },
    "v2": {},
}
FAIR = {"augmentations": [], "waveform_weight": 0.0, "steps": 1000, "adversarial_share": 0.5}
MEASURES = {"CPU s": "cpu_seconds", "wall s": "wall_seconds", "peak MB": "memory_mb"}


def our_step(widths: str, crop: int) -> Callable[[str, torch.Tensor], None]:
    """Our training step, with the optimisers and the clipping of gradients of timbre.training."""
    from timbre import models
    from timbre.features.extractor import feature_config
    from timbre.params import load

    params = load(HERE.parent.parent / "params.yaml")
    preset = {**params.sizes.default.rave.model_dump(), **WIDTHS[widths], **FAIR, "crop_samples": crop}
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    cache = {"features": features, "channels": 1, "statistics": {}}
    config = models.describe("rave", preset, cache, seed=0)
    task = models.task_of(models.build(config), preset, config).train()
    groups = {name: list(parameters) for name, parameters in task.parameter_groups().items()}
    optimisers = {
        name: torch.optim.Adam(parameters, lr=1e-4, betas=task.betas, fused=True) for name, parameters in groups.items()
    }
    second = task.phases[0].steps
    numbers = {"phase 1": second // 2, "discriminator": second, "generator": second + 1}

    def step(kind: str, audio: torch.Tensor) -> None:
        batch = {"audio": audio, "position_samples": torch.arange(len(audio)) * crop}
        group, loss, _ = task.training_step(batch, numbers[kind])
        if (group == "discriminator") != (kind == "discriminator"):
            raise ValueError(f"step {numbers[kind]} trains the {group}, not what {kind} trains")
        optimisers[group].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(groups[group], params.train.gradient_clip)
        optimisers[group].step()

    return step


class Side:
    """A process that takes training steps on demand."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def cost(self, kind: str) -> dict[str, float]:
        """What one step of a kind costs."""
        self.process.stdin.write(f"{kind}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name}: the process ended in a step of {kind}; its words are above")
        return json.loads(answer)

    def close(self) -> None:
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()


def measure(sides: list[Side], rounds: int) -> dict[str, list[dict[str, float]]]:
    """Medians of each measure, for each kind of step one of each side. The first step of a kind is not counted."""
    medians = {}
    for kind in KINDS:
        costs = [[side.cost(kind) for side in sides] for _ in range(rounds + 1)][1:]
        medians[kind] = [
            {key: statistics.median(cost[key] for cost in of_side) for key in MEASURES.values()}
            for of_side in zip(*costs, strict=True)
        ]
    return medians


def main() -> None:
    """Print the table, or be our side's process."""
    if sys.argv[1:2] == ["ours"]:
        given = worker_arguments().parse_args(sys.argv[2:])
        serve(lambda: our_step(given.widths, given.crop), given.batch, given.crop, given.threads)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", required=True, help="python of the environment with acids-rave")
    parser.add_argument("--widths", nargs="+", default=list(WIDTHS), choices=list(WIDTHS))
    parser.add_argument("--batch", type=int, default=2, help="crops a step")
    parser.add_argument("--crop", type=int, default=65536, help="samples a crop, a multiple of 2048")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of each side")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{describe_machine()}, {given.batch} crops of {given.crop} samples, {given.rounds} rounds", end="\n\n")
    print("| widths | step | " + " | ".join(f"{name}: ours | peer | ratio" for name in MEASURES) + " |")
    print("|---" * (2 + 3 * len(MEASURES)) + "|")
    for widths in given.widths:
        told = ["--widths", widths, "--batch", given.batch, "--crop", given.crop, "--threads", given.threads]
        sides = [
            Side("ours", [sys.executable, str(HERE), "ours", *map(str, told)]),
            Side("peer", [given.peer_python, "-W", "ignore", str(HERE.parent / "peer_rave.py"), *map(str, told)]),
        ]
        for kind, (ours, peer) in measure(sides, given.rounds).items():
            cells = [f"{ours[key]:.4g} | {peer[key]:.4g} | {ours[key] / peer[key]:.2f}" for key in MEASURES.values()]
            print(f"| {widths} | {kind} | " + " | ".join(cells) + " |", flush=True)
        for side in sides:
            side.close()


if __name__ == "__main__":
    main()
