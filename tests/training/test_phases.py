"""Where a step lies in the phases."""

import pytest

from timbre.models.phase import Phase
from timbre.training.phases import place_of, plan_in_words
from timbre.training.schedule import learning_rate

PHASES = [
    Phase("first", 100, {"generator": 0.1}, "best"),
    Phase("second", 60, {"generator": 0.01, "discriminator": 0.02}, "last"),
]


@pytest.mark.parametrize(
    ("step", "name", "begin", "end"), ((0, "first", 0, 100), (99, "first", 0, 100), (100, "second", 100, 160))
)
def test_a_step_has_its_place(step, name, begin, end):
    place = place_of(PHASES, step)
    assert (place.phase.name, place.begin, place.end) == (name, begin, end)


def test_there_is_nothing_after_the_last_phase():
    with pytest.raises(IndexError):
        place_of(PHASES, 160)


def test_rates_warm_up_and_die_away_in_each_phase_and_group():
    assert place_of(PHASES, 30).rates() == {"generator": learning_rate(30, 100, 0.1)}
    assert place_of(PHASES, 130).rates() == {
        "generator": learning_rate(30, 60, 0.01),
        "discriminator": learning_rate(30, 60, 0.02),
    }


def test_the_plan_names_phases_steps_rates_and_hours():
    lines = [
        "phase 1 of 2, first: 100 steps, learning rate up to 0.1 (generator) after 50 steps, then down to 2% of it; "
        "keeps the weights of its lowest validation loss",
        "phase 2 of 2, second: 60 steps, learning rate up to 0.01 (generator), 0.02 (discriminator) after 50 steps, "
        "then down to 2% of it; keeps its last averaged weights",
    ]
    assert plan_in_words(PHASES, max_hours=0.0) == lines
    assert plan_in_words(PHASES, max_hours=1.5) == [
        *lines,
        "ends after 1.5 hours, wherever it is then (train.max_hours)",
    ]
