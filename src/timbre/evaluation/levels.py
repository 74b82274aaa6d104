"""How loud things are: levels, and the silence that a model falls to."""

from __future__ import annotations

import math

import numpy as np

from timbre.audio.excerpts import loudest_start
from timbre.playing.player import Player
from timbre.playing.render import render

# dBFS that stands for digital silence.
SILENCE_DBFS = -120.0
SILENCE_AFTER_SECONDS = 1.0
SILENCE_MEASURED_SECONDS = 1.0


def silence_dbfs_after_1s(player: Player, audio: np.ndarray, block_samples: int) -> float:
    """How silent a model falls: a second of sound, then digital silence; the level from 1 s to 2 s into it.

    audio: [channels, samples]; its loudest second is taken. Returns: RMS in dBFS over all channels (20 log10 of the
    RMS, a full-scale square wave is 0), -120 for anything under it. A model that hums to itself is found here.
    """
    rate = player.sample_rate_hz
    start = loudest_start(audio.mean(axis=0), rate, rate)
    silent_samples = round((SILENCE_AFTER_SECONDS + SILENCE_MEASURED_SECONDS) * rate)
    excited = np.pad(audio[:, start : start + rate], ((0, 0), (0, silent_samples)))
    output = render(player, excited, block_samples)
    return level_dbfs(output[:, output.shape[1] - round(SILENCE_MEASURED_SECONDS * rate) :])


def level_dbfs(audio: np.ndarray) -> float:
    """RMS of audio [samples] or [channels, samples] in dBFS, from -120 up."""
    power = float(np.mean(np.square(audio, dtype=np.float64)))
    return max(10.0 * math.log10(power), SILENCE_DBFS) if power > 0.0 else SILENCE_DBFS
