"""Level under 10 Hz."""

import numpy as np
import pytest

from timbre.audit.meters.meter import Block
from timbre.audit.meters.rumble import Rumble


def low_dbfs(samples, rate=48000, blocks=1):
    meter = Rumble(rate)
    for block in np.array_split(np.asarray(samples, np.float32), blocks):
        meter.add(Block(block[None], block))
    return meter.result()["low_frequency_dbfs"]


def sine(hertz, rate=48000, seconds=10.0):
    return np.sin(2.0 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [4000, 11025, 44100, 48000, 96000])
@pytest.mark.parametrize("hertz", [1.0, 3.0, 6.0])
def test_slow_waves_have_their_level(rate, hertz):
    assert low_dbfs(0.1 * sine(hertz, rate), rate) == pytest.approx(-23.0, abs=0.3)


def test_the_mean_is_no_rumble():
    assert low_dbfs(0.1 * sine(3.0) + 0.3) == pytest.approx(-23.0, abs=0.3)
    assert low_dbfs(np.full(480000, 0.3)) < -80.0


@pytest.mark.parametrize("hertz", [41.2, 97.0, 103.0, 190.0, 1000.0])
def test_low_notes_are_none(hertz):
    """Also those that a lower rate would fold down to it."""
    fade = np.minimum(1.0, np.minimum(np.arange(480000), np.arange(480000)[::-1]) / 9600.0)
    assert low_dbfs(0.9 * fade * sine(hertz)) < -48.0


def test_short_and_silent_sounds():
    assert np.isnan(low_dbfs(np.ones(100)))
    assert low_dbfs(np.zeros(48000)) == -200.0


def test_blocks_make_no_difference():
    samples = np.cumsum(np.random.default_rng(0).standard_normal(96000)) / 1000.0
    assert low_dbfs(samples, blocks=77) == pytest.approx(low_dbfs(samples), abs=1e-6)
