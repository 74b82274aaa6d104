"""Where a run is, and taking it up from its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from timbre.training.checkpoint import load_checkpoint, save_checkpoint
from timbre.training.team import Team


@dataclass
class Outcome:
    """Where a run is: what it returns at its end, and with the optimisers what a checkpoint holds.

    seconds: that it took to its last checkpoint. micro_batch: crops that go through the network at once, in all
    processes together, 0 as long as nobody has tried. kept: the weights that would be kept if the run ended with its
    last validation, from kept_step. final: what the last validation found as a whole. remarks: what the curves show;
    told: which of them the user has read. original: what is listened to, and heard: what became of it at a step,
    [channels, samples] int16.
    """

    step: int = 0
    seconds: float = 0.0
    micro_batch: int = 0
    averaged: dict[str, Tensor] = field(default_factory=dict)
    kept: dict[str, Tensor] = field(default_factory=dict)
    kept_step: int = 0
    kept_loss: float = float("inf")
    training_rows: list[dict[str, float]] = field(default_factory=list)
    validation_rows: list[dict[str, float]] = field(default_factory=list)
    unlogged: dict[str, list[Tensor]] = field(default_factory=dict)
    final: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    original: Tensor | None = None
    heard: dict[int, Tensor] = field(default_factory=dict)

    def forget_kept(self) -> None:
        """A new phase begins: the losses of another say nothing about it."""
        self.kept, self.kept_step, self.kept_loss = {}, 0, float("inf")


def save_outcome(folder: Path, task: nn.Module, optimisers: dict, outcome: Outcome, device: torch.device) -> None:
    """Write the checkpoint of a run."""
    save_checkpoint(
        folder,
        outcome.step,
        {
            "task": task.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in optimisers.items()},
            "outcome": vars(outcome),
            "random": torch.get_rng_state(),
            "random_device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        },
    )


def resume(folder: Path, team: Team, task: nn.Module, optimisers: dict) -> Outcome:
    """Set task, optimisers and chance to where the checkpoint in `folder` left them; a new outcome if there is none.

    The leader alone looks for it, and tells the others of its team.
    """
    device = team.device
    content = team.told(load_checkpoint(folder) if team.leads else None)
    if content is None:
        team.follow(task)
        return Outcome()
    task.load_state_dict(content["task"])
    for name, optimiser in optimisers.items():
        optimiser.load_state_dict(content["optimisers"][name])
    torch.set_rng_state(content["random"])
    if content["random_device"] is not None:
        torch.cuda.set_rng_state(content["random_device"], device)
    outcome = Outcome(**content["outcome"])
    for weights in (outcome.averaged, outcome.kept):
        weights.update({name: value.to(device) for name, value in weights.items()})
    outcome.unlogged = {name: [value.to(device) for value in values] for name, values in outcome.unlogged.items()}
    print(f"train: going on from step {outcome.step} of a run that was stopped", flush=True)
    return outcome
