"""What the averaged weights make of the validation crops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from timbre.cache.crops import Crops
from timbre.errors import UserError
from timbre.progress import progress
from timbre.training.listening import Listening
from timbre.training.weights import copied, worn

# Of a validation while training goes on; the last one takes all.
MOST_CROPS = 40


@dataclass(frozen=True)
class Validation:
    """A task with the crops that it is judged by.

    micro_batch: crops at once. check: called between two batches; what it raises ends the validation and leaves the
    task as it was.
    """

    task: nn.Module
    crops: Crops
    listening: Listening
    device: torch.device
    micro_batch: int
    check: Callable[[], None]

    def figures(self, weights: dict[str, Tensor], step: int) -> dict[str, float]:
        """Of some validation crops with the given weights: means over the crops, and figures of all together.

        Raises: UserError where a mean is no number.
        """
        with worn(self.task, weights, self.device):
            means, whole = self._judge(self.crops.spread(MOST_CROPS))
        require_numbers(means, step)
        return means | whole

    def sound(self, weights: dict[str, Tensor]) -> Tensor:
        """What the listening pieces sound like with the given weights. [channels, samples] int16."""
        with worn(self.task, weights, self.device):
            return self.listening.heard(self._listen)

    def finish(self, weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, float]]:
        """The weights with the buffers that a look at all validation crops gives them, and its figures as a whole."""
        numbers = self.crops.spread(len(self.crops))
        bar = progress(description="train [last validation]", unit="crop", total=len(numbers))
        with worn(self.task, weights, self.device), bar:
            _, whole = self._judge(numbers, bar.update)
            return copied(self.task.network), whole

    def _judge(
        self, numbers: list[int], done: Callable[[int], object] = lambda crops: None
    ) -> tuple[dict[str, float], dict[str, float]]:
        sums: dict[str, Tensor] = {}
        self.task.start_validation()
        for first in range(0, len(numbers), self.micro_batch):
            self.check()
            part = numbers[first : first + self.micro_batch]
            for name, value in self.task.validation_step(self.crops.batch(part)).items():
                sums[name] = sums.get(name, 0.0) + value.double() * len(part)
            done(len(part))
        means = {name: float(value) / len(numbers) for name, value in sums.items()}
        return means, {name: float(value) for name, value in self.task.finish_validation().items()}

    def _listen(self, batch: dict[str, Tensor]) -> Tensor:
        self.check()
        return self.task.listen(batch)


def require_numbers(figures: dict[str, float], step: int) -> None:
    """Raise a UserError where a figure of a step is infinite or no number."""
    for name, value in figures.items():
        if not math.isfinite(value):
            raise UserError(
                f"the {name.replace('_', ' ')} is no number any more at step {step}: training has diverged. "
                "Lower the learning_rate of the preset in params.yaml."
            )
