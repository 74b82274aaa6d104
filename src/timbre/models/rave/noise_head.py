"""The noise of the decoder: white noise in each band, filtered frame by frame as the features say."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.dsp.noise import band_filters, hashed_noise, noise_segments
from timbre.nn.activation import LeakyRelu
from timbre.nn.chain import Chain
from timbre.nn.conv import Conv

HIDDEN = 64
# Numbers from 0 to half the band's sample rate that a filter is given by.
FILTER_BANDS = 5
TAPS = 2 * (FILTER_BANDS - 1)
# With it and without a signal the noise lies under -90 dBFS.
INITIAL_LOGIT = -5.0
MOST_STRIDES = 3


class NoiseHead(nn.Module):
    """Filtered noise [batch, bands, samples] for features [batch, channels, samples], in frames of `frame` samples.

    The noise is a hash of the sample's index, so that a stream and the whole agree. `forward` and `step` take the index
    of the first sample; before sample 0 there is none.
    """

    def __init__(self, channels: int, bands: int, strides: int, causal: bool, late: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = channels
        for index in range(strides):
            last = index == strides - 1
            outputs = bands * FILTER_BANDS if last else HIDDEN
            layers.append(Conv(width, outputs, 4, 2, causal=causal, late=late))
            late, width = layers[-1].delay, outputs
            if not last:
                layers.append(LeakyRelu(late))
        self.chain = Chain(layers)
        self.bands = bands
        self.frame = 2**strides
        self.delay = self.frame * self.chain.delay
        self.states = 1 + self.chain.states
        self.filter_bands, self.taps, self.initial_logit = FILTER_BANDS, TAPS, INITIAL_LOGIT
        # The filter of each magnitude by itself: filters are their sums.
        filters = band_filters(torch.eye(FILTER_BANDS, dtype=torch.float64)).to(torch.float32)
        self.register_buffer("filters", filters, persistent=False)

    @torch.jit.ignore
    def forward(self, x: Tensor, first_sample: Tensor) -> Tensor:
        logits = self.chain(x).transpose(1, 2)
        return self._filtered(logits, torch.zeros_like(logits[:, :1]), first_sample).transpose(1, 2)

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on: their frames, and the one before."""
        return self.chain.inputs_for(-(-outputs // self.frame) + 1)

    def initial_state(self, batch: int) -> list[Tensor]:
        chain = self.chain.initial_state(batch)
        return [torch.zeros(batch, 1, self.bands * self.filter_bands, device=chain[0].device)] + chain

    def step(self, x: Tensor, state: list[Tensor], first_sample: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Rows [batch, samples, channels] -> [batch, samples, bands]; first_sample [batch] int64 of what is played."""
        logits, after = self.chain.step(x, state[1:])
        return self._filtered(logits, state[0], first_sample), [logits[:, -1:]] + after

    def _filtered(self, logits: Tensor, last_logits: Tensor, first_sample: Tensor) -> Tensor:
        """[batch, frames, bands * FILTER_BANDS], and those of the frame before -> [batch, samples, bands]."""
        batch, frames, _ = logits.shape
        samples = frames * self.frame
        # 2 sigmoid(x)^ln(10), the scaled sigmoid of Engel et al. 2020, B.5.
        logits = torch.cat([last_logits, logits], dim=1) + self.initial_logit
        magnitudes = 2.0 * torch.sigmoid(logits) ** 2.3026
        filters = torch.matmul(magnitudes.view(batch, frames + 1, self.bands, self.filter_bands), self.filters)
        # Each band has its own noise: the index counts samples of all bands.
        before = self.taps - 1
        noise = hashed_noise((first_sample - before) * self.bands, (before + samples) * self.bands)
        noise = noise.view(batch, -1, self.bands).transpose(1, 2).unfold(2, before + self.frame, self.frame)
        y = noise_segments(noise, filters.transpose(1, 2))
        y = y.reshape(batch, self.bands, samples).transpose(1, 2)
        index = first_sample[:, None] + torch.arange(samples, device=y.device)
        return y * (index >= 0).unsqueeze(2)
