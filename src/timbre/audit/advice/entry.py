"""One piece of advice."""

from __future__ import annotations

import math
from collections.abc import Iterable


def entry(choose: object, text: str, **figures: float | int | None) -> dict:
    """What audit.json holds of a piece of advice: the choice, the figures it rests on (None: not known), the words."""
    return {"choose": choose, "figures": {name: _rounded(value) for name, value in figures.items()}, "text": text}


def known(value: float | None) -> bool:
    """Whether a figure could be measured."""
    return value is not None and math.isfinite(value)


def listed(names: Iterable[str], most: int = 3) -> str:
    """Names in a sentence, the first few of them."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def _rounded(value: float | int | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return round(float(value), 3) if math.isfinite(value) else None


def length(minutes: float) -> str:
    """A length of sound for a reader."""
    number, word = (_plain(minutes / 60.0), "hour") if minutes >= 90.0 else (_plain(minutes), "minute")
    return f"{number} {word}{'' if number == '1' else 's'}"


def _plain(value: float) -> str:
    """One decimal, where it says something."""
    return f"{value:.0f}" if value >= 100.0 else f"{value:.1f}".removesuffix(".0")
