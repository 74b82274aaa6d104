"""Clipping is found where it is, and not where a clean tone is rounded."""

import numpy as np
import pytest

from timbre.audit.meters.clipping import ClipCounter

RATE = 48000


def sine(hertz, amplitude=1.0, seconds=2.0):
    return amplitude * np.sin(2.0 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def to_bits(samples, bits):
    full = 2.0 ** (bits - 1)
    return (np.clip(np.rint(samples * full), -full, full - 1) / full).astype(np.float32)


def count(samples, bits=16, blocks=1):
    counter = ClipCounter(2.0 ** (1 - bits))
    for block in np.array_split(samples.astype(np.float32), blocks):
        counter.add(block)
    return counter.result()


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("hertz", [20.0, 30.0, 50.0, 110.0, 440.0, 997.0, 4000.0])
def test_clean_tones_are_not_clipped(hertz, bits):
    assert count(to_bits(sine(hertz, 32767 / 32768), bits), bits) == (0, 0)


@pytest.mark.parametrize("over_db", [1.0, 3.0, 12.0])
@pytest.mark.parametrize("hertz", [30.0, 110.0, 440.0])
def test_every_clipped_top_is_one_run(hertz, over_db):
    runs, samples = count(to_bits(np.clip(sine(hertz, 10.0 ** (over_db / 20.0)), -0.9, 0.9), 16))
    assert runs == pytest.approx(2 * hertz * 2.0, abs=2)
    share = 1.0 - 2.0 / np.pi * np.arcsin(0.9 * 10.0 ** (-over_db / 20.0))
    assert samples / (2 * RATE) == pytest.approx(share, rel=0.1)


def test_blocks_make_no_difference():
    clipped = to_bits(np.clip(sine(110.0, 1.5), -1.0, 1.0), 16)
    whole = count(clipped)
    assert whole[0] > 0
    for blocks in (2, 7, 1000, len(clipped) // 3):
        assert count(clipped, blocks=blocks) == whole


def test_tops_below_the_loudest_place_are_not_counted():
    steps = np.where(sine(110.0, 0.5) > 0, 0.5, -0.5)
    assert count(np.concatenate([steps, [1.0, -1.0]])) == (0, 0)


def test_a_soft_square_and_silence_are_not_clipped():
    assert count(np.where(sine(110.0) > 0, 0.1, -0.1)) == (0, 0)
    assert count(np.zeros(1000)) == (0, 0)
    assert count(np.zeros(0)) == (0, 0)


def test_an_endless_run_costs_no_memory():
    counter = ClipCounter(2.0**-15)
    counter.add(np.zeros(10, np.float32))
    for _ in range(50):
        counter.add(np.ones(50_000, np.float32))
    assert len(counter._tail) < 200_000
    runs, samples = counter.result()
    assert runs >= 1 and samples > 0
