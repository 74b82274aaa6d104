"""A gated recurrent unit over frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Gru(nn.Module):
    """One GRU layer. [batch, frames, inputs] -> [batch, frames, hidden]; the state is the hidden vector."""

    delay: int = 0

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.gru = nn.GRU(inputs, hidden, batch_first=True)
        self.register_buffer("place", torch.empty(0), persistent=False)  # only tells where the state must live

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x)[0]

    def initial_state(self, batch: int) -> list[Tensor]:
        return [torch.zeros(batch, self.hidden, device=self.place.device)]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        y, hidden = self.gru(x, state[0].unsqueeze(0))
        return y, [hidden.squeeze(0)]
