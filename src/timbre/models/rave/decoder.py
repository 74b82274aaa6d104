"""The decoder: latent frames to bands."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.models.rave.blocks import Dilations, decoder
from timbre.models.rave.noise_head import MOST_STRIDES, NoiseHead
from timbre.nn.conv import Conv


class Decoder(nn.Module):
    """[batch, latent_size, frames] -> bands [batch, bands, frames * ratios], each within -1 and 1.

    blocks v1: tanh(waveform) times a loudness common to all bands, plus noise; v2: tanh(waveform times an amplitude of
    each band, plus noise). `forward` and `step` take the index of the first band sample, for the noise.
    """

    def __init__(
        self,
        blocks: str,
        bands: int,
        latent_size: int,
        capacity: int,
        ratios: list[int],
        dilations: Dilations,
        activation: str,
        noise: bool,
        causal: bool,
        late: int,
    ) -> None:
        super().__init__()
        self.body = decoder(blocks, latent_size, capacity, ratios, dilations, activation, causal, late)
        self.one_loudness = blocks == "v1"
        self.bands = bands
        self.ratio = math.prod(ratios)
        self.noise: NoiseHead | None = None
        late = self.body.delay
        if noise:
            strides = min(MOST_STRIDES, round(math.log2(self.ratio)))
            self.noise = NoiseHead(capacity, bands, strides, causal, late)
        self.frame = self.noise.frame if self.noise is not None else 1
        # The heads wait for the latest of them.
        latest = max(late if causal else late + 3, self.noise.delay if self.noise is not None else 0)
        wait = latest - late - (0 if causal else 3)
        self.waveform = Conv(capacity, bands, 7, causal=causal, late=late, wait=wait)
        if self.one_loudness:
            self.amplitude = Conv(capacity, 1, 3, causal=causal, late=late, wait=wait + (0 if causal else 2))
        else:
            self.amplitude = Conv(capacity, bands, 7, causal=causal, late=late, wait=wait)
        self.delay = latest
        self.noise_wait = latest - self.noise.delay if self.noise is not None else 0

    @torch.jit.ignore
    def forward(self, z: Tensor, first_sample: Tensor, skipped: int = 0) -> Tensor:
        """skipped: how many of the first samples are not wanted, and not worked out where that can be helped."""
        if skipped == 0:
            return self._heads(self.body(z), first_sample)
        samples = z.shape[2] * self.ratio
        wanted = samples - skipped
        needed = max(head.inputs_for(wanted) for head in (self.waveform, self.amplitude, self.noise) if head)
        needed = min(samples, -(-needed // self.frame) * self.frame)
        return self._heads(self.body(z, needed), first_sample + samples - needed)[:, :, -wanted:]

    def _heads(self, x: Tensor, first_sample: Tensor) -> Tensor:
        noise = None if self.noise is None else self.noise(x, first_sample)
        return self._played(self.waveform(x), self.amplitude(x), noise)

    def initial_state(self, batch: int) -> list[Tensor]:
        state = self.body.initial_state(batch)
        state = state + self.waveform.initial_state(batch) + self.amplitude.initial_state(batch)
        if self.noise is not None:
            waiting = torch.zeros(batch, self.noise_wait, self.bands, device=state[0].device)
            state = state + [waiting] + self.noise.initial_state(batch)
        return state

    def step(self, z: Tensor, state: list[Tensor], first_sample: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Rows [batch, frames, latent_size] -> rows [batch, samples, bands]."""
        at = self.body.states
        x, after = self.body.step(z, state[:at])
        waveform, own = self.waveform.step(x, state[at : at + 1])
        after = after + own
        amplitude, own = self.amplitude.step(x, state[at + 1 : at + 2])
        after = after + own
        noise: Tensor | None = None
        if self.noise is not None:
            played, own = self.noise.step(x, state[at + 3 :], first_sample + self.noise_wait)
            played = torch.cat([state[at + 2], played], dim=1)
            noise = played[:, : x.shape[1]]
            after = after + [played[:, x.shape[1] :]] + own
        return self._played(waveform, amplitude, noise), after

    def _played(self, waveform: Tensor, amplitude: Tensor, noise: Tensor | None) -> Tensor:
        if self.one_loudness:
            # 2 sigmoid(x)^ln(10) (Engel et al. 2020, B.5).
            y = torch.tanh(waveform) * (2.0 * torch.sigmoid(amplitude) ** 2.3026)
            return y if noise is None else y + noise
        y = waveform * torch.sigmoid(amplitude)
        return torch.tanh(y if noise is None else y + noise)
