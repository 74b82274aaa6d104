"""The loop: steps through the phases, validation, averaged and kept weights, curves, checkpoints."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from timbre.cache.crops import Crops
from timbre.cache.feed import Feed
from timbre.errors import UserError
from timbre.models.phase import Phase
from timbre.progress import progress
from timbre.training.keeping import Keeping
from timbre.training.listening import Listening, heard_steps
from timbre.training.outcome import Outcome, resume, save_outcome
from timbre.training.phases import Place, place_of, plan_in_words
from timbre.training.prepare import prepare
from timbre.training.remarks import curve_remarks
from timbre.training.schedule import averaging_decay
from timbre.training.step import take_step
from timbre.training.stopping import Stopped, StopRequest
from timbre.training.team import Team
from timbre.training.validate import Validation, require_numbers
from timbre.training.waiting import Waiting
from timbre.training.weights import average

# What the processes tell each other before each step; the highest counts.
GO, OVER, STOP, FAILED = range(4)


@dataclass(frozen=True)
class Settings:
    """The numbers of a run; see params.yaml for their meaning."""

    seed: int
    batch: int
    ema_decay: float
    gradient_clip: float
    validate_every_steps: int
    log_every_steps: int
    max_hours: float
    precision: str
    compile: bool


def run_loop(
    team: Team,
    task: nn.Module,
    feed: Feed,
    crops: Crops,
    listening: Listening,
    settings: Settings,
    folder: Path,
    on_rows: Callable[[Outcome], None],
    show: Callable[[Outcome], None],
) -> Outcome:
    """Train through all phases of the task, or as long as `max_hours`, from the checkpoint in `folder` if there is one.

    crops: of validation. on_rows is called whenever there is a new validation row, and in the end; show with the run as
    it begins or goes on, and with every row, before a checkpoint can hold it. Both, checkpoints and validation are the
    leader's alone. A resumed run ends with the bits of one never stopped: crops, noise, learning rate and averaging are
    functions of seed and step, and everything else is in the checkpoint.

    Raises: KeyboardInterrupt, after saving, where the run is stopped, as soon as the step under way is over; UserError
    where a figure is no number any more, or where not even one crop fits into memory; SystemExit in processes that do
    not lead, where the leader does either.
    """
    phases = [phase for phase in task.phases if phase.steps > 0]
    steps = sum(phase.steps for phase in phases)
    trained = {name for phase in phases for name in phase.learning_rates}
    groups = {name: list(parameters) for name, parameters in task.parameter_groups().items() if name in trained}
    optimisers = {
        name: torch.optim.Adam(parameters, betas=task.betas, fused=True) for name, parameters in groups.items()
    }
    task.train()
    for line in plan_in_words(phases, settings.max_hours):
        print(f"train: {line}", flush=True)
    outcome = resume(folder, team, task, optimisers)
    show(outcome)
    if outcome.step < steps:
        prepare(team, task, groups, phases, feed, settings, outcome, folder)
    if outcome.validation_rows:
        on_rows(outcome)
    begun_at = time.monotonic() - outcome.seconds

    def save() -> None:
        outcome.seconds = time.monotonic() - begun_at
        if team.leads:
            save_outcome(folder, task, optimisers, outcome, team.device)

    micro_batch = outcome.micro_batch // team.size
    keeping, waiting = Keeping(save, outcome.step), Waiting(feed)
    begin = _where(place_of(phases, min(outcome.step, steps - 1)), len(phases), outcome.step, None)
    bar = progress(
        description=begin, unit="step", total=steps, initial=outcome.step, smoothing=0.05, disable=not team.leads
    )
    with bar, feed, StopRequest() as stop:
        validation = Validation(task, crops, listening, team.device, max(1, micro_batch), stop.check)

        def look() -> int:
            """What is due after the last step is the leader's: a validation, and whether the hours are over."""
            seen = _to_be_seen(outcome, phases, settings)
            if seen:
                _look(outcome, seen.phase, validation)
                _remark(outcome, phases, task, seen.number, bar)
                show(outcome)
                on_rows(outcome)
            over = outcome.step > 0 and 0.0 < settings.max_hours * 3600.0 <= time.monotonic() - begun_at
            return OVER if over or outcome.step == steps else GO

        try:
            while _agreed(team, look, stop) == GO:
                keeping.when_due(outcome.step)
                place = place_of(phases, outcome.step)
                if outcome.step == place.begin:
                    outcome.forget_kept()
                with waiting:
                    batch = feed.crops_of(outcome.step)
                rates = place.rates()
                figures = take_step(
                    team, task, optimisers, groups, batch, outcome.step, rates,
                    settings.gradient_clip, micro_batch,
                )  # fmt: skip
                outcome.step += 1
                average(outcome.averaged, task.network, averaging_decay(outcome.step, settings.ema_decay))
                for name, value in figures.items():
                    outcome.unlogged.setdefault(name, []).append(value)
                bar.update()
                if outcome.step % settings.log_every_steps == 0 or outcome.step == place.end:
                    _log(team, outcome, rates, len(groups))
                    show(outcome)
                    bar.set_description_str(
                        _where(place, len(phases), outcome.step, bar.format_dict["rate"]), refresh=False
                    )
                    bar.set_postfix_str(f"{_told(outcome)}, waiting for data {waiting.share:.0%}")
                    waiting.tell(bar.write)
            bar.close()
            keeping.now(outcome.step)  # a look at all crops may take long
            if outcome.unlogged:
                _log(team, outcome, place_of(phases, outcome.step - 1).rates(), len(groups))
            if not team.leads:
                return outcome
            if outcome.step < steps:
                _end_early(outcome, phases, validation)
                show(outcome)
            outcome.kept, outcome.final = validation.finish(outcome.kept)
        except Stopped:
            keeping.now(outcome.step)
            if not team.leads:
                raise SystemExit(0) from None
            raise KeyboardInterrupt(
                f"Step {outcome.step} of {steps} is kept; the same command goes on from there."
            ) from None
    on_rows(outcome)
    return outcome


