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
        return [torch.zeros(batch, 1, dtype=torch.bool, device=match[0].device)] + match

    def step(self, loudness_db: Tensor, controls: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Loudness in dB of the next frames [batch, frames], and where the gate is open (bool).

        controls: [batch, frames, 4 or more]. What is silence stays silence.
        """
        level = loudness_db + controls[..., 0]
        sounds = loudness_db > self.floor_db
        above = sounds & (level >= controls[..., 1])
        stays = sounds & (level >= controls[..., 1] - self.hysteresis_db)
        is_open = state[0]
        gates: list[Tensor] = []
        for frame in range(level.shape[1]):
            part = slice(frame, frame + 1)
            is_open = above[:, part] | (is_open & stays[:, part])
            gates.append(is_open)
        opened = torch.cat(gates, dim=1)
        matched, match_state = self.match.step(level, opened.to(level.dtype), state[1:])
        level = self._offset(torch.lerp(level, matched, controls[..., 2]), controls, opened)
        return [level, opened], [is_open] + match_state

    def shifted(self, loudness_db: Tensor, controls: Tensor) -> tuple[Tensor, Tensor]:
        """Loudness with nothing but the offset, and where there is sound (bool)."""
        sounds = loudness_db > self.floor_db
        return self._offset(loudness_db, controls, sounds), sounds

    def _offset(self, level_db: Tensor, controls: Tensor, opened: Tensor) -> Tensor:
        level_db = (level_db + controls[..., 3]).clamp(self.floor_db, self.highest_db)
        return level_db.masked_fill(~opened, self.floor_db)


class Adaptation(nn.Module):
    """Level adaptation, then octave match and pitch shift, with the pitch held while the gate is shut.

    It takes the first six values of a frame's controls. first_f0_hz: what is held before the gate first opens.
    """

    def __init__(self, statistics: dict, frames_per_second: float, first_f0_hz: float) -> None:
        super().__init__()
        self.first_f0_hz = first_f0_hz
        self.level = LevelAdaptation(statistics["loudness_db"], frames_per_second)
        self.octave = OctaveMatch(statistics["f0_hz"], frames_per_second)

    def initial_state(self, batch: int) -> list[Tensor]:
        """Of the level (3), of the octave (3), and the pitch held in Hz."""
        octave = self.octave.initial_state(batch)
        held = torch.full([batch, 1], self.first_f0_hz, device=octave[0].device)
        return self.level.initial_state(batch) + octave + [held]

    def step(self, features: list[Tensor], controls: Tensor, state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """[f0 in Hz, voiced, loudness in dB] of the next frames as the network hears them, each [batch, frames]."""
        (loudness_db, opened), level_state = self.level.step(features[2], controls, state[0:3])
        last = state[6]
        held: list[Tensor] = []
        for frame in range(opened.shape[1]):
            part = slice(frame, frame + 1)
            last = torch.where(opened[:, part], features[0][:, part], last)
            held.append(last)
        f0_hz, voiced = torch.cat(held, dim=1), features[1] * opened
        octaves, octave_state = self.octave.step(f0_hz, voiced, state[3:6])
        shift = octaves * controls[..., 4] + controls[..., 5] / 12.0
        return [shifted_hz(f0_hz, shift), voiced, loudness_db], level_state + octave_state + [last]


def shifted_hz(f0_hz: Tensor, octaves: Tensor) -> Tensor:
    """A pitch moved by octaves, both of the same shape.

    In double precision: in single precision the last bit of a power depends on how many frames are computed at once,
    and the phase would drift by it.
    """
    return (f0_hz * torch.exp2(octaves.to(torch.float64))).to(f0_hz.dtype)
