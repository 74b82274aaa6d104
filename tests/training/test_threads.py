"""The number of threads, found by trying."""

import json

import pytest
import torch

from timbre.training import threads
from timbre.training.threads import use_best_threads


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    """Numbers of threads that are only noted, and a clock that `steps` moves."""
    there = {"threads": 4, "seconds": 0.0}
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: there["threads"])
    monkeypatch.setattr(torch, "set_num_threads", lambda number: there.update(threads=number))
    monkeypatch.setattr(threads.time, "perf_counter", lambda: there["seconds"])
    return there


def steps_of(there: dict, seconds: dict[int, float], taken: list | None = None):
    def steps() -> int:
        there["seconds"] += 3 * seconds[there["threads"]]
        if taken is not None:
            taken.append(there["threads"])
        return 3

    return steps


@pytest.mark.parametrize(
    ("seconds", "best"),
    (({4: 0.1, 2: 0.2, 1: 0.3}, 4), ({4: 0.3, 2: 0.1, 1: 0.2}, 2), ({4: 0.105, 2: 0.2, 1: 0.1}, 4)),
    ids=("all", "half", "noise"),
)
def test_the_quickest_is_taken_where_it_clearly_is(four_cores, tmp_path, capsys, seconds, best):
    use_best_threads(steps_of(four_cores, seconds), 10_000, tmp_path / "run.json")
    assert four_cores["threads"] == best
    assert json.loads((tmp_path / "run.json").read_text()) == {"threads": best}
    assert f"train: {best} threads, by trial (a step with 1: {seconds[1]:.2g} s" in capsys.readouterr().out


def test_a_run_keeps_its_number(four_cores, tmp_path):
    use_best_threads(steps_of(four_cores, {4: 0.3, 2: 0.1, 1: 0.2}), 10_000, tmp_path / "run.json")
    four_cores["threads"] = 4
    use_best_threads(lambda: 1 / 0, 10_000, tmp_path / "run.json")
    assert four_cores["threads"] == 2


@pytest.mark.parametrize("to_come", (10, 1000, 10_000_000))
def test_it_takes_at_most_thirty_seconds_and_a_small_share_of_a_long_run(four_cores, tmp_path, to_come):
    use_best_threads(steps_of(four_cores, {4: 0.1, 2: 0.1, 1: 0.1}), to_come, tmp_path / "run.json")
    # A pass to warm up, one to know how long they are, and one more than fits for each number.
    assert four_cores["seconds"] <= min(30.0, 0.02 * 0.1 * to_come) + 5 * 0.3 + 1e-6


def test_steps_that_are_too_long_are_not_tried(four_cores, tmp_path):
    taken = []
    use_best_threads(steps_of(four_cores, {4: 20.0, 2: 20.0, 1: 20.0}, taken), 10_000, tmp_path / "run.json")
    assert set(taken) == {4} and four_cores["threads"] == 4 and not (tmp_path / "run.json").exists()


def test_a_number_that_the_user_set_stays(four_cores, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    use_best_threads(lambda: 1 / 0, 10_000, tmp_path / "run.json")
    assert four_cores["threads"] == 4