def _agreed(team: Team, look: Callable[[], int], stop: StopRequest) -> int:
    """Whether all go on: GO or OVER. The leader looks before it answers, the others wait for its answer.

    Raises: Stopped where any process was asked to stop; what the leader's look raises, and SystemExit in the others.
    """
    said = GO
    try:
        if team.leads:
            said = look()
        stop.check()
    except Stopped:
        said = STOP
    except BaseException:
        team.highest(FAILED)
        raise
    said = team.highest(said)
    if said == FAILED:
        raise SystemExit(0)
    if said == STOP:
        raise Stopped
    return said


def _to_be_seen(outcome: Outcome, phases: list[Phase], settings: Settings) -> Place | None:
    """The place of the last step where it asks for a validation and has none, be it that a stop came before it."""
    step = outcome.step
    if step == 0 or (outcome.validation_rows and outcome.validation_rows[-1]["step"] == step):
        return None
    place = place_of(phases, step - 1)
    return place if step % settings.validate_every_steps == 0 or step == place.end else None


def _end_early(outcome: Outcome, phases: list[Phase], validation: Validation) -> None:
    """The last rows of a run that its hours have ended; its checkpoint has none of it, so that it may go on."""
    place = place_of(phases, outcome.step - 1)
    if not outcome.validation_rows or outcome.validation_rows[-1]["step"] < outcome.step:
        _look(outcome, place.phase, validation)
    print(
        f"train: train.max_hours are over at step {outcome.step}, in phase {place.number + 1} of {len(phases)}, "
        f"{place.phase.name}. The run is kept: with a larger max_hours it goes on from there.",
        flush=True,
    )


def _log(team: Team, outcome: Outcome, rates: dict[str, float], groups: int) -> None:
    """A row of the training curve: the means of the figures since the last, over all processes."""
    of_device = team.mean({name: torch.stack(values).mean() for name, values in outcome.unlogged.items()})
    means = {name: float(value) for name, value in of_device.items()}
    outcome.unlogged = {}
    named = {"learning_rate" if groups == 1 else f"learning_rate_{name}": rate for name, rate in rates.items()}
    outcome.training_rows.append({"step": outcome.step, **named, **means})
    try:
        require_numbers(means, outcome.step)
    except UserError:
        if team.leads:
            raise
        raise SystemExit(0) from None


def _look(outcome: Outcome, phase: Phase, validation: Validation) -> None:
    """A row of the validation curve, what the averaged weights sound like, and whether they are to be kept.

    A stop leaves the outcome as it was.
    """
    figures = validation.figures(outcome.averaged, outcome.step)
    sound = validation.sound(outcome.averaged)
    outcome.validation_rows.append({"step": outcome.step, **figures})
    if phase.keep == "last" or figures["loss"] < outcome.kept_loss:
        outcome.kept_loss, outcome.kept_step = figures["loss"], outcome.step
        outcome.kept = copy.deepcopy(outcome.averaged)
    steps = heard_steps([row["step"] for row in outcome.validation_rows])
    outcome.original = validation.listening.original
    outcome.heard = {step: sound if step == outcome.step else outcome.heard[step] for step in steps}


def _remark(outcome: Outcome, phases: list[Phase], task: nn.Module, phase: int, bar: tqdm) -> None:
    """What the curves show; each kind of remark is told once a phase, when it is first seen."""
    rows = outcome.training_rows, outcome.validation_rows
    outcome.remarks = curve_remarks(phases, *rows) + task.remarks(*rows)
    for remark in outcome.remarks:
        kind = f"{phase} {remark.partition(':')[0]}"
        if kind not in outcome.told:
            outcome.told.append(kind)
            bar.write(f"train: {remark}")


def _where(place: Place, phases: int, step: int, steps_per_second: float | None) -> str:
    """The phase and what is left of it, for the bar, which says by itself what is left of all."""
    if phases == 1:
        return f"train [{place.phase.name}]"
    left = tqdm.format_interval((place.end - step) / steps_per_second) if steps_per_second else "?"
    return f"train [{place.phase.name} {place.number + 1}/{phases}, {left} of it left]"


def _told(outcome: Outcome) -> str:
    """The latest losses, for the bar."""
    named = (("loss", outcome.training_rows), ("validation", outcome.validation_rows))
    return ", ".join(f"{name} {rows[-1]['loss']:.3f}" for name, rows in named if rows and "loss" in rows[-1])
