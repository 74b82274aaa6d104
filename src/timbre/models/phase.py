"""A stretch of a training, as a model's task plans it (see `timbre.training.task`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A stretch of a run: its name as the user reads it, its steps, the highest learning rate of each group, and which
    weights to keep of it.

    Groups that learning_rates does not name are not trained in the phase. keep: "best" (lowest validation loss within
    the phase) or "last" (the averaged weights at its end).
    """

    name: str
    steps: int
    learning_rates: dict[str, float]
    keep: str
