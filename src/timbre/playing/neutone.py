"""model.nm: a Neutone model, driven as the plug-in drives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from timbre.audio.work import one_thread
from timbre.errors import UserError, shown
from timbre.playing.player import ControlRange, Player
from timbre.playing.torchscript import load_module

# The plug-in sends so many values between 0 and 1, whatever the model makes of them.
KNOBS = 4
# Rate for a model that takes any.
ANY_RATE_HZ = 48000
METHODS = (
    "set_daw_sample_rate_and_buffer_size",
    "reset",
    "calc_buffering_delay_samples",
    "calc_model_delay_samples",
    "get_default_param_values",
)


class NeutonePlayer(Player):
    """Plays a Neutone model at its first native rate.

    The wrapper inside takes blocks of any size and has queues for them, whose delay follows the block.
    """

    def __init__(self, module: Any, metadata: dict, path: Path) -> None:
        mono = metadata["is_input_mono"] and metadata["is_output_mono"]
        defaults = module.get_default_param_values().flatten().tolist()
        knobs = [knob for _, knob in sorted(metadata["neutone_parameters"].items())]
        used = [index for index, knob in enumerate(knobs) if knob["used"]]
        controls = {
            knobs[index]["name"]: ControlRange(defaults[index], 0.0, 1.0, meaning=knobs[index]["description"])
            for index in used
        }
        rates = metadata["native_sample_rates"]
        super().__init__(path, int((rates or [ANY_RATE_HZ])[0]), 1 if mono else 2, 1, controls)
        self.module = module.eval()
        self._places = {knobs[index]["name"]: index for index in used}
        self._values = torch.tensor((defaults + [0.0] * KNOBS)[:KNOBS])
        self._block = 0
        self.set_block((metadata["native_buffer_sizes"] or [512])[0])

    @property
    def delay_samples(self) -> int:
        return int(self.module.calc_buffering_delay_samples() + self.module.calc_model_delay_samples())

    def set_block(self, samples: int) -> None:
        self._check_length(samples)
        with self._failures_told():
            self._tell_block(samples)

    def _tell_block(self, samples: int) -> None:
        if samples != self._block:
            self.module.set_daw_sample_rate_and_buffer_size(self.sample_rate_hz, samples)
            self._block = samples
        self.reset()

    def reset(self) -> None:
        self.module.reset()

    def _turn(self, name: str, value: float) -> None:
        self._values[self._places[name]] = value

    def process(self, block: np.ndarray) -> np.ndarray:
        """Play the next block; raises ValueError also where `set_block` has told another."""
        if block.shape[-1] != self._block:
            raise ValueError(f"{self.path} was told of blocks of {self._block} samples: call set_block first")
        return super().process(block)

    def _play(self, block: np.ndarray) -> np.ndarray:
        with one_thread(), torch.inference_mode():
            knobs = self._values[:, None].repeat(1, self._block)
            # A copy, since the wrapper gives its own buffer away.
            return self.module(torch.from_numpy(block), knobs).numpy().copy()


def load_neutone(path: Path, content: bytes) -> NeutonePlayer:
    """Load a .nm file of this content.

    Raises: UserError where it does not load or is no Neutone model for real time.
    """
    module, metadata = load_module(path, content)
    if not metadata or not all(hasattr(module, name) for name in METHODS):
        raise UserError(
            f"{path} is TorchScript, but no Neutone model for real time. "
            "`dvc repro export` makes one with `neutone` among export.targets."
        )
    try:
        return NeutonePlayer(module, json.loads(metadata), path)
    except Exception as error:  # whatever values of other kinds lead to
        raise UserError(f"{path}: its metadata.json is damaged ({shown(error)}). Run `dvc repro export`.") from None
