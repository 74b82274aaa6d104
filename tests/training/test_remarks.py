"""What loss curves say."""

import numpy as np
import pytest

from timbre.models.phase import Phase
from timbre.training.remarks import PLATEAU_VALIDATIONS, curve_remarks


def rows(losses, every: int = 100, begin: int = 0) -> list[dict]:
    return [{"step": begin + every * number, "loss": float(loss)} for number, loss in enumerate(losses, start=1)]


def one(steps: int, keep: str = "best") -> list[Phase]:
    return [Phase("only", steps, {"generator": 0.1}, keep)]


def test_a_curve_that_falls_is_nothing_unusual():
    falling = 5.0 * 0.97 ** np.arange(20)
    assert curve_remarks(one(2000), rows(falling), rows(falling)) == []
    assert curve_remarks(one(2000), [], []) == []


def test_a_curve_that_creeps_down_by_half_a_percent_each_time_is_no_plateau():
    creeping = 5.0 * 0.995 ** np.arange(20)
    assert curve_remarks(one(2000), rows(creeping), rows(creeping)) == []


@pytest.mark.parametrize("flat", (PLATEAU_VALIDATIONS - 1, PLATEAU_VALIDATIONS, 9))
def test_a_plateau_is_told_from_where_it_began(flat):
    noise = np.random.default_rng(0).uniform(-0.004, 0.004, flat)
    losses = [9.0, 7.0, 6.0, 5.0, *(5.0 * (1 + noise))]
    found = curve_remarks(one(2000), rows(losses), rows(losses))
    if flat < PLATEAU_VALIDATIONS:
        assert found == []
    else:
        assert found == [
            f"plateau: the validation loss has not fallen by more than 1% for the last {flat} validations, since step "
            "400; more steps will hardly help, more recordings or a larger size may."
        ]


def test_a_short_rest_in_a_long_phase_is_no_plateau():
    losses = [9.0, 7.0, 6.0, 5.0, *[5.0] * 9]
    assert curve_remarks(one(100_000), rows(losses), rows(losses)) == []


def test_overfitting_is_told_with_its_turn():
    training = [9.0, 7.0, 6.0, 5.0, 4.5, 4.0, 3.5, 3.0]
    validation = [9.0, 7.5, 7.0, 6.8, 7.0, 7.3, 7.6, 8.0]
    (found,) = curve_remarks(one(2000), rows(training), rows(validation))
    assert found.startswith("overfitting: the validation loss rises while the training loss falls, since step 400")
    assert found.endswith("The weights of step 400 are kept.")


def test_a_validation_loss_that_rises_with_the_training_loss_is_not_overfitting():
    losses = [9.0, 7.5, 7.0, 6.8, 7.0, 7.3, 7.6, 8.0]
    assert not any("overfitting" in found for found in curve_remarks(one(2000), rows(losses), rows(losses)))


def test_phases_are_judged_by_themselves():
    losses = [*np.full(12, 5.0)]
    phases = [*one(1200), Phase("next", 1200, {"generator": 0.1}, "best")]
    assert curve_remarks(phases, rows(losses), rows(losses)) != []
    # A jump at the switch is no rise, and the rest before it is over.
    longer = rows([*losses, *(9.0 * 0.9 ** np.arange(6))])
    assert curve_remarks(phases, longer, longer) == []


def test_a_phase_that_works_at_something_else_than_the_validation_loss_is_not_judged_by_it():
    losses = np.full(12, 5.0)
    assert curve_remarks(one(1200, "last"), rows(losses), rows(losses)) == []
