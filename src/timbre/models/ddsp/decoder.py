"""From pitch, voicing and loudness to the synthesiser's controls."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.dsp.oscillator import nyquist_mask
from timbre.features.loudness import FLOOR_DB, a_weighting_db
from timbre.nn.gru import Gru
from timbre.nn.mlp import Mlp

# A-weighting is compensated down to here (a fundamental of 200 Hz); deeper notes would be lifted by up to 30 dB.
LEAST_WEIGHT_DB = -12.0
# Noise magnitudes start this far down (Engel et al. 2020: initial bias -5) and may reach about 8 times the loudness.
NOISE_BIAS = -5.0
NOISE_GAIN = 4.0


def exp_sigmoid(x: Tensor) -> Tensor:
    """2 sigmoid(x)^ln(10) + 1e-7: positive, evenly resolved in dB (Engel et al. 2020, appendix B.5)."""
    return 2.0 * torch.sigmoid(x) ** math.log(10.0) + 1e-7


class Decoder(nn.Module):
    """MLP for each feature, GRU, MLP, and one linear layer for gain, harmonics and noise bands.

    The input's loudness goes round the network (loudness skip): harmonics are scaled to have just that A-weighted level
    at any pitch, and the network learns the timbre and how far to depart from it. So silence is silent and levels are
    right before the first step of training. Harmonic k starts at 1 / k, a sawtooth.
    """

    def __init__(self, hidden: int, layers: int, harmonics: int, noise_bands: int, sample_rate: int) -> None:
        super().__init__()
        self.harmonics = harmonics
        self.noise_bands = noise_bands
        self.sample_rate = float(sample_rate)
        # TorchScript sees attributes, not a module's constants.
        self.floor_db, self.least_weight_db = FLOOR_DB, LEAST_WEIGHT_DB
        self.noise_gain, self.noise_bias = NOISE_GAIN, NOISE_BIAS
        self.pitch_mlp = Mlp(1, hidden, layers)
        self.loudness_mlp = Mlp(1, hidden, layers)
        self.voiced_mlp = Mlp(1, hidden, 1)
        self.gru = Gru(3 * hidden, hidden)
        self.output_mlp = Mlp(4 * hidden, hidden, layers)
        self.head = nn.Linear(hidden, 1 + harmonics + noise_bands)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
            share = (0.5 / torch.arange(1, harmonics + 1)) ** (1.0 / math.log(10.0))
            self.head.bias[1 : 1 + harmonics] = torch.log(share / (1.0 - share))

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
        # Silence is exactly nothing, not the floor's level.
        level = 10.0 ** (loudness_db / 20.0) - 10.0 ** (self.floor_db / 20.0)
        gain = exp_sigmoid(raw[..., :1]) / (2.0 * 0.5 ** math.log(10.0))
        shape = exp_sigmoid(raw[..., 1 : 1 + self.harmonics]) * nyquist_mask(f0_hz, self.harmonics, self.sample_rate)
        amplitudes = level * gain * shape / self.a_weighted_rms(shape, f0_hz)
        noise = self.noise_gain * level * exp_sigmoid(raw[..., 1 + self.harmonics :] + self.noise_bias)
        return [amplitudes, noise], state

    def a_weighted_rms(self, amplitudes: Tensor, f0_hz: Tensor) -> Tensor:
        """A-weighted RMS of harmonics. [..., harmonics] and [..., 1] in Hz -> [..., 1]."""
        number = torch.arange(1, self.harmonics + 1, device=f0_hz.device)
        weight_db = a_weighting_db(f0_hz * number).to(amplitudes.dtype).clamp(min=self.least_weight_db)
        power = (0.5 * amplitudes.square() * 10.0 ** (weight_db / 10.0)).sum(dim=-1, keepdim=True)
        return power.clamp(min=1e-14).sqrt()
