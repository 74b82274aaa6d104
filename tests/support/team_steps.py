"""A step of a process among two, for each of some jobs: `python -m support.team_steps JOBS.json`, by torchrun's words.

Prints, as the leader, the losses and gradients of each step, so that they can be compared with those of one process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from timbre import models
from timbre.params import parse
from timbre.training.device import launch_fabric
from timbre.training.step import take_step
from timbre.training.team import Team


def steps(job: dict, team: Team) -> dict:
    """Some steps of a job: a model's raw params, its manifest, the batch's seed, the numbers of the steps."""
    params = parse(job["params"])
    preset = params.preset.model_dump()
    config = models.describe(params.model, preset, job["manifest"], params.seed, params.synth)
    task = models.task_of(models.build(config), preset, config).train()
    groups = {name: list(parameters) for name, parameters in task.parameter_groups().items()}
    optimisers = {name: torch.optim.SGD(parameters) for name, parameters in groups.items()}
    draw = torch.Generator().manual_seed(job["seed"])
    crops, frames, hop = preset["batch"], task.crop_frames, config["features"]["hop_samples"]
    # Crops of very different levels: means over a part are not those over all.
    levels = torch.logspace(-2, 0, crops).view(crops, 1, 1)
    heard = frames + task.lead_frames
    batch = {
        "audio": levels * (torch.rand(crops, config["channels"], frames * hop, generator=draw) - 0.5),
        "position_samples": torch.arange(crops) * 10_000,
        "chance": torch.arange(crops),
        "f0_hz": 200.0 + 100.0 * torch.rand(crops, heard, generator=draw),
        "voiced": (torch.rand(crops, heard, generator=draw) > 0.3).float(),
        "loudness_db": -50.0 + 40.0 * torch.rand(crops, heard, generator=draw),
        "clarity": torch.rand(crops, heard, generator=draw) * torch.linspace(0.2, 1.0, crops).view(-1, 1),
    }
    share = {name: value[team.share(crops)] for name, value in batch.items()}
    told = {}
    for step in job["steps"]:
        rates = dict.fromkeys(groups, 1e-3)
        figures = team.mean(take_step(team, task, optimisers, groups, share, step, rates, 3.0, crops))
        told[str(step)] = {name: float(value) for name, value in figures.items()}
    weights = {name: value.double().flatten().tolist() for name, value in task.network.state_dict().items()}
    return {"figures": told, "weights": weights}


if __name__ == "__main__":
    team = Team(launch_fabric())
    done = [steps(job, team) for job in json.loads(Path(sys.argv[1]).read_text())]
    if team.leads:
        Path(sys.argv[2]).write_text(json.dumps(done))
    team.close()
