"""The loop: steps, validation, averaged and best weights, curves, checkpoints."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from timbre.cache.crops import Crops
from timbre.errors import UserError
from timbre.progress import progress
from timbre.training.checkpoint import load_checkpoint, save_checkpoint
from timbre.training.schedule import averaging_decay, learning_rate
from timbre.training.stopping import StopRequest

CHECKPOINT_SECONDS = 30.0
VALIDATION_CROPS = 40


@dataclass(frozen=True)
class Settings:
    """The numbers of a run; see params.yaml for their meaning."""

    seed: int
    steps: int
    batch: int
    learning_rate: float
    ema_decay: float
    gradient_clip: float
    validate_every_steps: int
    log_every_steps: int


@dataclass
class Outcome:
    """Where a run is: what it returns at its end, and with the optimisers what a checkpoint holds."""

    step: int = 0
    averaged: dict[str, Tensor] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_step: int = 0
    best_loss: float = float("inf")
    training_rows: list[dict[str, float]] = field(default_factory=list)
    validation_rows: list[dict[str, float]] = field(default_factory=list)
    unlogged: dict[str, list[Tensor]] = field(default_factory=dict)


def run_loop(
    fabric: Fabric,
    task: nn.Module,
    training: Crops,
    validation: Crops,
    settings: Settings,
    folder: Path,
    on_rows: Callable[[Outcome], None],
) -> Outcome:
    """Train to the last step, from the checkpoint in `folder` if there is one.

    on_rows is called whenever there is a new validation row. A resumed run ends with the bits of one never stopped:
    crops, noise, learning rate and averaging are functions of seed and step, and everything else is in the checkpoint.

    Raises: KeyboardInterrupt, after saving, where the run is stopped; UserError where the loss is no number any more.
    """
    optimisers = {
        name: torch.optim.Adam(parameters, lr=settings.learning_rate)
        for name, parameters in task.parameter_groups().items()
    }
    module, *wrapped = fabric.setup(task, *optimisers.values())
    optimisers = dict(zip(optimisers, wrapped, strict=True))
    module.mark_forward_method("training_step")
    module.mark_forward_method("validation_step")
    outcome = _resume(folder, task, optimisers, fabric.device)
    interval_seconds = float(os.environ.get("TIMBRE_CHECKPOINT_SECONDS", CHECKPOINT_SECONDS))
    saved_at = time.monotonic()
    waited = worked = 0.0
    bar = progress(description="train", unit="step", total=settings.steps, initial=outcome.step, smoothing=0.05)
    with bar, StopRequest() as stop:
        while outcome.step < settings.steps:
            begun = time.perf_counter()
            batch = training.random(settings.batch, settings.seed, outcome.step)
            waited += time.perf_counter() - begun
            rate = learning_rate(outcome.step, settings.steps, settings.learning_rate)
            figures = _step(fabric, module, optimisers, batch, outcome.step, rate, settings.gradient_clip)
            outcome.step += 1
            _average(outcome.averaged, task.network, averaging_decay(outcome.step, settings.ema_decay))
            for name, value in figures.items():
                outcome.unlogged.setdefault(name, []).append(value)
            worked += time.perf_counter() - begun
            bar.update()
            if outcome.step % settings.log_every_steps == 0 or outcome.step == settings.steps:
                means = {name: float(torch.stack(values).mean()) for name, values in outcome.unlogged.items()}
                outcome.unlogged = {}
                outcome.training_rows.append({"step": outcome.step, "learning_rate": rate, **means})
                _require_number(means["loss"], outcome.step)
                bar.set_postfix_str(f"{_told(outcome)}, waiting for data {waited / worked:.0%}")
            if outcome.step % settings.validate_every_steps == 0 or outcome.step == settings.steps:
                figures = _validate(module, task.network, validation, outcome.averaged, settings.batch)
                _require_number(figures["loss"], outcome.step)
                outcome.validation_rows.append({"step": outcome.step, **figures})
                if figures["loss"] < outcome.best_loss:
                    outcome.best_loss, outcome.best_step = figures["loss"], outcome.step
                    outcome.best = copy.deepcopy(outcome.averaged)
                on_rows(outcome)
            if stop.requested or time.monotonic() - saved_at >= interval_seconds:
                _save(folder, task, optimisers, outcome)
                saved_at = time.monotonic()
            if stop.requested and outcome.step < settings.steps:
                raise KeyboardInterrupt(
                    f"Step {outcome.step} of {settings.steps} is kept; the same command goes on from there."
                )
    return outcome


def _told(outcome: Outcome) -> str:
    """The latest losses, for the bar."""
    told = f"loss {outcome.training_rows[-1]['loss']:.3f}"
    return f"{told}, validation {outcome.validation_rows[-1]['loss']:.3f}" if outcome.validation_rows else told


def _require_number(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"the loss is no number any more at step {step}: training has diverged. "
            "Lower the learning_rate of the preset in params.yaml."
        )


def _step(
    fabric: Fabric,
    module: nn.Module,
    optimisers: dict,
    batch: dict[str, Tensor],
    step: int,
    rate: float,
    gradient_clip: float,
) -> dict[str, Tensor]:
    """One step of whichever optimiser's turn it is; returns its figures, still on the device."""
    group, loss, figures = module.training_step(batch, step)
    optimiser = optimisers[group]
    optimiser.zero_grad(set_to_none=True)
    fabric.backward(loss)
    parameters = [parameter for entry in optimiser.param_groups for parameter in entry["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, gradient_clip)
    for entry in optimiser.param_groups:
        entry["lr"] = rate
    optimiser.step()
    return figures


@torch.no_grad()
def _average(averaged: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    for name, value in network.state_dict().items():
        if name not in averaged or not value.is_floating_point():
            averaged[name] = value.clone()
        else:
            averaged[name].lerp_(value, 1.0 - decay)


@torch.no_grad()
def _validate(
    module: nn.Module, network: nn.Module, crops: Crops, averaged: dict[str, Tensor], batch: int
) -> dict[str, float]:
    """Mean figures over the validation crops, with the averaged weights."""
    trained = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(averaged)
    numbers = crops.spread(VALIDATION_CROPS)
    sums: dict[str, float] = {}
    for first in range(0, len(numbers), batch):
        part = numbers[first : first + batch]
        for name, value in module.validation_step(crops.batch(part)).items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(part)
    network.load_state_dict(trained)
    return {name: value / len(numbers) for name, value in sums.items()}


def _save(folder: Path, task: nn.Module, optimisers: dict, outcome: Outcome) -> None:
    save_checkpoint(
        folder,
        {
            "task": task.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in optimisers.items()},
            "outcome": vars(outcome),
            "random": torch.get_rng_state(),
        },
    )


def _resume(folder: Path, task: nn.Module, optimisers: dict, device: torch.device) -> Outcome:
    content = load_checkpoint(folder)
    if content is None:
        return Outcome()
    task.load_state_dict(content["task"])
    for name, optimiser in optimisers.items():
        optimiser.load_state_dict(content["optimisers"][name])
    torch.set_rng_state(content["random"])
    outcome = Outcome(**content["outcome"])
    for weights in (outcome.averaged, outcome.best):
        weights.update({name: value.to(device) for name, value in weights.items()})
    outcome.unlogged = {name: [value.to(device) for value in values] for name, values in outcome.unlogged.items()}
    print(f"train: going on from step {outcome.step} of a run that was stopped", flush=True)
    return outcome
