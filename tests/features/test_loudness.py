"""Levels against the standard's table and closed forms."""

import numpy as np
import pytest
import torch

from timbre.features.frames import frames_of
from timbre.features.loudness import FLOOR_DB, a_weighting_db, frame_loudness_db, loudness_weights

RATE, WINDOW = 48000, 2048
# IEC 61672-1, table 3, at the exact frequencies of the nominal bands (1000 Hz times tenths of a decade).
TABLE = {-15: -39.4, -12: -26.2, -10: -19.1, -7: -10.9, -3: -3.2, 0: 0.0, 3: 1.2, 6: 1.0, 9: -1.1, 12: -6.6}


def loudness_db(audio: np.ndarray, rate: int = RATE) -> np.ndarray:
    frames = torch.tensor(audio, dtype=torch.float32)[None].unfold(1, WINDOW, 512)
    return frame_loudness_db(frames, *loudness_weights(WINDOW, rate))[0].numpy()


def sine(f0_hz: float, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * f0_hz * np.arange(rate // 2) / rate)


@pytest.mark.parametrize(("tenths", "wanted_db"), TABLE.items())
def test_a_weighting_is_the_table_of_the_standard(tenths, wanted_db):
    frequency_hz = torch.tensor(1000.0 * 10.0 ** (tenths / 10), dtype=torch.float64)
    assert float(a_weighting_db(frequency_hz)) == pytest.approx(wanted_db, abs=0.1)


@pytest.mark.parametrize("rate", (16000, 44100, 48000))
def test_a_full_scale_sine_at_1_khz_is_minus_3_01_db(rate):
    assert loudness_db(sine(1000.0, rate), rate) == pytest.approx(-3.01, abs=0.03)


@pytest.mark.parametrize("f0_hz", (200.0, 3000.0))
def test_other_frequencies_differ_by_their_weight(f0_hz):
    weight_db = float(a_weighting_db(torch.tensor(f0_hz)))
    assert loudness_db(sine(f0_hz)) == pytest.approx(-3.01 + weight_db, abs=0.2)


@pytest.mark.parametrize("gain_db", (-60.0, -20.0, -6.0))
def test_a_gain_moves_loudness_by_just_so_much(gain_db):
    noise = np.random.default_rng(0).normal(size=RATE // 2) * 0.1
    assert loudness_db(noise * 10 ** (gain_db / 20)) - loudness_db(noise) == pytest.approx(gain_db, abs=1e-3)


def test_silence_is_the_floor():
    assert (loudness_db(np.zeros(RATE // 4)) == FLOOR_DB).all()
    assert (loudness_db(1e-8 * sine(1000.0)) == FLOOR_DB).all()


def test_the_highest_frequency_counts_once():
    alternating = (-1.0) ** np.arange(16000)
    weight_db = float(a_weighting_db(torch.tensor(8000.0)))
    assert loudness_db(alternating, 16000) == pytest.approx(weight_db, abs=0.05)


def test_white_noise_has_the_level_of_its_weighted_power():
    noise = np.random.default_rng(0).normal(size=4 * RATE)
    frequencies_hz = torch.linspace(0, RATE / 2, 4001)
    power = float((10 ** (a_weighting_db(frequencies_hz) / 10)).mean())
    assert 10 * np.log10(np.mean(10 ** (loudness_db(noise) / 10))) == pytest.approx(10 * np.log10(power), abs=0.1)


def test_a_window_ends_with_its_own_hop():
    audio = torch.arange(1.0, 13.0)[None]
    frames = frames_of(audio, torch.zeros(1, 4), window=8, hop=4)
    assert frames.tolist() == [[[0, 0, 0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8], [5, 6, 7, 8, 9, 10, 11, 12]]]
