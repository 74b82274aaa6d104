"""What a player may turn while a model plays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Control:
    """A control of an exported model.

    name: with the unit as its suffix where there is one. default: the value of a freshly loaded file. neutral: that at
    which it does nothing. meaning: one sentence for a player.
    """

    name: str
    least: float
    most: float
    default: float
    neutral: float
    unit: str
    meaning: str
