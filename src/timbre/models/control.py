"""What a player may turn while a model plays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Control:
    """A control of an exported model.

    name: with the unit as its suffix where there is one. default: the value of a freshly loaded file. neutral: that at
    which it does nothing. meaning: one sentence for a player. knob: the part of its range that a knob of a plug-in goes
    through, where it may be one.
    """

    name: str
    least: float
    most: float
    default: float
    neutral: float
    unit: str
    meaning: str
    knob: tuple[float, float] | None = None


def neutral_settings(controls: list[Control]) -> Tensor:
    """The values at which controls do nothing, [controls] float64."""
    return torch.tensor([control.neutral for control in controls], dtype=torch.float64)


def default_settings(controls: list[Control]) -> Tensor:
    """The values that a freshly loaded file has, [controls] float64."""
    return torch.tensor([control.default for control in controls], dtype=torch.float64)
