"""What every exported file offers to those who play it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from timbre.errors import UserError, shown_name


@dataclass(frozen=True)
class ControlRange:
    """What a file says of a control: its value when nobody has turned it, its limits, their unit and what it does.

    unit, meaning: empty where there is none or the file does not say.
    """

    default: float
    least: float
    most: float
    unit: str = ""
    meaning: str = ""


# What a file may say of itself. A delay is waited for, sample by sample.
RATES_HZ = range(1000, 1_000_001)
MOST_SAMPLES = 10_000_000


class Player(ABC):
    """A file that plays.

    It takes blocks of the model's channels at its rate, whose length is a multiple of `block_samples`. What comes out
    is later by `delay_samples`; in a format that has queues of its own these follow the block, which `set_block`
    tells first. Controls keep their values over `reset`. checked: whether a model.json told of the file that it is.
    """

    checked = False

    def __init__(
        self, path: Path, sample_rate_hz: int, channels: int, block_samples: int, controls: dict[str, ControlRange]
    ) -> None:
        self.path = path
        self.sample_rate_hz = sample_rate_hz
        self.channels = channels
        self.block_samples = block_samples
        self.controls = controls

    @property
    @abstractmethod
    def delay_samples(self) -> int:
        """By how much the output is late, at the model's rate."""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything heard: the next block is the first of a new stream."""

    @abstractmethod
    def _turn(self, name: str, value: float) -> None:
        """Set a control to a value that is legal."""

    @abstractmethod
    def _play(self, block: np.ndarray) -> np.ndarray:
        """Process a block whose shape is legal, in one thread: more gain nothing, and may change bits."""

    def set_block(self, samples: int) -> None:
        """Begin a new stream, in blocks of so many samples."""
        self._check_length(samples)
        with self._failures_told():
            self.reset()

    def set_control(self, name: str, value: float) -> None:
        """Turn a control. Raises: UserError that names the legal ones where there is none such, or no such value."""
        if name not in self.controls:
            raise UserError(f"{self.path} has no control `{name}`. {self.controls_told()}")
        known = self.controls[name]
        if not known.least <= value <= known.most:  # NaN is within no limits
            raise UserError(f"{self.path}: {name}={value:g} is not legal. Write a number {_range_told(known)}.")
        with self._failures_told():
            self._turn(name, value)

    def controls_told(self) -> str:
        """The controls with their limits and defaults, a line each."""
        if not self.controls:
            return "It has no controls."
        lines = [
            f"\n  {name}: {_range_told(known)}, by default {known.default:g}. {known.meaning}".rstrip(". ")
            for name, known in self.controls.items()
        ]
        return "Its controls are:" + "".join(lines)

    def process(self, block: np.ndarray) -> np.ndarray:
        """Play the next block, [channels, samples] -> the same shape, float32.

        Raises: ValueError where its shape is not legal, UserError where the file fails at it.
        """
        if block.ndim != 2 or len(block) != self.channels:
            raise ValueError(f"{self.path} takes blocks of the shape [{self.channels}, samples], not {block.shape}")
        self._check_length(block.shape[1])
        with self._failures_told():
            played = self._play(np.ascontiguousarray(block, dtype=np.float32))
        if played.shape != block.shape or played.dtype != np.float32:
            raise UserError(
                f"{self.path} makes {list(played.shape)} {played.dtype} of {list(block.shape)} samples: it is no "
                "effect as timbre exports it."
            )
        return played

    def require_playable(self) -> None:
        """Raise UserError where what the file says of itself fits no effect."""
        with self._failures_told():
            delay = self.delay_samples
        numbers = (
            self.sample_rate_hz in RATES_HZ
            and self.channels in (1, 2)
            and 1 <= self.block_samples <= MOST_SAMPLES
            and 0 <= delay <= MOST_SAMPLES
        )
        if not numbers:
            raise UserError(
                f"{self.path} tells of {self.sample_rate_hz} Hz, {self.channels} channels, blocks of "
                f"{self.block_samples} and a delay of {delay} samples: it is damaged, or no effect of timbre's."
            )
        for name, known in self.controls.items():
            if not -math.inf < known.least <= known.default <= known.most < math.inf:
                raise UserError(
                    f"{self.path}: its control {shown_name(name)} goes {_range_told(known)}, by default "
                    f"{known.default:g}: it is damaged, or no effect of timbre's."
                )

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """What is wrong with a file may show first as it plays, in errors of any kind."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{self.path} fails as it plays ({_last_line(error)}). Export it anew.") from error

    def _check_length(self, samples: int) -> None:
        if samples < 1 or samples % self.block_samples:
            raise ValueError(
                f"{self.path} takes blocks whose samples are a multiple of {self.block_samples}, not {samples}"
            )


def host_block(player: Player, samples: int) -> int:
    """The block that a host would use: so many samples, or the next legal number over it."""
    return math.ceil(samples / player.block_samples) * player.block_samples


def _last_line(error: Exception) -> str:
    """TorchScript tells first where in its code it failed."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def _range_told(known: ControlRange) -> str:
    return f"from {known.least:g} to {known.most:g}{f' {known.unit}' if known.unit else ''}"
