"""From level and colour to the gains of the bands."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.dsp.noise_bands import band_powers
from timbre.features.loudness import FLOOR_DB, a_weighting_db
from timbre.models.ddsp.decoder import exp_sigmoid
from timbre.nn.gru import Gru
from timbre.nn.mlp import Mlp

# A-weighting is compensated down to here (50 Hz): the lowest bands are lifted by as much.
LEAST_WEIGHT_DB = -30.0
# Frequencies at which the weighting of the bands is taken, some in the narrowest.
WEIGHT_POINTS = 8193


class BandDecoder(nn.Module):
    """MLP for each feature, GRU, MLP, and one linear layer for the bands.

    The input's level goes round the network (loudness skip): each band is played at a share of its A-weighted level,
    at the most twice. So silence is silent and levels are right before the first step of training, where the shares are
    those of white noise.
    """

    def __init__(self, hidden: int, layers: int, bands: int, sample_rate: int) -> None:
        super().__init__()
        self.floor_db = FLOOR_DB
        self.loudness_mlp = Mlp(1, hidden, layers)
        self.centroid_mlp = Mlp(1, hidden, layers)
        self.depth_mlp = Mlp(1, hidden, layers)
        self.gru = Gru(3 * hidden, hidden)
        self.output_mlp = Mlp(4 * hidden, hidden, layers)
        self.head = nn.Linear(hidden, bands)
        frequencies_hz = torch.linspace(0.0, sample_rate / 2.0, WEIGHT_POINTS)
        weights_db = a_weighting_db(frequencies_hz).clamp(min=LEAST_WEIGHT_DB)
        levels = band_powers(10.0 ** (weights_db / 10.0), bands, sample_rate / 2.0).sqrt().to(torch.float32)
        # A-weighted RMS of each band at a gain of 1.
        self.register_buffer("levels", levels, persistent=False)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            share = (0.5 * levels / levels.square().sum().sqrt()) ** (1.0 / math.log(10.0))
            self.head.bias.copy_(torch.log(share / (1.0 - share)))

    def forward(self, features: list[Tensor]) -> Tensor:
        """Gains of a whole sound; see `step`."""
        return self.step(features, self.initial_state(features[0].shape[0]))[0]

    def initial_state(self, batch: int) -> list[Tensor]:
        """The GRU's."""
        return self.gru.initial_state(batch)

    def step(self, features: list[Tensor], state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Gains of the next frames.

        features: A-weighted level in dB, centroid in Hz, depth in dB, each [batch, frames].
        Returns: [batch, frames, bands], of bands that are white noise of RMS 1 where all are 1; and the state.
        """
        loudness_db, centroid_hz, depth_db = (
            features[0].unsqueeze(-1),
            features[1].unsqueeze(-1),
            features[2].unsqueeze(-1),
        )
        loudness = self.loudness_mlp(loudness_db / self.floor_db + 1.0)
        centroid = self.centroid_mlp(0.25 * torch.log2(centroid_hz.clamp(min=1.0) / 1000.0))
        inputs = torch.cat([loudness, centroid, self.depth_mlp(0.05 * depth_db)], dim=-1)
        remembered, state = self.gru.step(inputs, state)
        shares = exp_sigmoid(self.head(self.output_mlp(torch.cat([inputs, remembered], dim=-1))))
        # Silence is exactly nothing, not the floor's level.
        level = 10.0 ** (loudness_db / 20.0) - 10.0 ** (self.floor_db / 20.0)
        return level * shares / self.levels, state
