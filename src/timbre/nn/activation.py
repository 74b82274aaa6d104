"""Activations for both layouts: zero in, zero out, so that silence passes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LeakyRelu(nn.Module):
    """Leaky ReLU of slope 0.2."""

    def __init__(self, late: int = 0) -> None:
        super().__init__()
        self.delay = late
        self.states = 0

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(x, 0.2)

    def initial_state(self, batch: int) -> list[Tensor]:
        return torch.jit.annotate(list[Tensor], [])

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        return functional.leaky_relu(x, 0.2), state

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        return outputs


class Snake(nn.Module):
    """x + sin^2(a x) / a with a frequency a per channel (Ziyin et al. 2020, arXiv 2006.08195), for periodic sound."""

    def __init__(self, channels: int, late: int = 0) -> None:
        super().__init__()
        self.delay = late
        self.states = 0
        self.frequency = nn.Parameter(torch.ones(channels))

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        frequency = self.frequency[:, None]
        return x + torch.sin(frequency * x).square() / (frequency + 1e-9)

    def initial_state(self, batch: int) -> list[Tensor]:
        return torch.jit.annotate(list[Tensor], [])

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        return x + torch.sin(self.frequency * x).square() / (self.frequency + 1e-9), state

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        return outputs
