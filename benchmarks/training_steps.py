"""Part of training.py: what a training step of RAVE costs here and in acids-rave."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
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
MEASURES = {"CPU s a step": "cpu_seconds", "wall s a step": "wall_seconds", "peak MB": "memory_mb"}


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
        batch = {
            "audio": audio,
            "position_samples": torch.arange(len(audio)) * crop,
            "chance": torch.arange(len(audio)),
        }
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


def rows(peer_python: str, widths: str, batch: int, crop: int, rounds: int, threads: int) -> list[tuple]:
    """What a step of each kind costs: measure, ours, the peer's. They take turns, each in a process of its own."""
    told = ["--widths", widths, "--batch", batch, "--crop", crop, "--threads", threads]
    sides = [
        Side("ours", [sys.executable, str(HERE), *map(str, told)]),
        Side("peer", [peer_python, "-W", "ignore", str(HERE.parent / "peer_rave.py"), "steps", *map(str, told)]),
    ]
    found = []
    for kind, (ours, peer) in measure(sides, rounds).items():
        found += [(f"{widths}, {kind}: {name}", ours[key], peer[key]) for name, key in MEASURES.items()]
    for side in sides:
        side.close()
    return found


if __name__ == "__main__":
    given = worker_arguments().parse_args()
    from timbre.training.memory import freed_memory_kept

    with freed_memory_kept():
        serve(lambda: our_step(given.widths, given.crop), given.batch, given.crop, given.threads)
