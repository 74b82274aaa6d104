"""Long-term average spectra in third octaves."""

import numpy as np
import pytest
import scipy.signal

from timbre.evaluation.metrics.ltas import band_powers, ltas_db, ltas_db_within, mean_powers, third_octaves_hz


def test_bands_are_the_standard_s_up_to_half_the_rate():
    assert np.round(third_octaves_hz(48000)[[0, 13, -1]]).tolist() == [50, 1000, 15849]
    assert third_octaves_hz(16000)[-1] < 8000


def test_white_noise_grows_by_a_decibel_per_band_and_keeps_its_power(noise, rate):
    powers = band_powers(noise(20.0), rate)
    slope = np.polyfit(np.arange(len(powers)), 10 * np.log10(powers), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.05)
    share = third_octaves_hz(rate) * (10**0.05 - 10**-0.05) / (rate / 2)
    assert powers[10:] == pytest.approx(0.01 * share[10:], rel=0.05)


def test_bands_equal_those_of_scipys_welch(tone, noise, rate):
    audio = (tone() + noise()).astype(np.float32)
    size = 4096
    frequency, density = scipy.signal.welch(audio, rate, nperseg=size, detrend=False)
    middles, powers = third_octaves_hz(rate), band_powers(audio, rate)
    for index in (13, 16, 19):
        inside = (frequency > middles[index] * 10**-0.05) & (frequency < middles[index] * 10**0.05)
        assert powers[index] == pytest.approx(density[inside].sum() * rate / size, rel=0.1)
    assert powers.sum() == pytest.approx(density[frequency > 45].sum() * rate / size, rel=0.15)


def test_a_sine_falls_into_its_band_alone(rate):
    sine = np.sin(2 * np.pi * 1000 * np.arange(2 * rate) / rate).astype(np.float32)
    powers = band_powers(sine, rate)
    assert powers.argmax() == 13
    assert powers[13] == pytest.approx(0.5, rel=1e-3)
    assert np.delete(powers, 13).max() < 1e-4


def test_level_does_not_count_and_a_tilt_does(noise, rate):
    audio = noise(10.0)
    powers = band_powers(audio, rate)
    assert ltas_db(powers, powers) == 0.0
    assert ltas_db(band_powers(audio * np.float32(0.1), rate), powers) == pytest.approx(0.0, abs=1e-3)
    tilt_db = np.linspace(-6, 6, len(powers))
    assert ltas_db(powers * 10 ** (tilt_db / 10), powers) == pytest.approx(tilt_db.std(), rel=1e-3)
    dark = scipy.signal.lfilter([0.1], [1, -0.9], audio).astype(np.float32)
    assert ltas_db(band_powers(dark, rate), powers) > 3.0


def test_silence_has_no_colour(noise, rate):
    silence = band_powers(np.zeros(rate, np.float32), rate)
    assert ltas_db(silence, band_powers(noise(), rate)) is None
    assert ltas_db(band_powers(noise(), rate), silence) is None


def test_the_spread_of_the_target_itself(noise, tone, rate):
    a, b, c = (band_powers(x, rate) for x in (noise(), noise(seed=1), tone()))
    assert ltas_db_within([a], [2.0]) is None
    assert ltas_db_within([a, b], [2.0, 2.0]) < ltas_db_within([a, b, c], [2.0] * 3)


def test_mean_powers_weigh_by_length():
    assert mean_powers([np.array([1.0]), np.array([4.0])], [2.0, 1.0]) == pytest.approx([2.0])
