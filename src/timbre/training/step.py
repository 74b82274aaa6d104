"""One step: gradients of a batch, all at once or gathered part by part, and the optimiser's move."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.dsp.pooled import pooled
from timbre.training.team import Team


def gather_gradients(
    task: nn.Module,
    groups: dict[str, list[nn.Parameter]],
    batch: dict[str, Tensor],
    step: int,
    micro_batch: int,
) -> tuple[str, dict[str, Tensor]]:
    """Gradients of a batch in the parameters of the group whose turn it is, `micro_batch` crops at a time.

    Returns: the group, and the figures of the step, still on the device. Parts change the memory that a step takes and
    not its size: each loss counts by its share of the crops.
    """
    crops = len(batch["audio"])
    if micro_batch >= crops:
        group, loss, figures = task.training_step(batch, step)
        forget_gradients(groups[group])
        loss.backward()
        return group, figures
    gathered: dict[str, Tensor] = {}
    for first in range(0, crops, micro_batch):
        part = {name: value[first : first + micro_batch] for name, value in batch.items()}
        share = len(part["audio"]) / crops
        group, loss, figures = task.training_step(part, step)
        if first == 0:
            forget_gradients(groups[group])
        (loss * share).backward()
        for name, value in figures.items():
            gathered[name] = gathered[name] + value * share if name in gathered else value * share
    return group, gathered


def take_step(
    team: Team,
    task: nn.Module,
    optimisers: dict,
    groups: dict[str, list[nn.Parameter]],
    batch: dict[str, Tensor],
    step: int,
    rates: dict[str, float],
    gradient_clip: float,
    micro_batch: int,
) -> dict[str, Tensor]:
    """One step of whichever group's turn it is; returns its figures, still on the device.

    batch: this process's share of the step's crops.
    """
    with pooled():
        group, figures = gather_gradients(task, groups, batch, step, micro_batch)
    team.mean_gradients(groups[group])
    torch.nn.utils.clip_grad_norm_(groups[group], gradient_clip)
    optimiser = optimisers[group]
    for entry in optimiser.param_groups:
        entry["lr"] = rates[group]
    optimiser.step()
    return figures


def forget_gradients(parameters: list[nn.Parameter]) -> None:
    """Free the gradients of parameters."""
    for parameter in parameters:
        parameter.grad = None
