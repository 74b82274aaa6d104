"""The controls of the DDSP networks, and how their values reach the frames."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.features.loudness import FLOOR_DB
from timbre.models.control import Control

# Values come within 5 % of where they are set after three times so long.
GLIDE_SECONDS = 0.02

LEVEL_CONTROLS = [
    Control("input_gain_db", -40.0, 40.0, 0.0, 0.0, "dB",
            "Makes a quiet input louder before anything else hears it.", (-20.0, 20.0)),
    Control("gate_dbfs", FLOOR_DB, -10.0, -60.0, FLOOR_DB, "dBFS",
            "Input under this A-weighted level is silence; it opens there and closes 6 dB lower.", (-90.0, -30.0)),
    Control("loudness_match", 0.0, 1.0, 1.0, 0.0, "",
            "How far the input's range of loudness, as heard so far, is mapped to that of the recordings."),
    Control("loudness_offset_db", -40.0, 40.0, 0.0, 0.0, "dB",
            "Plays louder or softer, with the timbre of that.", (-20.0, 20.0)),
]  # fmt: skip
PITCH_CONTROLS = [
    Control("octave_match", 0.0, 1.0, 1.0, 0.0, "",
            "1 moves the melody by whole octaves towards the pitch of the recordings, 0 leaves it where it is."),
    Control("pitch_shift_semitones", -48.0, 48.0, 0.0, 0.0, "semitones", "Transposes the melody.", (-24.0, 24.0)),
    Control("harmonic_noise_balance", -1.0, 1.0, 0.0, 0.0, "",
            "Towards -1 the tone fades until only noise is left, towards 1 the noise until only tone is left.",
            (-1.0, 1.0)),
    Control("reverb_mix", 0.0, 2.0, 1.0, 1.0, "", "Amount of the learned room: 0 is dry.", (0.0, 2.0)),
]  # fmt: skip
COLOUR_CONTROLS = [
    Control("brightness_octaves", -4.0, 4.0, 0.0, 0.0, "octaves",
            "Plays as to a brighter or darker input.", (-2.0, 2.0)),
]  # fmt: skip


class Glide(nn.Module):
    """Follows settings frame by frame, exponentially, so that a knob that is turned does not click."""

    def __init__(self, frames_per_second: float) -> None:
        super().__init__()
        self.keep = math.exp(-1.0 / (GLIDE_SECONDS * frames_per_second))

    def initial_state(self, batch: int, controls: int, device: torch.device) -> list[Tensor]:
        """No value yet: the first frame takes the settings as they are."""
        return [torch.full([batch, controls], float("nan"), device=device)]

    def step(self, settings: Tensor, frames: int, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Values at the next frames, [batch, frames, controls]; `settings` [controls] hold from the first on."""
        wanted = settings.to(torch.float32)
        last = torch.where(torch.isnan(state[0]), wanted, state[0]).unsqueeze(1)
        kept = self.keep ** torch.arange(1, frames + 1, device=last.device).unsqueeze(1)
        values = wanted + (last - wanted) * kept
        return values, [values[:, -1]]
