"""Where a step lies in the phases of a run, and the plan in words."""

from __future__ import annotations

from dataclasses import dataclass

from timbre.models.phase import Phase
from timbre.training.schedule import FINAL_SHARE, WARM_UP_STEPS, learning_rate


@dataclass(frozen=True)
class Place:
    """A step within its phase. number: the phase's, from 0; begin: the phase's first step in the run."""

    phase: Phase
    number: int
    begin: int
    step: int

    @property
    def end(self) -> int:
        """The run's step at which the phase is over."""
        return self.begin + self.phase.steps

    def rates(self) -> dict[str, float]:
        """Learning rate of each group that the phase trains: every phase warms up and dies away by itself."""
        within = self.step - self.begin
        return {
            group: learning_rate(within, self.phase.steps, peak) for group, peak in self.phase.learning_rates.items()
        }


def place_of(phases: list[Phase], step: int) -> Place:
    """The place of a step, counted over all phases from 0."""
    begin = 0
    for number, phase in enumerate(phases):
        if step < begin + phase.steps:
            return Place(phase, number, begin, step)
        begin += phase.steps
    raise IndexError(f"step {step} lies after the last phase")


def plan_in_words(phases: list[Phase], max_hours: float) -> list[str]:
    """One line for each phase, and one for a limit of hours, if there is one."""
    lines = []
    for number, phase in enumerate(phases, start=1):
        rates = ", ".join(f"{peak:g} ({group})" for group, peak in phase.learning_rates.items())
        kept = "the weights of its lowest validation loss" if phase.keep == "best" else "its last averaged weights"
        lines.append(
            f"phase {number} of {len(phases)}, {phase.name}: {phase.steps} steps, learning rate up to {rates} "
            f"after {WARM_UP_STEPS} steps, then down to {FINAL_SHARE:.0%} of it; keeps {kept}"
        )
    if max_hours:
        lines.append(f"ends after {max_hours:g} hours, wherever it is then (train.max_hours)")
    return lines
