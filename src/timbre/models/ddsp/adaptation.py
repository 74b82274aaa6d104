"""Makes an input more like the recordings a model learned from, before the network hears of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.features.loudness import FLOOR_DB
from timbre.models.ddsp.loudness_match import LoudnessMatch
from timbre.models.ddsp.octave_match import OctaveMatch

# How far a level must fall under the gate's threshold until it closes.
HYSTERESIS_DB = 6.0
# No sound within full scale is louder by much.
HIGHEST_DB = 6.0


class LevelAdaptation(nn.Module):
    """Input gain, gate with hysteresis, loudness match and offset; each does nothing at its neutral value.

    It takes the first four values of a frame's controls, in the order of `controls.LEVEL_CONTROLS`.
    """

    def __init__(self, loudness_db: list[float] | None, frames_per_second: float) -> None:
        super().__init__()
        self.floor_db, self.highest_db, self.hysteresis_db = FLOOR_DB, HIGHEST_DB, HYSTERESIS_DB
        self.match = LoudnessMatch(loudness_db, frames_per_second)

    def initial_state(self, batch: int) -> list[Tensor]:
        """A closed gate, and the match's state."""
        match = self.match.initial_state(batch)
        return [torch.zeros(batch, 1, device=match[0].device)] + match

    def step(self, loudness_db: Tensor, controls: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Loudness in dB of the next frames [batch, frames], and where the gate is open (0 or 1).

        controls: [batch, frames, 4 or more]. What is silence stays silence.
        """
        silent = loudness_db <= self.floor_db
        level = loudness_db + controls[..., 0]
        above = level >= controls[..., 1]
        decided = above | (level < controls[..., 1] - self.hysteresis_db)
        # One value in front stands for the past, so that a running maximum of indices serves as memory.
        steps = torch.arange(level.shape[1] + 1, device=level.device).expand(level.shape[0], -1)
        known = torch.cat([torch.ones_like(above[:, :1]), decided], dim=1)
        latest = torch.cummax(torch.where(known, steps, torch.zeros_like(steps)), dim=1)[0]
        is_open = torch.cat([state[0] > 0.5, above], dim=1).gather(1, latest)[:, 1:] & ~silent
        opened = is_open.to(level.dtype)
        matched, match_state = self.match.step(level, opened, state[1:])
        level = level + controls[..., 2] * (matched - level) + controls[..., 3]
        level = torch.where(is_open, level.clamp(self.floor_db, self.highest_db), torch.full_like(level, self.floor_db))
        return [level, opened], [opened[:, -1:]] + match_state


class Adaptation(nn.Module):
    """Level adaptation, then octave match and pitch shift, with the pitch held while the gate is shut.

    It takes the first six values of a frame's controls.
    """

    def __init__(self, statistics: dict, frames_per_second: float) -> None:
        super().__init__()
        self.level = LevelAdaptation(statistics["loudness_db"], frames_per_second)
        self.octave = OctaveMatch(statistics["f0_hz"], frames_per_second)

    def initial_state(self, batch: int) -> list[Tensor]:
        """Of the level (2), of the octave (1), and the pitch held in Hz (0: none yet)."""
        level = self.level.initial_state(batch)
        return level + self.octave.initial_state(batch) + [torch.zeros(batch, 1, device=level[0].device)]

    def step(self, features: list[Tensor], controls: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """[f0 in Hz, voiced, loudness in dB] of the next frames as the network hears them, each [batch, frames]."""
        f0_hz, voiced = features[0], features[1]
        (loudness_db, opened), level_state = self.level.step(features[2], controls, state[0:2])
        # Held from the last frame with an open gate; before the first there is nothing to hold.
        steps = torch.arange(f0_hz.shape[1] + 1, device=f0_hz.device).expand(f0_hz.shape[0], -1)
        live = torch.cat([torch.ones_like(opened[:, :1]), opened], dim=1) > 0.5
        latest = torch.cummax(torch.where(live, steps, torch.zeros_like(steps)), dim=1)[0]
        held = torch.cat([state[3], f0_hz], dim=1).gather(1, latest)[:, 1:]
        f0_hz = torch.where(held > 0.0, held, f0_hz)
        voiced = voiced * opened
        octaves, octave_state = self.octave.step(f0_hz, voiced, state[2:3])
        shift = 12.0 * octaves * controls[..., 4] + controls[..., 5]
        return [f0_hz * 2.0 ** (shift / 12.0), voiced, loudness_db], level_state + octave_state + [held[:, -1:]]
