"""Two convolutions side by side, each over half of the channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.nn.conv import Conv


class Halves(nn.Module):
    """A convolution in two groups: the first half of the outputs does not hear the second half of the inputs."""

    def __init__(self, inputs: int, outputs: int, kernel: int, causal: bool = True, late: int = 0) -> None:
        super().__init__()
        self.half = inputs // 2
        self.first = Conv(self.half, outputs // 2, kernel, causal=causal, late=late)
        self.second = Conv(inputs - self.half, outputs - outputs // 2, kernel, causal=causal, late=late)
        self.delay = self.first.delay
        self.states = 2

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.first(x[:, : self.half]), self.second(x[:, self.half :])], dim=1)

    def initial_state(self, batch: int) -> list[Tensor]:
        return self.first.initial_state(batch) + self.second.initial_state(batch)

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        first, first_state = self.first.step(x[:, :, : self.half], state[:1])
        second, second_state = self.second.step(x[:, :, self.half :], state[1:])
        return torch.cat([first, second], dim=2), first_state + second_state

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on."""
        return self.first.inputs_for(outputs)
