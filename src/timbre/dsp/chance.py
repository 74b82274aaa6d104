"""Random numbers that belong to an item of a batch, not to its place in one."""

from __future__ import annotations

import torch
from torch import Tensor


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Numbers of the host on a device; to a GPU out of pinned memory, so that nobody waits for what it is doing."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


class Chance:
    """A source of random numbers for each item: the same ones wherever, and with whatever others, it is trained.

    seeds: one of each item. Drawn on the host, so that any device gets the same; `sent` brings them there.
    """

    def __init__(self, seeds: list[int]) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def uniform(self, *shape: int) -> Tensor:
        """Numbers from 0 to 1, [items, *shape]."""
        return torch.stack([torch.rand(shape, generator=generator) for generator in self.generators])

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, [items, *shape]."""
        return torch.stack([torch.randn(shape, generator=generator) for generator in self.generators])
