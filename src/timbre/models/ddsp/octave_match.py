"""Moves an input by whole octaves towards the pitch of the recordings a model learned from."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

MEMORY_SECONDS = 30.0
# An octave is left only when the next one is nearer by far, so that a melody on the border does not leap about.
LEAVE_SEMITONES = 9.0
# The first pitches of all may be wrong: so long the octave may still change within a note.
UNSURE_SECONDS = 0.1


class OctaveMatch(nn.Module):
    """Whole octaves that bring the mean pitch of the input, a fading one, to the range of the recordings' pitch.

    None within half an octave of the range; so what the model can play stays where it was played.

    target_f0_hz: quantiles of the recordings' pitch, the lowest first; None where they have none.

    They change at the start of a note only, so that no note breaks, except where one glides more than an octave out of
    the range of the recordings.
    """

    def __init__(self, target_f0_hz: list[float] | None, frames_per_second: float) -> None:
        super().__init__()
        self.known = target_f0_hz is not None
        semitones = [12.0 * math.log2(f0_hz) for f0_hz in target_f0_hz or [1.0]]
        self.lowest, self.highest = semitones[0], semitones[-1]
        self.keep = math.exp(-1.0 / (MEMORY_SECONDS * frames_per_second))
        self.unsure_frames = UNSURE_SECONDS * frames_per_second
        self.leave = LEAVE_SEMITONES
        self.register_buffer("place", torch.zeros(1), persistent=False)  # only tells where the state must live

    def initial_state(self, batch: int) -> list[Tensor]:
        """Nothing heard: sum of semitones and its weight, octaves, whether the last frame was voiced. [batch, 4]."""
        return [torch.zeros(batch, 4, device=self.place.device)]

    def step(self, f0_hz: Tensor, voiced: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Octaves [batch, frames] to move the next frames by; f0_hz and voiced (0 or 1): [batch, frames]."""
        if not self.known:
            return torch.zeros_like(f0_hz), state
        total, weight, octaves, before = state[0].split(1, dim=1)
        heard = 12.0 * torch.log2(f0_hz) * voiced
        kept = 1.0 - voiced * (1.0 - self.keep)
        moved: list[Tensor] = []
        for frame in range(f0_hz.shape[1]):
            part = slice(frame, frame + 1)
            total = total * kept[:, part] + heard[:, part]
            weight = weight * kept[:, part] + voiced[:, part]
            pitch = heard[:, part]
            apart = self.outside(total / weight.clamp(min=0.5))
            unsure = (weight < self.unsure_frames) & (voiced[:, part] > 0.0)
            begins = (voiced[:, part] > before) & ((apart + 12.0 * octaves).abs() > self.leave)
            leaves = unsure | begins
            octaves = torch.where(leaves, -torch.round(apart / 12.0), octaves)
            lost = (voiced[:, part] > 0.0) & (self.outside(pitch + 12.0 * octaves).abs() > 12.0)
            octaves = torch.where(lost, -torch.round(self.outside(pitch) / 12.0), octaves)
            before = voiced[:, part]
            moved.append(octaves)
        return torch.cat(moved, dim=1), [torch.cat([total, weight, octaves, before], dim=1)]

    def outside(self, semitones: Tensor) -> Tensor:
        """How far pitches lie over (positive) or under the recordings' range, in semitones."""
        return semitones - semitones.clamp(self.lowest, self.highest)
