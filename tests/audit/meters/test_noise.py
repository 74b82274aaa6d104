"""The noise floor is found in pauses, and nowhere else."""

import numpy as np
import pytest
from scipy.signal import lfilter
from support.materials import DARK, MATERIALS

from timbre.audit.meters.meter import Block
from timbre.audit.meters.noise import NoiseFloor
from timbre.demo import inputs

RATE = 48000
WITH_PAUSES = ("plucked", "drum", "speech", "noise")


def floor(samples, rate=RATE, blocks=1):
    meter = NoiseFloor(rate)
    for block in np.array_split(np.asarray(samples, np.float32), blocks):
        meter.add(Block(block[None], block))
    row = meter.result()
    return row["noise_floor_dbfs"], row["snr_db"]


def hiss(samples, level_dbfs, colour=0.0, seed=0):
    """Noise of that RMS; colour: pole of a first-order lowpass."""
    noise = lfilter([1.0], [1.0, -colour], np.random.default_rng(seed).standard_normal(samples))
    return 10.0 ** (level_dbfs / 20.0) * noise / noise.std()


@pytest.mark.parametrize("kind", WITH_PAUSES)
@pytest.mark.parametrize("colour", [0.0, 0.9])
def test_noise_under_music_with_pauses(kind, colour):
    samples = MATERIALS[kind](12.0, 1)
    for level_dbfs in (-42.0, -36.0):
        found, snr = floor(samples + hiss(len(samples), level_dbfs, colour))
        assert found == pytest.approx(level_dbfs, abs=2.0)
        frames = samples[: len(samples) // 2400 * 2400].reshape(-1, 2400)
        loud = np.percentile(10.0 * np.log10(np.square(frames).mean(axis=1) + 1e-9), 95.0)
        assert snr == pytest.approx(loud - level_dbfs, abs=2.5)


@pytest.mark.parametrize("kind", [*WITH_PAUSES, *DARK])
def test_clean_sounds_have_a_low_floor_or_none(kind):
    for seed in range(2):
        found, _ = floor((MATERIALS | DARK)[kind](8.0, seed))
        assert np.isnan(found) or found < -74.0


def test_music_without_pauses_has_no_floor():
    assert np.isnan(floor(DARK["legato"](8.0, 3) + hiss(8 * RATE, -40.0))[0])
    assert np.isnan(floor(inputs.sweep(np.random.default_rng(0))[0])[0])
    assert np.isnan(floor(0.3 * np.random.default_rng(0).standard_normal(4 * RATE))[0])


@pytest.mark.parametrize("decay_db_a_second", [6.0, 20.0, 60.0])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("times", [1, 6])
def test_a_dying_sound_is_no_floor(decay_db_a_second, noisy, times):
    seconds = np.arange(round(RATE * 36.0 / decay_db_a_second)) / RATE
    sound = hiss(len(seconds), -12.0) if noisy else 0.5 * np.sin(2.0 * np.pi * 300.0 * seconds)
    assert np.isnan(floor(np.tile(sound * 10.0 ** (-decay_db_a_second * seconds / 20.0), times))[0])


@pytest.mark.parametrize("seconds", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_noise_that_swells_is_the_music(seconds, seed):
    edges = np.arange(0, 60 * 16000 + 1, round(seconds * 16000))
    swell = np.interp(np.arange(60 * 16000), edges, np.random.default_rng(seed).uniform(-35.0, -12.0, len(edges)))
    assert np.isnan(floor(10.0 ** (swell / 20.0) * hiss(60 * 16000, 0.0), 16000)[0])


def test_digital_silence_is_no_noise():
    samples = np.concatenate([0.3 * np.sin(np.arange(RATE) / 10.0), np.zeros(RATE)])
    assert np.isnan(floor(np.tile(samples, 4))[0])


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_any_rate(rate):
    gate = np.arange(6 * rate) // (rate // 2) % 2
    found, snr = floor(gate * 0.3 * np.sin(np.arange(6 * rate) * 2500.0 / rate) + hiss(6 * rate, -45.0), rate)
    assert found == pytest.approx(-45.0, abs=0.5) and snr == pytest.approx(45.0 - 13.5, abs=0.6)


def test_too_short_to_tell():
    assert np.isnan(floor(hiss(3000, -20.0))[0]) and np.isnan(floor(np.zeros(0))[0])


def test_blocks_make_no_difference():
    samples = MATERIALS["speech"](4.0, 0)
    assert floor(samples) == floor(samples, blocks=7) == floor(samples, blocks=1000)
