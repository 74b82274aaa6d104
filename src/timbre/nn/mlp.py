"""Fully connected layers over frames: without memory, hence the same in a stream."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Mlp(nn.Module):
    """Linear, layer norm, leaky ReLU, some times (Engel et al. 2020, appendix B.2). [..., inputs] -> [..., hidden]."""

    delay: int = 0

    def __init__(self, inputs: int, hidden: int, layers: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for index in range(layers):
            blocks += [nn.Linear(inputs if index == 0 else hidden, hidden), nn.LayerNorm(hidden), nn.LeakyReLU(0.2)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)

    def initial_state(self, batch: int) -> list[Tensor]:
        return torch.jit.annotate(list[Tensor], [])

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        return self.blocks(x), state
