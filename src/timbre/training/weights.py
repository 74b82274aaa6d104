"""Averaged weights, and looking at a network that carries them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@torch.no_grad()
def average(averaged: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    """Move the averaged parameters towards the network's; its buffers are taken over as they are.

    A codebook or a latent basis belongs to what it was computed from: the mean of two is neither.
    """
    moving = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    for name, value in network.state_dict().items():
        if name not in averaged:
            averaged[name] = value.clone()
        elif name in moving:
            averaged[name].lerp_(value, 1.0 - decay)
        else:
            averaged[name].copy_(value)


@contextmanager
def worn(task: nn.Module, weights: dict[str, Tensor], device: torch.device) -> Iterator[None]:
    """While entered, the task's network carries `weights` in evaluation mode, and chance is a fixed one.

    Afterwards weights, mode and chance are as before, so that looking at a network does not disturb its training.
    Compiled parts run as they are written, since crops are of other sizes here.
    """
    trained = copied(task.network)
    with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        task.network.load_state_dict(weights)
        task.eval()
        try:
            with torch.compiler.set_stance("force_eager"):
                yield
        finally:
            task.network.load_state_dict(trained)
            task.train()


def copied(network: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's weights and buffers."""
    return {name: value.clone() for name, value in network.state_dict().items()}
