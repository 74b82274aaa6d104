"""Tops cut off long ago show in the histogram of the samples."""

import numpy as np
import pytest
import soxr
from support.materials import DARK, MATERIALS

from timbre.audit.meters.meter import Block
from timbre.audit.meters.pile_up import PileUp

RATE = 48000
LIMIT = 5.0
KINDS = {name: made for name, made in (MATERIALS | DARK).items() if name != "bowed"}


def ratio(*rows, blocks=1):
    meter = PileUp(len(rows))
    for block in np.array_split(np.asarray(rows, np.float32), blocks, axis=1):
        meter.add(Block(block, block[0]))
    return meter.result()["pile_up_ratio"]


def clipped(samples, over_db=6.0):
    return np.clip(samples / np.abs(samples).max() * 10.0 ** (over_db / 20.0), -1.0, 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gain_a_dither_and_an_offset_do_not_hide_it(kind):
    samples = KINDS[kind](6.0, 0)
    clean = ratio(samples)
    assert np.isnan(clean) or clean < LIMIT
    rng = np.random.default_rng(0)
    noisy = 0.1 * clipped(samples) + 0.01 + rng.uniform(-1.0, 1.0, len(samples)) / 32768
    assert ratio(noisy) > 2.0 * LIMIT
    assert ratio(samples, -noisy) == ratio(noisy)


@pytest.mark.parametrize("kind", ["clarinet", "bass", "kick", "legato"])
def test_resampling_does_not_hide_it_where_tops_are_long(kind):
    assert ratio(soxr.resample(0.5 * clipped(KINDS[kind](6.0, 1)), RATE, 44100)) > LIMIT


@pytest.mark.parametrize("hertz", [50.0, 441.0, 997.3])
@pytest.mark.parametrize("amplitude", [1.0, 0.7, 0.02])
def test_a_sine_lingers_at_its_top_but_less(hertz, amplitude):
    tone = amplitude * np.sin(2.0 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    assert ratio(tone) < 4.0
    assert ratio(np.clip(tone, -0.9 * amplitude, 0.9 * amplitude)) > LIMIT


def test_nothing_to_tell_from():
    assert np.isnan(ratio(np.zeros(RATE))) and np.isnan(ratio(np.zeros(0)))
    assert np.isnan(ratio(np.eye(1, RATE)[0]))


def test_blocks_make_no_difference():
    samples = clipped(KINDS["drum"](4.0, 2))
    assert ratio(samples) == ratio(samples, blocks=7) == ratio(samples, blocks=1000)
