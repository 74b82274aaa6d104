"""Waiting for data, and what to do about it."""

from types import SimpleNamespace

import pytest
import torch

from timbre.training import waiting
from timbre.training.waiting import Waiting


@pytest.fixture
def clock(monkeypatch):
    now = {"seconds": 0.0}
    monkeypatch.setattr(waiting.time, "perf_counter", lambda: now["seconds"])
    return now


@pytest.fixture
def feed():
    crops = SimpleNamespace(device=torch.device("cpu"), frames=1_000_000, channels=1, hop=512)
    return SimpleNamespace(crops=crops)


def pass_time(clock: dict, waits: Waiting, waited: float, worked: float) -> None:
    with waits:
        clock["seconds"] += waited
    clock["seconds"] += worked


def test_the_share_is_what_was_waited_of_all(clock, feed):
    waits = Waiting(feed)
    for _ in range(10):
        pass_time(clock, waits, 1.0, 3.0)
    assert waits.share == pytest.approx(0.25)


def test_it_is_told_once_with_what_to_change(clock, feed):
    waits, said = Waiting(feed), []
    pass_time(clock, waits, 1.0, 1.0)
    waits.tell(said.append)
    assert said == []  # too early to know
    for _ in range(20):
        pass_time(clock, waits, 0.5, 1.5)
        waits.tell(said.append)
    [line] = said
    assert "% of the time is spent waiting for data" in line and "local SSD" in line and "1.04 GB" in line


def test_a_little_is_not_told(clock, feed):
    waits, said = Waiting(feed), []
    for _ in range(100):
        pass_time(clock, waits, 0.05, 0.95)
        waits.tell(said.append)
    assert said == []
