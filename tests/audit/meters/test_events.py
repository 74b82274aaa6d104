"""Onsets are counted as they are played, and decays measured as they are made."""

import numpy as np
import pytest
from scipy.signal import fftconvolve
from support.materials import DARK, MATERIALS, RATE

from timbre.audit.meters.events import Events
from timbre.audit.meters.meter import Block
from timbre.evaluation.metrics.onsets import onsets_seconds


def measured(audio, rate=RATE, blocks=1):
    meter = Events(rate)
    for part in np.array_split(np.asarray(audio, np.float32), blocks):
        meter.add(Block(part[None], part))
    row = meter.result()
    return row["onsets_per_second"], row["decay_seconds"]


def in_a_room(audio, decay_seconds, rate=RATE):
    """Direct sound, and noise that falls by 60 dB in that time."""
    rng = np.random.default_rng(0)
    times = np.arange(round(1.3 * decay_seconds * rate)) / rate
    response = rng.standard_normal(len(times)) * 10.0 ** (-3.0 * times / decay_seconds)
    response[0] += 3.0
    wet = fftconvolve(audio, response)[: len(audio)]
    return 0.5 * wet / np.abs(wet).max() + 1e-4 * rng.standard_normal(len(wet))


def bursts(seconds=20.0, every=3.0, length=0.4, rate=RATE):
    times = np.arange(round(seconds * rate)) / rate
    return np.random.default_rng(1).standard_normal(len(times)) * (times % every < length)


@pytest.mark.parametrize("rate", (16000, 44100, 48000))
@pytest.mark.parametrize("a_second", (0.5, 2.0, 6.0))
@pytest.mark.parametrize("gain", (1.0, 0.02))
def test_hits_are_counted(a_second, rate, gain):
    times = np.arange(12 * rate) / rate
    noise = np.random.default_rng(0).standard_normal(len(times))
    hits = 0.2 * gain * noise * np.exp(-(times % (1.0 / a_second)) / 0.04)
    assert measured(hits, rate)[0] == pytest.approx(a_second, rel=0.06)


def test_notes_are_counted(harmonic_tone):
    fade = np.minimum(1.0, np.arange(RATE // 4) / (0.01 * RATE))
    fade *= fade[::-1]
    notes = [harmonic_tone(f0_hz, 0.25, RATE) * fade for f0_hz in (220, 247, 262, 330, 294, 196, 220, 440)]
    assert measured(np.concatenate(notes))[0] == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize("name", ("plucked", "drum", "speech", "kick"))
def test_as_many_as_the_evaluation_hears(name):
    audio = (MATERIALS | DARK)[name](6.0, 3)
    assert 6.0 * measured(audio)[0] == pytest.approx(len(onsets_seconds(audio, RATE)), abs=2.5)


def test_steady_sounds_begin_once(harmonic_tone):
    assert measured(0.1 * np.random.default_rng(0).standard_normal(20 * RATE))[0] < 0.7
    times = np.arange(10 * RATE) / RATE
    vibrato = np.sin(2 * np.pi * np.cumsum(330.0 + 5.0 * np.sin(2 * np.pi * 5.5 * times)) / RATE)
    assert measured(0.3 * vibrato)[0] == 0.1
    assert measured(np.zeros(RATE))[0] == 0.0


@pytest.mark.parametrize("rate", (16000, 48000))
@pytest.mark.parametrize("decay_seconds", (0.2, 0.6, 2.4))
def test_decay_of_rooms(decay_seconds, rate):
    wet = in_a_room(bursts(rate=rate), decay_seconds, rate)
    assert measured(wet, rate)[1] == pytest.approx(decay_seconds, rel=0.1)


@pytest.mark.parametrize("decay_seconds", (0.6, 1.2))
@pytest.mark.parametrize("name", ("speech", "noise"))
def test_decay_of_rooms_behind_real_material(name, decay_seconds):
    dry = np.concatenate([MATERIALS[name](6.0, seed) for seed in range(3)])
    assert measured(in_a_room(dry, decay_seconds))[1] == pytest.approx(decay_seconds, rel=0.25)


def test_decay_of_what_rings_by_itself():
    times = np.arange(12 * RATE) / RATE
    # exp(-t / 0.15 s) falls by 60 dB in 0.15 ln 1000 seconds.
    drum = np.sin(2 * np.pi * 180.0 * times) * np.exp(-(times % 2.0) / 0.15) * 0.5
    assert measured(drum)[1] == pytest.approx(0.15 * np.log(1000.0), rel=0.05)


def test_no_decay_without_ends(harmonic_tone):
    assert np.isnan(measured(harmonic_tone(220.0, 10.0, RATE))[1])
    assert np.isnan(measured(DARK["legato"](6.0, 0))[1])
    assert np.isnan(measured(0.1 * np.random.default_rng(0).standard_normal(5 * RATE))[1])
    assert np.isnan(measured(np.zeros(RATE))[1])


def test_an_offset_makes_no_difference():
    audio = in_a_room(bursts(), 0.6)
    onsets, decay = measured(audio)
    assert measured(audio + 0.1) == (pytest.approx(onsets, abs=0.06), pytest.approx(decay, rel=0.02))


def test_blocks_make_no_difference():
    audio = in_a_room(np.concatenate([MATERIALS["drum"](6.0, seed) for seed in range(3)]), 0.5)
    whole = measured(audio)
    assert measured(audio, blocks=7) == pytest.approx(whole) and measured(audio, blocks=200) == pytest.approx(whole)


@pytest.mark.parametrize("samples", (1, 100, 2000))
def test_very_short_sounds(samples):
    onsets, decay = measured(0.1 * np.ones(samples))
    assert np.isfinite(onsets) and np.isnan(decay)
