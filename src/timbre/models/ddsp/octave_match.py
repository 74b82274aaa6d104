"""Moves an input by whole octaves towards the pitch of the recordings a model learned from."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

MEMORY_SECONDS = 30.0
# The octave changes only when it has become wrong by far, so that a melody on the border does not leap about.
LEAVE_SEMITONES = 7.0


class OctaveMatch(nn.Module):
    """Whole octaves that bring the mean pitch of the input, a fading one, to the range of the recordings' pitch.

    None within half an octave of the range; so what the model can play stays where it was played. target_f0_hz:
    quantiles of the recordings' pitch, the lowest first; None where they have none.
    """

    def __init__(self, target_f0_hz: list[float] | None, frames_per_second: float) -> None:
        super().__init__()
        self.known = target_f0_hz is not None
        octaves = [math.log2(f0_hz) for f0_hz in target_f0_hz or [1.0]]
        self.lowest, self.highest = octaves[0], octaves[-1]
        self.fade = 1.0 - math.exp(-1.0 / (MEMORY_SECONDS * frames_per_second))
        self.leave = LEAVE_SEMITONES / 12.0
        self.register_buffer("place", torch.zeros(1), persistent=False)  # only tells where the state must live

    def initial_state(self, batch: int) -> list[Tensor]:
        """Nothing heard: sum of pitches in octaves and its weight, octaves to move by. [batch, 1] each."""
        return [torch.zeros(batch, 1, device=self.place.device) for _ in range(3)]

    def step(self, f0_hz: Tensor, voiced: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Octaves [batch, frames] to move the next frames by; f0_hz and voiced (0 or 1): [batch, frames]."""
        if not self.known:
            return torch.zeros_like(f0_hz), state
        heard = torch.log2(f0_hz) * voiced
        kept = 1.0 - self.fade * voiced
        total, weight, octaves = state[0], state[1], state[2]
        moved: list[Tensor] = []
        for frame in range(f0_hz.shape[1]):
            part = slice(frame, frame + 1)
            total = total * kept[:, part] + heard[:, part]
            weight = weight * kept[:, part] + voiced[:, part]
            mean = total / weight.clamp(min=0.5)
            outside = mean - mean.clamp(self.lowest, self.highest)
            wrong = (outside + octaves).abs() > self.leave
            octaves = torch.where(wrong & (weight > 0.0), -torch.round(outside), octaves)
            moved.append(octaves)
        return torch.cat(moved, dim=1), [total, weight, octaves]
