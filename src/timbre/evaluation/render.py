"""Playing sound through the exported model as a host does: block by block, delay taken out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from timbre.audio.parallel import one_thread
from timbre.errors import UserError, reason
from timbre.files import read_json

# dBFS that stands for digital silence.
SILENCE_DBFS = -120.0
SILENCE_AFTER_SECONDS = 1.0
SILENCE_MEASURED_SECONDS = 1.0


@dataclass
class ExportedModel:
    """A model.ts and the part of its model.json that playing it needs: Hz, channels and samples.

    defaults, neutral: of each control that the model lets be set, the value it starts with and the one that changes
    nothing, by its name.
    """

    module: torch.nn.Module
    sample_rate_hz: int
    channels: int
    block_samples: int
    delay_samples: int
    contract: dict
    defaults: dict[str, float] = field(default_factory=dict)
    neutral: dict[str, float] = field(default_factory=dict)

    @property
    def adapts(self) -> bool:
        """Whether the model as it starts already does something to its input that its controls can undo."""
        return self.defaults != self.neutral


def load_exported(folder: Path) -> ExportedModel:
    """Load model.ts and model.json of an export folder.

    Raises: UserError where either is missing or damaged.
    """
    contract = read_json(Path(folder) / "model.json")
    path = Path(folder) / "model.ts"
    if not path.is_file():
        raise UserError(f"{path} is missing. Run `dvc repro` to make it.")
    try:
        module = torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{path} does not load ({reason(error)}). Delete it and run `dvc repro`.") from None
    names = ("sample_rate_hz", "channels", "block_samples", "delay_samples")
    missing = [name for name in names if name not in contract]
    if missing:
        raise UserError(f"{Path(folder) / 'model.json'} lacks {', '.join(missing)}. Delete it and run `dvc repro`.")
    # A file of before there were controls is played as it is.
    controls = contract.get("controls", []) if hasattr(module, "set_control") else []
    neutral = {control["name"]: float(control["neutral"]) for control in controls}
    defaults = {control["name"]: float(control.get("default", control["neutral"])) for control in controls}
    return ExportedModel(module.eval(), *(int(contract[name]) for name in names), contract, defaults, neutral)


def host_block(model: ExportedModel, block_samples: int) -> int:
    """The block in samples that a host would use: `block_samples`, or the next legal size over it."""
    return math.ceil(block_samples / model.block_samples) * model.block_samples


def render(
    model: ExportedModel,
    audio: np.ndarray,
    block_samples: int,
    on_samples: Callable[[int], object] | None = None,
    controls: dict[str, float] | None = None,
) -> np.ndarray:
    """Render audio [channels, samples] from a fresh state and take the reported delay out.

    channels: the model's. block_samples: samples a call, brought up to a legal size. on_samples: told how many samples
    of the input each call has used up. controls: values by name; those not named, and afterwards all, have their
    defaults.
    Returns: [channels, samples] float32, sample i belonging to input sample i.
    Raises: UserError where the output holds NaN or infinite samples.
    """
    block = host_block(model, block_samples)
    samples, delay = audio.shape[1], model.delay_samples
    output = np.zeros(audio.shape, dtype=np.float32)
    with one_thread(), torch.no_grad(), _set(model, controls or {}):
        model.module.reset()
        for start in range(0, samples + delay, block):
            heard = audio[:, start : start + block]
            fed = torch.zeros(1, model.channels, block)
            fed[0, :, : heard.shape[1]] = torch.from_numpy(np.ascontiguousarray(heard, dtype=np.float32))
            given = model.module(fed)[0].numpy()
            # Output sample j of the stream belongs to input sample j - delay.
            first, last = max(start - delay, 0), min(start + block - delay, samples)
            if last > first:
                output[:, first:last] = given[:, first + delay - start : last + delay - start]
            if on_samples is not None:
                on_samples(heard.shape[1])
    if not np.isfinite(output).all():
        raise UserError(
            "models/export/model.ts gives samples that are not numbers (NaN or infinite). The training has failed: "
            "write a lower learning_rate in params.yaml and run `dvc repro`."
        )
    return output


@contextlib.contextmanager
def _set(model: ExportedModel, controls: dict[str, float]) -> Iterator[None]:
    """Set a model's controls, and put the defaults back."""
    try:
        for name, value in (model.defaults | controls).items():
            model.module.set_control(name, value)
        yield
    finally:
        for name, value in model.defaults.items():
            model.module.set_control(name, value)


def silence_dbfs_after_1s(model: ExportedModel, audio: np.ndarray, block_samples: int) -> float:
    """How silent the model falls: a second of sound, then digital silence; the level from 1 s to 2 s into it.

    audio: [channels, samples]; its loudest second is taken. Returns: RMS in dBFS over all channels (20 log10 of the
    RMS, a full-scale square wave is 0), -120 for anything under it. A model that hums to itself is found here.
    """
    rate = model.sample_rate_hz
    start = loudest_start(audio.mean(axis=0), rate, rate)
    silent_samples = round((SILENCE_AFTER_SECONDS + SILENCE_MEASURED_SECONDS) * rate)
    excited = np.pad(audio[:, start : start + rate], ((0, 0), (0, silent_samples)))
    output = render(model, excited, block_samples)
    return level_dbfs(output[:, output.shape[1] - round(SILENCE_MEASURED_SECONDS * rate) :])


def level_dbfs(audio: np.ndarray) -> float:
    """RMS of audio [samples] or [channels, samples] in dBFS, from -120 up."""
    power = float(np.mean(np.square(audio, dtype=np.float64)))
    return max(10.0 * math.log10(power), SILENCE_DBFS) if power > 0.0 else SILENCE_DBFS


def loudest_start(audio: np.ndarray, length: int, rate_hz: int) -> int:
    """Where the loudest `length` samples of audio [samples] start, on a grid of 0.1 s; 0 where it is no longer."""
    if len(audio) <= length:
        return 0
    energy = np.append(0.0, np.cumsum(np.square(audio, dtype=np.float64)))
    starts = np.arange(0, len(audio) - length + 1, max(1, rate_hz // 10))
    # Rounded, so that stretches that are equal but for the last bits give the first of them.
    return int(starts[np.argmax(np.round(energy[starts + length] - energy[starts], 9))])
