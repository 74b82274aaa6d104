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

# A-weighting is compensated down to here (50 Hz): a sound of the lowest bands alone is lifted by as much.
LEAST_WEIGHT_DB = -30.0
# Frequencies at which the weighting of the bands is taken, some in the narrowest.
WEIGHT_POINTS = 8193


class BandDecoder(nn.Module):
    """MLP for each feature, GRU, MLP, and one linear layer for the gain and the bands' shares.

    The input's level goes round the network (loudness skip): whatever the shares, the bands together have its
    A-weighted level, from which the gain departs. So silence is silent and levels are right before the first step of
    training, where all is white noise.
    """

    def __init__(self, hidden: int, layers: int, bands: int, sample_rate: int) -> None:
        super().__init__()
        self.floor_db = FLOOR_DB
        self.loudness_mlp = Mlp(1, hidden, layers)
        self.centroid_mlp = Mlp(1, hidden, layers)
        self.gru = Gru(2 * hidden, hidden)
        self.output_mlp = Mlp(3 * hidden, hidden, layers)
        self.head = nn.Linear(hidden, 1 + bands)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
        frequencies_hz = torch.linspace(0.0, sample_rate / 2.0, WEIGHT_POINTS)
        weights_db = a_weighting_db(frequencies_hz).clamp(min=LEAST_WEIGHT_DB)
        powers = band_powers(10.0 ** (weights_db / 10.0), bands, sample_rate / 2.0)
        self.register_buffer("powers", powers.to(torch.float32), persistent=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Gains of a whole sound; see `step`."""
        return self.step(features, self.initial_state(features[0].shape[0]))[0]

    def initial_state(self, batch: int) -> list[Tensor]:
        """The GRU's."""
        return self.gru.initial_state(batch)

    def step(self, features: list[Tensor], state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Gains of the next frames.

        features: A-weighted level in dB, centroid in Hz, each [batch, frames].
        Returns: [batch, frames, bands], of bands that are white noise of RMS 1 where all are 1; and the state.
        """
        loudness_db, centroid_hz = features[0].unsqueeze(-1), features[1].unsqueeze(-1)
        loudness = self.loudness_mlp(loudness_db / self.floor_db + 1.0)
        centroid = self.centroid_mlp(0.25 * torch.log2(centroid_hz.clamp(min=1.0) / 1000.0))
        inputs = torch.cat([loudness, centroid], dim=-1)
        remembered, state = self.gru.step(inputs, state)
        raw = self.head(self.output_mlp(torch.cat([inputs, remembered], dim=-1)))
        # Silence is exactly nothing, not the floor's level.
        level = 10.0 ** (loudness_db / 20.0) - 10.0 ** (self.floor_db / 20.0)
        gain = exp_sigmoid(raw[..., :1]) / (2.0 * 0.5 ** math.log(10.0))
        shares = exp_sigmoid(raw[..., 1:])
        return level * gain * shares / (shares.square() @ self.powers).unsqueeze(-1).sqrt(), state
