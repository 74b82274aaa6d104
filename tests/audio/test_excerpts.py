"""Excerpts: where they are cut, loudness, peaks, and an encoding that is lossless and repeatable."""

import base64
import io

import numpy as np
import pytest
import soundfile

from timbre.audio.excerpts import PEAK_LIMIT, flac_16_base64, gain_of, listening_gain, loudest_start
from timbre.audio.loudness import integrated_lufs

RATE = 16000


def noise(seconds: float = 2.0, level: float = 0.1) -> np.ndarray:
    return level * np.random.default_rng(0).standard_normal(round(seconds * RATE))


def decoded(flac: str) -> np.ndarray:
    return soundfile.read(io.BytesIO(base64.b64decode(flac)))[0]


def test_the_loudest_stretch():
    audio = noise(3.0)
    audio[16000:32000] *= 2
    assert loudest_start(audio, 16000, RATE) == 16000
    assert loudest_start(audio, len(audio), RATE) == loudest_start(audio, len(audio) + 1, RATE) == 0
    assert loudest_start(np.ones(48000, np.float32), 16000, RATE) == 0


def test_peaks_stay_below_full_scale_and_tell_how_far_the_level_is_off():
    clicks = np.zeros(2 * RATE)
    clicks[::4000] = 0.3
    gain, below = listening_gain(clicks, RATE)
    assert np.abs(clicks * gain).max() == pytest.approx(PEAK_LIMIT)
    assert below == pytest.approx(-20.0 - integrated_lufs(clicks * gain, RATE), abs=0.01)
    assert below > 3.0
    assert gain_of(integrated_lufs(clicks, RATE), 0.3) == (gain, below)


def test_silence_stays_silent():
    assert listening_gain(np.zeros(RATE), RATE) == (1.0, 0.0)
    assert gain_of(float("nan"), 0.5) == (1.0, 0.0)


def test_what_is_nearly_silent_is_not_lifted_without_end():
    assert listening_gain(noise(level=5e-4), RATE)[0] == pytest.approx(100.0)


def test_encoding_is_lossless_to_16_bits_and_gives_the_same_bytes():
    audio = np.clip(noise(), -0.9, 0.9)
    assert flac_16_base64(audio, RATE) == flac_16_base64(audio, RATE)
    assert decoded(flac_16_base64(audio, RATE)) == pytest.approx(audio, abs=2**-15)
