"""What the loss curves of any model say, in plain sentences."""

from __future__ import annotations

from timbre.models.phase import Phase

# The validation set is small and always the same, so its loss moves by some tenths of a percent from one validation to
# the next without meaning anything; an improvement of less cannot be heard either.
SMALLEST_FALL = 0.01
# A plateau lasts at least so many validations, and so large a share of its phase: long runs are validated often, and
# rest for a while between two improvements.
PLATEAU_VALIDATIONS = 5
PLATEAU_SHARE = 0.1
# Overfitting is told from noise by twice what a plateau allows, between means of so many validations.
SMALLEST_RISE = 0.02
RISE_VALIDATIONS = 3


def curve_remarks(phases: list[Phase], training_rows: list[dict], validation_rows: list[dict]) -> list[str]:
    """Sentences about the phase that the last validation lies in; none where its curves show nothing unusual.

    Only of phases that keep the weights of the lowest validation loss: elsewhere it is not what training works at.
    """
    begin = 0
    for phase in phases:
        end = begin + phase.steps
        if validation_rows and begin < validation_rows[-1]["step"] <= end and phase.keep == "best":
            training = [row for row in training_rows if begin < row["step"] <= end and "loss" in row]
            validation = [row for row in validation_rows if begin < row["step"] <= end]
            found = (_overfitting(training, validation), _plateau(validation, phase.steps))
            return [remark for remark in found if remark][:1]  # what overfits stands still too
        begin = end
    return []


def _plateau(rows: list[dict], steps: int) -> str:
    reference, since = rows[0]["loss"], 0
    for number, row in enumerate(rows):
        if row["loss"] < reference - SMALLEST_FALL * abs(reference):
            reference, since = row["loss"], number
    flat = len(rows) - 1 - since
    resting = rows[-1]["step"] - rows[since]["step"]
    if flat < PLATEAU_VALIDATIONS or resting < PLATEAU_SHARE * steps:
        return ""
    return (
        f"plateau: the validation loss has not fallen by more than {SMALLEST_FALL:.0%} for the last {flat} "
        f"validations, since step {rows[since]['step']}; more steps will hardly help, more recordings or a larger "
        "size may."
    )


def _overfitting(training: list[dict], validation: list[dict]) -> str:
    best = min(range(len(validation)), key=lambda number: validation[number]["loss"])
    recent = validation[-RISE_VALIDATIONS:]
    if len(validation) - 1 - best < RISE_VALIDATIONS:
        return ""
    turn, lowest = validation[best]["step"], validation[best]["loss"]
    width = validation[-1]["step"] - validation[-RISE_VALIDATIONS - 1]["step"]
    before = [row["loss"] for row in training if turn - width < row["step"] <= turn]
    now = [row["loss"] for row in training if row["step"] > validation[-1]["step"] - width]
    if not before or not now:
        return ""
    rise = _mean([row["loss"] for row in recent]) / lowest - 1.0
    fall = 1.0 - _mean(now) / _mean(before)
    if lowest <= 0.0 or rise < SMALLEST_RISE or fall < SMALLEST_RISE:
        return ""
    return (
        f"overfitting: the validation loss rises while the training loss falls, since step {turn} (by {rise:.0%} and "
        f"{fall:.0%}); more recordings will help, more steps will not. The weights of step {turn} are kept."
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
