"""A stretch of a training, as a model's task plans it (see `timbre.training.task`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A stretch of a run, by the name that the user reads.

    learning_rates: the highest of each group; groups that it does not name are not trained in the phase. keep: which
    weights of it: "best" (lowest validation loss within the phase) or "last" (the averaged weights at its end).
    """

    name: str
    steps: int
    learning_rates: dict[str, float]
    keep: str
