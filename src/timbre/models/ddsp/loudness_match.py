"""Maps the loudness of an input, as far as it has been heard, to that of the recordings a model learned from."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from timbre.features.loudness import FLOOR_DB

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# What lies within the memory counts fully; what came before fades.
MEMORY_SECONDS = 30.0
# At first the input is taken to be like the recordings, with the weight of so much sound.
TRUST_SECONDS = 6.0
BIN_DB = 2.0
HIGHEST_DB = 20.0
# A steady tone has no dynamics to stretch: they are at most stretched or squeezed by so much.
MOST_STRETCH = 1.5
LEAST_SPREAD_DB = 0.5


class LoudnessMatch(nn.Module):
    """Quantile mapping (5, 25, 50, 75, 95 %) of loudness, the input's quantiles taken from a fading histogram.

    Between two quantiles it is linear, by a factor of 2/3 to 3/2 about the median; beyond the outer ones a dB is a dB.
    """

    def __init__(self, target_db: list[float] | None, frames_per_second: float) -> None:
        super().__init__()
        self.known = target_db is not None
        levels = np.array(target_db if target_db is not None else [-50.0, -40.0, -30.0, -20.0, -10.0])
        spreads = np.maximum(np.diff(levels), LEAST_SPREAD_DB)
        levels = levels[2] + np.concatenate([[-spreads[0] - spreads[1], -spreads[1], 0.0], np.cumsum(spreads[2:])])
        bins = round((HIGHEST_DB - FLOOR_DB) / BIN_DB)
        edges = FLOOR_DB + BIN_DB * np.arange(bins + 1)
        knots = np.concatenate([[levels[0] - 10.0], levels, [levels[-1] + 3.0]])
        shares = np.diff(np.interp(edges, knots, [0.0, *QUANTILES, 1.0]))
        self.floor_db, self.bin_db, self.bins, self.most_stretch = FLOOR_DB, BIN_DB, bins, MOST_STRETCH
        self.keep = math.exp(-1.0 / (MEMORY_SECONDS * frames_per_second))
        self.register_buffer("trusted", torch.tensor(TRUST_SECONDS * frames_per_second * shares).float(), False)
        self.register_buffer("levels", torch.tensor(levels).float(), False)
        self.register_buffer("quantiles", torch.tensor(QUANTILES).float(), False)

    def initial_state(self, batch: int) -> list[Tensor]:
        """The histogram [batch, bins] of an input that is like the recordings."""
        return [self.trusted.expand(batch, -1).clone()]

    def step(self, loudness_db: Tensor, heard: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Mapped loudness in dB of the next frames.

        loudness_db: [batch, frames]; heard: [batch, frames], 1 for the frames that count as the input's, else 0.
        """
        if not self.known:
            return loudness_db, state
        place = ((loudness_db - self.floor_db) / self.bin_db).to(torch.int64).clamp(0, self.bins - 1)
        hits = torch.nn.functional.one_hot(place, self.bins).to(loudness_db.dtype) * heard.unsqueeze(2)
        kept = 1.0 - heard * (1.0 - self.keep)
        counts = state[0]
        histories: list[Tensor] = []
        for frame in range(loudness_db.shape[1]):
            counts = counts * kept[:, frame : frame + 1] + hits[:, frame]
            histories.append(counts)
        return self.mapped(loudness_db, self.levels_of(torch.stack(histories, dim=1))), [counts]

    def levels_of(self, counts: Tensor) -> Tensor:
        """Quantiles in dB of histograms. [batch, frames, bins] -> [batch, frames, quantiles]."""
        shares = counts / counts.sum(dim=2, keepdim=True)
        up_to = torch.cumsum(shares, dim=2)
        index = (up_to.unsqueeze(2) < self.quantiles.unsqueeze(1)).sum(dim=3).clamp(max=self.bins - 1)
        within = shares.gather(2, index)
        before = up_to.gather(2, index) - within
        part = ((self.quantiles - before) / within.clamp(min=1e-9)).clamp(0.0, 1.0)
        return self.floor_db + self.bin_db * (index.to(counts.dtype) + part)

    def mapped(self, loudness_db: Tensor, input_levels: Tensor) -> Tensor:
        """Loudness [batch, frames] in the place of the recordings' dynamics that it has in the input's own."""
        wanted = self.levels[1:] - self.levels[:-1]
        given = (input_levels[..., 1:] - input_levels[..., :-1]).maximum(wanted / self.most_stretch)
        given = given.minimum(wanted * self.most_stretch)
        # Knots from the median outwards.
        middle = input_levels[..., 2:3]
        below = middle - given[..., :2].flip(-1).cumsum(-1).flip(-1)
        above = middle + given[..., 2:].cumsum(-1)
        level = loudness_db.unsqueeze(2)
        inner = (level - torch.cat([below, middle, above[..., :1]], dim=-1)).clamp(min=0.0).minimum(given)
        outer = (level - below[..., :1]).clamp(max=0.0) + (level - above[..., 1:]).clamp(min=0.0)
        return self.levels[0] + outer.squeeze(2) + (inner * (wanted / given)).sum(dim=2)
