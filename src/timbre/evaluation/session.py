"""What all items of one evaluation are measured with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from timbre.audio.excerpts import loudest_start
from timbre.evaluation.exported import ExportedModel
from timbre.evaluation.items import Item
from timbre.evaluation.levels import Levels
from timbre.evaluation.measure import Heard, hear
from timbre.evaluation.renders import Renderer
from timbre.evaluation.scratch import Stored
from timbre.features.extractor import FeatureExtractor
from timbre.params import Params


@dataclass
class Session:
    """Model, settings, and where things are written. untrained: the model before training, offline and aligned."""

    params: Params
    model: ExportedModel
    extractor: FeatureExtractor
    renderer: Renderer
    untrained: nn.Module | None
    folder: Path

    @property
    def rate_hz(self) -> int:
        """Sample rate in Hz of the model, at which everything is played and measured."""
        return self.model.player.sample_rate_hz

    @property
    def tolerance(self) -> float:
        """Cents within which a pitch counts as right."""
        return self.params.evaluate.f0_tolerance_cents

    def hear(self, sound: Stored, start: int, end: int) -> Heard:
        """What is measured of a stretch of a sound."""
        return hear(sound.part(start, end), self.extractor, begins=start == 0)

    def hear_looped(self, sound: Stored, start: int, samples: int) -> Heard:
        """The same of so many samples of a sound that begins again where it ends."""
        return hear(sound.looped(start, samples), self.extractor, begins=start == 0)

    def write(self, item: Item, side: str, sound: Stored) -> float:
        """Write one side of an item; returns the gain in dB that keeps it from clipping."""
        return sound.write_flac(self.folder / "audio" / item.kind / f"{item.name}.{side}.flac", self.rate_hz)


class Shown:
    """The stretch of an item that a page shows: that with its loudest part. Levels of its sides go over the whole."""

    def __init__(self, rate_hz: int, seconds: float) -> None:
        self._rate_hz, self._samples = rate_hz, round(seconds * rate_hz)
        self._levels: dict[str, Levels] = {}
        self._energy = -1.0
        self.start = 0
        self.sides: dict[str, Heard] = {}

    def offer(self, start: int, sides: dict[str, Heard]) -> None:
        """Take the next stretch, which starts at a sample of the item; "input" is one of its sides."""
        for side, heard in sides.items():
            self._levels.setdefault(side, Levels(self._rate_hz)).add(heard.audio)
        audio = sides["input"].audio
        first = loudest_start(audio, self._samples, self._rate_hz)
        # Rounded as there, so that equal stretches give the first.
        energy = round(float(np.square(audio[first : first + self._samples], dtype=np.float64).sum()), 9)
        if energy > self._energy:
            self._energy, self.start, self.sides = energy, start, sides

    def levels(self) -> dict[str, float | None]:
        """Loudness of input and output, and the output's level."""
        heard, played = self._levels["input"], self._levels["output"]
        return {"input_lufs": heard.lufs, "output_lufs": played.lufs, "output_dbfs": played.dbfs}
