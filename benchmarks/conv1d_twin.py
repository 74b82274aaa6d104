"""A causal RAVE network whose streams are plain one-dimensional convolutions: what one writes first.

Channels come before samples, each convolution is torch's own, over its input with what it keeps of the past in front.
All else, the filter bank with it, is the network's own.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from timbre.nn.activation import LeakyRelu, Snake
from timbre.nn.chain import Chain, Residual
from timbre.nn.conv import Conv, TransposedConv
from timbre.nn.halves import Halves


class PlainConv(nn.Module):
    """A causal convolution of some groups, with the weights of one for each."""

    def __init__(self, convs: list[Conv]) -> None:
        super().__init__()
        conv = convs[0]
        if conv.context != conv.span - conv.stride:
            raise ValueError("only causal convolutions that do not wait have a plain twin")
        self.register_buffer("weight", torch.cat([each.weighted.weight().detach() for each in convs]))
        self.stride, self.dilation, self.context = conv.stride, conv.dilation, conv.context
        self.groups, self.channels = len(convs), sum(each.inputs for each in convs)
        self.delay = 0
        self.states = 1 if self.context > 0 else 0

    def initial_state(self, batch: int) -> list[Tensor]:
        state = torch.jit.annotate(list[Tensor], [])
        if self.context > 0:
            state.append(torch.zeros(batch, self.channels, self.context))
        return state

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        after = state
        if self.context > 0:
            x = torch.cat([state[0], x], dim=2)
            after = [x[:, :, -self.context :]]
        return functional.conv1d(x, self.weight, None, self.stride, 0, self.dilation, self.groups), after


class PlainTransposedConv(nn.Module):
    """Upsampling by torch's transposed convolution over one sample more; only what is whole is played."""

    def __init__(self, conv: TransposedConv) -> None:
        super().__init__()
        self.stride, self.channels = conv.stride, conv.inputs
        # Rows of the weight are [tap within the stride, output]; of its two columns the newer sample is the second.
        weight = conv.weighted.weight().detach().view(conv.stride, conv.outputs, conv.inputs, 2)
        self.register_buffer("weight", torch.cat([weight[..., 1], weight[..., 0]]).permute(2, 1, 0).contiguous())
        self.delay = 0
        self.states = 1

    def initial_state(self, batch: int) -> list[Tensor]:
        return [torch.zeros(batch, self.channels, 1)]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        heard = torch.cat([state[0], x], dim=2)
        y = functional.conv_transpose1d(heard, self.weight, stride=self.stride)
        return y[:, :, self.stride : -self.stride], [heard[:, :, -1:]]


class PlainSnake(nn.Module):
    """Snake with the channels before the samples."""

    def __init__(self, snake: Snake) -> None:
        super().__init__()
        self.register_buffer("frequency", snake.frequency.detach()[:, None])
        self.delay = 0
        self.states = 0

    def initial_state(self, batch: int) -> list[Tensor]:
        return torch.jit.annotate(list[Tensor], [])

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        return x + torch.sin(self.frequency * x).square() / (self.frequency + 1e-9), state


class Turned(nn.Module):
    """A plain layer among those that hear rows."""

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self.plain = plain
        self.delay, self.states = plain.delay, plain.states

    def initial_state(self, batch: int) -> list[Tensor]:
        return self.plain.initial_state(batch)

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        y, after = self.plain.step(x.transpose(1, 2), state)
        return y.transpose(1, 2), after


def plain(layer: nn.Module) -> nn.Module:
    """The plain form of a layer."""
    if isinstance(layer, Chain):
        return Chain([plain(each) for each in layer.layers])
    if isinstance(layer, Residual):
        return Residual(layer.channels, plain(layer.chain))
    if isinstance(layer, Halves):
        return PlainConv([layer.first, layer.second])
    if isinstance(layer, Conv):
        return PlainConv([layer])
    if isinstance(layer, TransposedConv):
        return PlainTransposedConv(layer)
    return PlainSnake(layer) if isinstance(layer, Snake) else LeakyRelu()


def twin_of(network: nn.Module) -> nn.Module:
    """The plain form of a network of causal convolutions that has not been folded."""
    twin = copy.deepcopy(network)
    twin.encoder = Turned(plain(twin.encoder))
    decoder = twin.decoder
    decoder.body, decoder.waveform = Turned(plain(decoder.body)), Turned(plain(decoder.waveform))
    decoder.amplitude = Turned(plain(decoder.amplitude))
    if decoder.noise is not None:
        decoder.noise.chain = Turned(plain(decoder.noise.chain))
    return twin
