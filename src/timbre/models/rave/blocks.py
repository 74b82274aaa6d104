"""Encoder and decoder of both generations (Caillon & Esling 2021, arXiv 2111.05011, figure 2; its second version)."""

from __future__ import annotations

from torch import nn

from timbre.nn.activation import LeakyRelu, Snake
from timbre.nn.chain import Chain, Residual
from timbre.nn.conv import Conv, TransposedConv
from timbre.nn.halves import Halves

Dilations = list[list[int]]

# Of what a residual unit adds at first, so that many of them do not add up to noise.
RESIDUAL_GAIN = 0.3


class _Row:
    """Layers being put one after the other, each as late as the one before leaves the stream."""

    def __init__(self, activation: str, causal: bool, late: int) -> None:
        self.activation, self.causal, self.late = activation, causal, late
        self.layers: list[nn.Module] = []

    def put(self, layer: nn.Module) -> None:
        self.layers.append(layer)
        self.late = layer.delay

    def act(self, channels: int) -> None:
        self.put(Snake(channels, self.late) if self.activation == "snake" else LeakyRelu(self.late))

    def conv(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, gain: float = 1.0
    ) -> None:
        self.put(Conv(inputs, outputs, kernel, stride, dilation, self.causal, self.late, gain=gain))

    def upsample(self, inputs: int, outputs: int, stride: int) -> None:
        self.put(TransposedConv(inputs, outputs, stride, self.causal, self.late))

    def residual(self, channels: int, dilation: int, second_kernel: int) -> None:
        """x + conv(act(conv_dilated(act(x))))."""
        inner = _Row(self.activation, self.causal, self.late)
        inner.act(channels)
        inner.conv(channels, channels, 3, dilation=dilation)
        inner.act(channels)
        inner.conv(channels, channels, second_kernel, gain=RESIDUAL_GAIN)
        self.put(Residual(channels, Chain(inner.layers), self.late))


def encoder_v1(bands: int, capacity: int, ratios: list[int], raw_size: int, activation: str, causal: bool) -> Chain:
    """Strided convolutions that double the channels; the two halves of the last hear half of them each."""
    row = _Row(activation, causal, 0)
    row.conv(bands, capacity, 7)
    channels = capacity
    for ratio in ratios:
        row.act(channels)
        row.conv(channels, 2 * channels, 2 * ratio + 1, stride=ratio)
        channels *= 2
    row.act(channels)
    row.put(Halves(channels, raw_size, 5, causal, row.late))
    return Chain(row.layers)


def encoder_v2(
    bands: int, capacity: int, ratios: list[int], dilations: Dilations, raw_size: int, activation: str, causal: bool
) -> Chain:
    """Residual units before each strided convolution."""
    row = _Row(activation, causal, 0)
    row.conv(bands, capacity, 7)
    channels = capacity
    for ratio, unit_dilations in zip(ratios, dilations, strict=True):
        for dilation in unit_dilations:
            row.residual(channels, dilation, second_kernel=1)
        row.act(channels)
        row.conv(channels, 2 * channels, 2 * ratio, stride=ratio)
        channels *= 2
    row.act(channels)
    row.conv(channels, raw_size, 3)
    return Chain(row.layers)


def decoder(
    blocks: str,
    latent_size: int,
    capacity: int,
    ratios: list[int],
    dilations: Dilations,
    activation: str,
    causal: bool,
    late: int,
) -> Chain:
    """Upsampling, each time followed by residual units.

    v1 goes through the encoder's ratios in their own order, and both convolutions of its units are wide; v2 is its
    encoder mirrored.
    """
    first_kernel, second_kernel = (7, 3) if blocks == "v1" else (3, 1)
    stages = list(zip(ratios, dilations, strict=True))
    row = _Row(activation, causal, late)
    channels = capacity * 2 ** len(ratios)
    row.conv(latent_size, channels, first_kernel)
    for ratio, unit_dilations in stages if blocks == "v1" else reversed(stages):
        row.act(channels)
        row.upsample(channels, channels // 2, ratio)
        channels //= 2
        for dilation in unit_dilations:
            row.residual(channels, dilation, second_kernel)
    row.act(channels)
    return Chain(row.layers)
