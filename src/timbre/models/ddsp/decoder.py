"""From pitch, voicing and loudness to the synthesiser's controls."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.features.loudness import FLOOR_DB, a_weighting_power
from timbre.nn.gru import Gru
from timbre.nn.mlp import Mlp

# A-weighting is compensated down to here (a fundamental of 200 Hz); deeper sounds would be lifted by up to 30 dB.
LEAST_WEIGHT_DB = -12.0
# Raw noise gain at first where there is a pitch: 40 dB under the tone.
VOICED_NOISE_LOGIT = -1.9
# Level at first where the input's does not count (no loudness skip).
PLAIN_LEVEL = 0.1
# Variance of the synthesiser's noise, uniform in [-1, 1).
NOISE_POWER = 1.0 / 3.0


def exp_sigmoid(x: Tensor) -> Tensor:
    """2 sigmoid(x)^ln(10) + 1e-7: positive, evenly resolved in dB (Engel et al. 2020, appendix B.5)."""
    return 2.0 * torch.sigmoid(x) ** math.log(10.0) + 1e-7


class Decoder(nn.Module):
    """MLP for each feature, GRU, MLP, and one linear layer for two gains, harmonics and noise bands.

    The input's loudness goes round the network (loudness skip): tone and noise are each scaled to have just that
    A-weighted level, and the network learns their shapes and how far to depart from the level. So silence is silent and
    levels are right before the first step of training. Harmonic k starts at 1 / k, a sawtooth, noise is white.
    Harmonics sound only where there is a pitch: what has none would come out as a buzz at the last one.
    """

    def __init__(
        self, hidden: int, layers: int, harmonics: int, noise_bands: int, sample_rate: int, loudness_skip: bool
    ) -> None:
        super().__init__()
        self.harmonics = harmonics
        self.noise_bands = noise_bands
        self.half_rate_hz = 0.5 * sample_rate
        self.loudness_skip = loudness_skip
        # TorchScript sees attributes, not a module's constants.
        self.floor_db, self.least_weight = FLOOR_DB, 10.0 ** (LEAST_WEIGHT_DB / 10.0)
        self.plain_level = PLAIN_LEVEL
        self.floor_level = 10.0 ** (FLOOR_DB / 20.0)
        # What a raw gain of 0 comes to; as a factor a gain is 1 there, and 14 dB at the most.
        self.unit = 2.0 * 0.5 ** math.log(10.0)
        self.pitch_mlp = Mlp(1, hidden, layers)
        self.loudness_mlp = Mlp(1, hidden, layers)
        self.voiced_mlp = Mlp(1, hidden, 1)
        self.gru = Gru(3 * hidden, hidden)
        self.output_mlp = Mlp(4 * hidden, hidden, layers)
        self.head = nn.Linear(hidden, 2 + harmonics + noise_bands)
        middles_hz = torch.arange(noise_bands) * (0.5 * sample_rate / (noise_bands - 1))
        band_power = self._weight(middles_hz) * NOISE_POWER / (noise_bands - 1)
        band_power[0], band_power[-1] = 0.5 * band_power[0], 0.5 * band_power[-1]
        self.register_buffer("band_power", band_power, persistent=False)
        self.register_buffer("numbers", torch.arange(1.0, harmonics + 1.0), persistent=False)
        voiced_bias = torch.zeros(2 + harmonics + noise_bands)
        voiced_bias[1] = VOICED_NOISE_LOGIT
        self.register_buffer("voiced_bias", voiced_bias, persistent=False)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
            share = (0.5 / torch.arange(1, harmonics + 1)) ** (1.0 / math.log(10.0))
            self.head.bias[2 : 2 + harmonics] = torch.log(share / (1.0 - share))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Controls of a whole sound; see `step`."""
        return self.step(features, self.initial_state(features[0].shape[0]))[0]

    def initial_state(self, batch: int) -> list[Tensor]:
        """The GRU's."""
        return self.gru.initial_state(batch)

    def step(self, features: list[Tensor], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Controls of the next frames.

        features: f0 in Hz, voiced (0 or 1), loudness in dB, each [batch, frames].
        Returns: amplitudes [batch, frames, harmonics] and noise magnitudes [batch, frames, bands]; and the state.
        """
        f0_hz, voiced, loudness_db = features[0].unsqueeze(-1), features[1].unsqueeze(-1), features[2].unsqueeze(-1)
        pitch = self.pitch_mlp((12.0 * torch.log2(f0_hz / 440.0) + 69.0) / 127.0)
        loudness = self.loudness_mlp(loudness_db / self.floor_db + 1.0)
        inputs = torch.cat([pitch, loudness, self.voiced_mlp(voiced)], dim=-1)
        remembered, state = self.gru.step(inputs, state)
        raw = self.head(self.output_mlp(torch.cat([inputs, remembered], dim=-1)))
        gains, shape, bands = torch.split(
            exp_sigmoid(raw + voiced * self.voiced_bias), [2, self.harmonics, self.noise_bands], dim=-1
        )
        # Silence is exactly nothing, not the floor's level.
        level = 10.0 ** (loudness_db / 20.0) - self.floor_level
        if not self.loudness_skip:
            level = self.plain_level * (level > 0.0).to(level.dtype)
        gains = gains * (level / self.unit)
        partials_hz = f0_hz * self.numbers
        shape = shape * (partials_hz < self.half_rate_hz)
        tone = voiced * gains[..., 0:1] / self.tone_rms(shape, partials_hz)
        return [shape * tone, bands * (gains[..., 1:2] / self.noise_rms(bands))], state

    def tone_rms(self, amplitudes: Tensor, partials_hz: Tensor) -> Tensor:
        """A-weighted RMS of partials. [..., harmonics], both -> [..., 1]."""
        power = amplitudes.square() * self._weight(partials_hz)
        return (0.5 * power.sum(dim=-1, keepdim=True)).clamp(min=1e-14).sqrt()

    def noise_rms(self, magnitudes: Tensor) -> Tensor:
        """A-weighted RMS of filtered noise. [..., bands] -> [..., 1]."""
        return (magnitudes.square() * self.band_power).sum(dim=-1, keepdim=True).clamp(min=1e-14).sqrt()

    def _weight(self, frequencies_hz: Tensor) -> Tensor:
        """A-weighting of powers."""
        return a_weighting_power(frequencies_hz).clamp(min=self.least_weight)
