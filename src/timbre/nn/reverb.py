"""A room learned with the instrument, so that the oscillators need not imitate it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.dsp.convolution import convolve, convolve_partition, partition_spectra


class Reverb(nn.Module):
    """The wet part of a sound: its convolution with a trainable impulse response (Engel et al. 2020, 3.5).

    [batch, samples] -> [batch, samples]; in a stream, blocks are multiples of `hop`. The response decays by 60 dB over
    its length at first and its first tap is fixed at 0, so that the dry sound stays the synthesiser's.
    """

    delay: int = 0

    def __init__(self, taps: int, hop: int) -> None:
        super().__init__()
        self.hop = hop
        self.partitions = (taps + hop - 1) // hop
        envelope = torch.exp(-math.log(1000.0) * torch.arange(taps) / taps)
        self.taps = nn.Parameter(1e-3 * torch.randn(taps) * envelope)

    def impulse(self) -> Tensor:
        """The wet impulse response [taps]."""
        return torch.cat([torch.zeros_like(self.taps[:1]), self.taps[1:]])

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.impulse())

    def initial_state(self, batch: int) -> list[Tensor]:
        device = self.taps.device
        line = torch.zeros(batch, self.partitions, self.hop + 1, dtype=torch.complex64, device=device)
        return [torch.zeros(batch, self.hop, device=device), line]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        spectra = partition_spectra(self.impulse(), self.hop)
        last, line = state[0], state[1]
        wet: list[Tensor] = []
        for block in torch.split(x, self.hop, dim=1):
            y, line = convolve_partition(block, last, line, spectra)
            last = block
            wet.append(y)
        return torch.cat(wet, dim=1), [last, line]
