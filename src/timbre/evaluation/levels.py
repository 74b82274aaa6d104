"""How loud things are: levels, and the silence that a model falls to."""

from __future__ import annotations

import math

import numpy as np

from timbre.audio.excerpts import loudest_start
from timbre.audio.loudness import LoudnessMeter
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
    return _dbfs(float(np.mean(np.square(audio, dtype=np.float64))))


class Levels:
    """Loudness and level of a mono sound that comes in stretches."""

    def __init__(self, rate_hz: int) -> None:
        self._meter = LoudnessMeter(rate_hz, 1)
        self._energy, self._samples = 0.0, 0

    def add(self, audio: np.ndarray) -> None:
        """Take the next stretch [samples]."""
        self._meter.add(audio[:, None])
        self._energy += float(np.square(audio, dtype=np.float64).sum())
        self._samples += len(audio)

    @property
    def lufs(self) -> float | None:
        """Integrated loudness so far; None for silence."""
        loudness = self._meter.integrated_lufs(np.ones(1))
        return loudness if math.isfinite(loudness) else None

    @property
    def dbfs(self) -> float:
        """RMS so far in dBFS, from -120 up."""
        return _dbfs(self._energy / max(self._samples, 1))


def _dbfs(power: float) -> float:
    return max(10.0 * math.log10(power), SILENCE_DBFS) if power > 0.0 else SILENCE_DBFS
