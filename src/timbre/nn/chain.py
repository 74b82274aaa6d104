"""Layers one after the other, and around each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Chain(nn.Module):
    """Convolutional layers in a row; each was made for a stream as late as the one before leaves it."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.delay: int = layers[-1].delay
        self.states: int = sum(layer.states for layer in layers)

    @torch.jit.ignore
    def forward(self, x: Tensor, outputs: int = 0) -> Tensor:
        """outputs: how many of the last samples are wanted; layers without a stride then work out no others."""
        if outputs == 0:
            for layer in self.layers:
                x = layer(x)
            return x
        wanted = [outputs]
        for layer in reversed(self.layers):
            wanted.append(layer.inputs_for(wanted[-1]))
        for layer in self.layers:
            x = layer(x[:, :, -wanted.pop() :])
        return x[:, :, -outputs:]

    def initial_state(self, batch: int) -> list[Tensor]:
        state = torch.jit.annotate(list[Tensor], [])
        for layer in self.layers:
            state += layer.initial_state(batch)
        return state

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        after = torch.jit.annotate(list[Tensor], [])
        at = 0
        for layer in self.layers:
            x, own = layer.step(x, state[at : at + layer.states])
            at += layer.states
            after += own
        return x, after

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on."""
        for layer in reversed(self.layers):
            outputs = layer.inputs_for(outputs)
        return outputs


class Residual(nn.Module):
    """x plus what a chain of the same width and length makes of it; in a stream x waits for the chain."""

    def __init__(self, channels: int, chain: Chain, late: int = 0) -> None:
        super().__init__()
        self.channels = channels
        self.chain = chain
        self.delay = chain.delay
        self.wait = chain.delay - late
        self.states = chain.states + (1 if self.wait > 0 else 0)

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        return x + self.chain(x)

    def initial_state(self, batch: int) -> list[Tensor]:
        state = self.chain.initial_state(batch)
        if self.wait == 0:
            return state
        return [torch.zeros(batch, self.wait, self.channels, device=state[0].device)] + state

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        if self.wait == 0:
            y, after = self.chain.step(x, state)
            return x + y, after
        y, after = self.chain.step(x, state[1:])
        waiting = torch.cat([state[0], x], dim=1)
        samples = x.shape[1]
        return waiting[:, :samples] + y, [waiting[:, samples:]] + after

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on."""
        return self.chain.inputs_for(outputs)
