"""Crops of step after step, read ahead or held on the device."""

import threading
import time

import pytest
import torch
from support.shapes import SHAPES

from timbre.cache.crops import Crops
from timbre.cache.feed import STEPS_AHEAD, Feed
from timbre.cache.store import Cache
from timbre.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def cache(tiny_cache):
    return Cache(tiny_cache)


@pytest.fixture
def crops(cache):
    return Crops(cache, "train", SHAPES[0], CPU)


@pytest.mark.parametrize("resident", (True, False))
@pytest.mark.parametrize("share", (slice(0, 6), slice(3, 6)))
def test_it_gives_the_crops_of_each_step_from_wherever_they_come(crops, share, resident):
    with Feed(crops, 6, 3, share, resident) as feed:
        for step in (5, 6, 7, 8, 20, 5):  # on, and elsewhere: a run that goes on begins anywhere
            if step == 7 and resident:
                assert feed.resident.full.wait(20)
            got, wanted = feed.crops_of(step), crops.random(6, 3, step, share)
            assert got.keys() == wanted.keys()
            assert all(torch.equal(got[name], wanted[name]) for name in wanted)


def test_the_next_steps_are_read_while_one_is_taken(crops, monkeypatch):
    original, slow = crops.read, threading.Event()

    def read(numbers):
        slow.wait(0.05)
        return original(numbers)

    monkeypatch.setattr(crops, "read", read)
    with Feed(crops, 4, 0, slice(0, 4), resident=False) as feed:
        feed.crops_of(0)
        deadline = time.monotonic() + 20
        while not all(future.done() for future in feed._ahead.values()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        monkeypatch.setattr(crops, "read", lambda numbers: 1 / 0)
        for step in range(1, STEPS_AHEAD):
            feed.crops_of(step)
        with pytest.raises(ZeroDivisionError):
            feed.crops_of(STEPS_AHEAD)


def test_a_damaged_cache_is_told_by_the_step_that_needs_it(crops, monkeypatch):
    def broken(index):
        raise UserError("the cache lacks audio/0000000003")

    monkeypatch.setattr(crops.cache, "audio", broken)
    with Feed(crops, 4, 0, slice(0, 4), resident=False) as feed, pytest.raises(UserError, match="lacks audio"):
        feed.crops_of(0)


def test_nothing_is_left_running(crops):
    before = threading.active_count()
    with Feed(crops, 4, 0, slice(0, 4), resident=True) as feed:
        feed.crops_of(0)
    assert threading.active_count() == before
