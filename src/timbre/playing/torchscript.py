"""model.ts and model_int8.ts: a TorchScript module with the state inside."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from timbre.audio.work import one_thread
from timbre.errors import UserError, reason
from timbre.playing.archive import require_archive
from timbre.playing.player import ControlRange, Player

# What a file of ours says of itself and can do.
ATTRIBUTES = ("sample_rate", "channels", "hop", "delay_samples", "control_names", "control_limits", "control_units")
METHODS = ("reset", "set_control", "get_control")


class TorchScriptPlayer(Player):
    """Plays a scripted `StreamingEffect`."""

    def __init__(self, module: Any, path: Path) -> None:
        told = zip(module.control_names, module.control_limits, module.control_units, strict=True)
        controls = {name: ControlRange(module.get_control(name), *limits, unit) for name, limits, unit in told}
        super().__init__(path, int(module.sample_rate), int(module.channels), int(module.hop), controls)
        self.module = module.eval()

    @property
    def delay_samples(self) -> int:
        return int(self.module.delay_samples)

    def reset(self) -> None:
        self.module.reset()

    def _turn(self, name: str, value: float) -> None:
        self.module.set_control(name, value)

    def _play(self, block: np.ndarray) -> np.ndarray:
        with one_thread(), torch.inference_mode():
            return self.module(torch.from_numpy(block)[None])[0].numpy()


def load_torchscript(path: Path, content: bytes) -> TorchScriptPlayer:
    """Load a .ts file of this content.

    Raises: UserError where it does not load, or is not one that timbre has exported.
    """
    module, _ = load_module(path, content)
    missing = [name for name in (*ATTRIBUTES, *METHODS) if not hasattr(module, name)]
    if missing:
        raise UserError(
            f"{path} is TorchScript, but not as timbre exports it: it lacks {', '.join(missing)}. "
            "Give a file of models/export; `dvc repro export` makes it anew."
        )
    try:
        return TorchScriptPlayer(module, path)
    except Exception as error:  # whatever attributes of other kinds lead to
        raise UserError(f"{path} is not as timbre exports it ({reason(error)}). Run `dvc repro export`.") from None


def load_module(path: Path, content: bytes) -> tuple[Any, bytes]:
    """Load TorchScript on the CPU, with the metadata.json in its archive (empty where there is none).

    Raises: UserError where it does not load, or `require_archive` finds something wrong; then nothing of it has run.
    """
    require_archive(path, content)
    extra = {"metadata.json": b""}
    try:
        return torch.jit.load(io.BytesIO(content), map_location="cpu", _extra_files=extra), extra["metadata.json"]
    except Exception as error:  # torch names no common type for what it cannot read
        raise UserError(
            f"{path} does not load as TorchScript ({reason(error)}). Delete it and run `dvc repro` to make it anew."
        ) from None
