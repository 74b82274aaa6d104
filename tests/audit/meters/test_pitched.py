"""Which sounds have a pitch, and which."""

import tracemalloc

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from support.materials import bowed

from timbre.audit.meters.meter import Block
from timbre.audit.meters.pitched import Pitch, pitch_hz
from timbre.demo import inputs


def share(audio, rate=48000):
    frame = rate // 20
    frames = np.asarray(audio, np.float32)[: len(audio) // frame * frame].reshape(-1, frame)
    return np.isfinite(pitch_hz(frames[np.square(frames).mean(axis=1) > 1e-6], rate)).mean()


@pytest.mark.parametrize("rate", (8000, 16000, 44100, 48000, 96000))
@pytest.mark.parametrize("f0_hz", (55.0, 220.0, 1900.0))
@pytest.mark.parametrize("offset", (0.0, 0.2))
def test_tones_are_pitched_at_any_rate(harmonic_tone, rate, f0_hz, offset):
    assert share(harmonic_tone(f0_hz, 1.0, rate) + np.float32(offset), rate) == 1.0


def test_noise_is_not_whatever_its_colour():
    white = 0.1 * np.random.default_rng(0).standard_normal(5 * 48000)
    brown = np.cumsum(white) / 100
    assert share(white) == share(brown) == share(sosfilt(butter(2, 300, fs=48000, output="sos"), white)) == 0.0


def test_single_knocks_and_rumble_are_not():
    assert share(sosfilt(butter(2, 300, "highpass", fs=48000, output="sos"), np.arange(96000) % 12000 == 0)) == 0.0
    assert share(0.1 * np.sin(2 * np.pi * 15.0 * np.arange(48000) / 48000)) == 0.0


def test_drums_are_not_but_for_a_kick_here_and_there():
    assert 0.0 < share(inputs.drums(np.random.default_rng(0))[0]) < 0.2


def test_bowed_notes_are():
    assert share(bowed(6.0, 1)) > 0.9


def test_frames_too_short_for_a_period_and_none_at_all():
    assert np.isnan(pitch_hz(np.ones((2, 3), np.float32), 48000)).all()
    assert pitch_hz(np.zeros((0, 2400), np.float32), 48000).shape == (0,)


def test_memory_does_not_grow_with_the_number_of_frames():
    frames = np.random.default_rng(0).standard_normal((1200, 2400)).astype(np.float32)
    pitch_hz(frames[:64], 48000)
    peaks = []
    for count in (128, 1200):
        tracemalloc.start()
        pitch_hz(frames[:count], 48000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def measured(audio, rate=48000):
    meter = Pitch(rate)
    audio = np.asarray(audio, np.float32)
    meter.add(Block(audio[None], audio))
    return meter.result()


@pytest.mark.parametrize("rate", (16000, 44100, 48000))
@pytest.mark.parametrize("f0_hz", (55.0, 110.0, 220.0, 523.25, 1174.66))
def test_pitch_of_tones(harmonic_tone, rate, f0_hz):
    row = measured(harmonic_tone(f0_hz, 1.0, rate), rate)
    for key in ("pitch_low_hz", "pitch_high_hz"):
        assert abs(1200 * np.log2(row[key] / f0_hz)) < 10


def test_range_of_a_flute_is_that_of_its_truth():
    audio, f0_hz = inputs.flute(np.random.default_rng(5))
    row = measured(audio)
    low, high = np.percentile(f0_hz[f0_hz > 0], [2, 98])
    assert abs(12 * np.log2(row["pitch_low_hz"] / low)) < 0.3
    assert abs(12 * np.log2(row["pitch_high_hz"] / high)) < 0.3


def test_no_range_where_there_is_no_pitch():
    row = measured(0.1 * np.random.default_rng(0).standard_normal(48000))
    assert row["pitched_percent"] == 0.0 and np.isnan(row["pitch_low_hz"]) and np.isnan(row["pitch_high_hz"])
    assert np.isnan(measured(np.zeros(48000))["pitched_percent"])
