"""Maps the loudness of an input, as far as it has been heard, to that of the recordings a model learned from."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# How fast the input's quantiles are followed, dB a second: at first, and from when on it slows down (seconds).
FIRST_RATE_DB = 6.0
SLOWING_SECONDS = 6.0
LAST_RATE_DB = 0.7
# A steady tone has no dynamics to stretch: they are at most stretched or squeezed by so much.
MOST_STRETCH = 1.5
LEAST_SPREAD_DB = 0.5


class LoudnessMatch(nn.Module):
    """Quantile mapping (5, 25, 50, 75, 95 %) of loudness.

    The input is taken to be like the recordings at first. Its quantiles are then followed by stochastic approximation
    (Robbins & Monro 1951): each rises by its share of a small step with every frame, and falls by the step with every
    frame that lies under it. Between two quantiles the map is linear, by a factor of 2/3 to 3/2 about the median;
    beyond the outer ones a dB is a dB.
    """

    def __init__(self, target_db: list[float] | None, frames_per_second: float) -> None:
        super().__init__()
        self.known = target_db is not None
        levels = np.array(target_db if target_db is not None else [-50.0, -40.0, -30.0, -20.0, -10.0])
        wanted = np.maximum(np.diff(levels), LEAST_SPREAD_DB)
        # From the spreads between quantiles to the quantiles' distances from the median.
        distances = np.array([[-1, -1, 0, 0], [0, -1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]], dtype=float)
        self.first_step_db = FIRST_RATE_DB / frames_per_second
        self.last_step_db = LAST_RATE_DB / frames_per_second
        self.slowing_frames = SLOWING_SECONDS * frames_per_second
        constants = {
            "levels": levels[2] + distances @ wanted,
            "wanted": wanted,
            "least": wanted / MOST_STRETCH,
            "most": wanted * MOST_STRETCH,
            "distances": distances.T,
            "rises": np.array(QUANTILES),
            "falls": np.array(QUANTILES) - 1.0,
        }
        for name, value in constants.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32), persistent=False)

    def initial_state(self, batch: int) -> list[Tensor]:
        """Quantiles in dB [batch, 5] of an input that is like the recordings, and frames heard [batch, 1]."""
        return [self.levels.expand(batch, -1).clone(), torch.zeros(batch, 1, device=self.levels.device)]

    def step(self, loudness_db: Tensor, heard: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Mapped loudness in dB of the next frames.

        loudness_db: [batch, frames]; heard: [batch, frames], 1 for the frames that count as the input's, else 0.
        """
        if not self.known:
            return loudness_db, state
        counts = state[1] + torch.cumsum(heard, dim=1)
        steps = heard * (self.first_step_db / (1.0 + counts / self.slowing_frames)).clamp(min=self.last_step_db)
        level = loudness_db.unsqueeze(2)
        levels = state[0]
        histories: list[Tensor] = []
        for frame in range(loudness_db.shape[1]):
            moves = torch.where(level[:, frame] < levels, self.falls, self.rises)
            levels = torch.addcmul(levels, steps[:, frame : frame + 1], moves)
            histories.append(levels)
        return self.mapped(level, torch.stack(histories, dim=1)), [levels, counts[:, -1:]]

    def mapped(self, level: Tensor, levels: Tensor) -> Tensor:
        """Loudness [batch, frames, 1] in dB in the place of the recordings' dynamics that it has in the input's own.

        levels: the input's quantiles [batch, frames, 5]. Returns: [batch, frames].
        """
        given = (levels[..., 1:] - levels[..., :-1]).clamp(self.least, self.most)
        knots = levels[..., 2:3] + given @ self.distances
        over = level - knots
        inner = over[..., :-1].clamp(min=0.0).minimum(given)
        outer = over[..., 0].clamp(max=0.0) + over[..., -1].clamp(min=0.0)
        return self.levels[0] + outer + (inner * (self.wanted / given)).sum(dim=2)
