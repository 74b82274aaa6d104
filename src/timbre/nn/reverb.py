"""A room learned with the instrument, so that the oscillators need not imitate it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.dsp.convolution import convolve, convolve_partition, partition_spectra
from timbre.dsp.noise import band_filters, hashed_noise, noise_segments

# The envelope's corners: points in time, and bands from 0 to half the sample rate.
POINTS = 16
BANDS = 65
# Per tap, before training: about -60 dB of the dry sound.
FIRST_LEVEL = 1e-3


class Reverb(nn.Module):
    """The dry sound's convolution with filtered noise that dies away: the wet part alone.

    [batch, samples] -> [batch, samples]; in a stream, blocks are multiples of `hop`. The impulse response is fixed
    noise under an envelope for each band, which is what is trained (the filtered-noise reverb that came with Engel et
    al. 2020): a thousand figures instead of every tap, so that no noise of the recordings is learnt by heart. A band's
    envelope can only fall; at first all fall by 60 dB over the response's length. The first tap is 0, so that the
    direct sound stays the synthesiser's.
    """

    delay: int = 0

    def __init__(self, taps: int, hop: int) -> None:
        super().__init__()
        self.hop = hop
        self.taps = taps
        self.points, self.bands = POINTS, BANDS
        self.partitions = (taps + hop - 1) // hop
        # Nepers. White noise in [-1, 1) has a standard deviation of 3 ** -0.5.
        self.start = nn.Parameter(torch.full([1, BANDS], math.log(FIRST_LEVEL * math.sqrt(3.0))))
        fall = math.log(1000.0) / (POINTS - 1)
        self.fall = nn.Parameter(torch.full([POINTS - 1, BANDS], math.log(math.expm1(fall))))
        self.folded = False
        self.register_buffer("spectra", torch.zeros(0, hop + 1, 2), persistent=False)

    def impulse(self) -> Tensor:
        """The wet impulse response [taps]."""
        falls = torch.cumsum(nn.functional.softplus(self.fall), dim=0)
        filters = band_filters(torch.exp(torch.cat([self.start, self.start - falls])))
        segment = (self.taps + self.points - 2) // (self.points - 1)
        before = filters.shape[1] - 1
        first = torch.zeros(1, dtype=torch.int64, device=filters.device)
        noise = hashed_noise(first, before + segment * (self.points - 1))[0].unfold(0, before + segment, segment)
        shaped = noise_segments(noise, filters).reshape(-1)[: self.taps]
        return torch.cat([torch.zeros_like(shaped[:1]), shaped[1:]])

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.impulse())

    def fold(self) -> None:
        """Compute once what `step` needs of the impulse response; training afterwards does not reach it."""
        with torch.no_grad():
            self.spectra = partition_spectra(self.impulse(), self.hop)
        self.folded = True

    def initial_state(self, batch: int) -> list[Tensor]:
        device = self.start.device
        line = torch.zeros(batch, self.partitions, self.hop + 1, 2, device=device)
        return [torch.zeros(batch, self.hop, device=device), line]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        spectra = self.spectra if self.folded else partition_spectra(self.impulse(), self.hop)
        last, line = state[0], state[1]
        wet: list[Tensor] = []
        for block in torch.split(x, self.hop, dim=1):
            y, line = convolve_partition(block, last, line, spectra)
            last = block
            wet.append(y)
        return torch.cat(wet, dim=1), [last, line]
