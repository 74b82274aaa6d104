"""How often a run is kept on disk."""

import time

import pytest

from timbre.training.keeping import Keeping


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds, to be turned."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def steps_kept(clock, monkeypatch):
    """Which of the steps, each of so many seconds, are kept where that takes so many."""

    def run(steps: int, step_seconds: float, save_seconds: float) -> list[int]:
        kept, step = [], 0

        def save() -> None:
            kept.append(step)
            clock[0] += save_seconds

        keeping = Keeping(save, 0)
        for step in range(1, steps + 1):
            clock[0] += step_seconds
            keeping.when_due(step)
        return kept

    return run


def test_what_is_quickly_kept_is_kept_every_half_minute(steps_kept):
    assert steps_kept(100, 1.0, 0.1) == [30, 60, 90]


def test_keeping_takes_no_more_than_a_hundredth_of_the_time(steps_kept):
    kept = steps_kept(2000, 1.0, 5.0)
    assert kept == [30, 530, 1030, 1530]


def test_the_environment_says_how_often(steps_kept, monkeypatch):
    monkeypatch.setenv("TIMBRE_CHECKPOINT_SECONDS", "4")
    assert steps_kept(12, 2.0, 5.0) == [2, 4, 6, 8, 10, 12]
    monkeypatch.setenv("TIMBRE_CHECKPOINT_SECONDS", "0")
    assert steps_kept(3, 0.0, 0.0) == [1, 2, 3]


def test_a_step_is_kept_once():
    kept = []
    keeping = Keeping(lambda: kept.append(1), 7)
    keeping.now(7)
    assert not kept
    keeping.now(8)
    keeping.now(8)
    assert kept == [1]
