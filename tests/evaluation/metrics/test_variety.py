"""Variety of outputs: the same one, a copy, and known distances."""

import numpy as np
import pytest

from timbre.evaluation.metrics.variety import DEGENERATE, degeneracy, mean_distance_db, outline_db


@pytest.fixture
def inputs(tone, noise, rate):
    return [outline_db(audio, rate) for audio in (tone(220.0), tone(900.0), noise(), noise(3.0, 0.01))]


def test_a_copy_of_the_inputs_varies_as_they_do(inputs):
    assert degeneracy(inputs, inputs) == 1.0


def test_the_same_output_whatever_the_input_is_degenerate(inputs, noise, rate):
    drone = outline_db(noise(3.0), rate)
    assert degeneracy(inputs, [drone] * 4) == 0.0
    # An idle engine: the same noise, each time another stretch of it.
    idle = [outline_db(noise(3.0, seed=seed), rate) for seed in range(4)]
    assert degeneracy(inputs, idle) < DEGENERATE
    assert degeneracy(inputs, [inputs[0], inputs[1], drone, drone]) > DEGENERATE


def test_a_gain_is_its_own_distance(noise, rate):
    audio = noise(2.0)
    outlines = [outline_db((audio * 10 ** (gain_db / 20)).astype(np.float32), rate) for gain_db in (0.0, -6.0, -12.0)]
    assert mean_distance_db(outlines) == pytest.approx((6 + 12 + 6) / 3, abs=1e-3)


def test_sounds_are_compared_over_what_both_have(noise, rate):
    long, short = outline_db(noise(3.0), rate), outline_db(noise(3.0)[:rate], rate)
    assert len(long) > len(short)
    assert mean_distance_db([long, short[:-1]]) == pytest.approx(0.0, abs=1e-9)
    assert np.array_equal(outline_db(noise(30.0), rate), outline_db(noise(30.0)[: 10 * rate], rate))


def test_one_sound_or_equal_ones_tell_nothing(inputs):
    assert degeneracy(inputs[:1], inputs[:1]) is degeneracy([], []) is None
    assert degeneracy([inputs[0], inputs[0]], inputs[:2]) is None
