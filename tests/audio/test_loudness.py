"""Loudness and true peak against the signals of EBU Tech 3341 and 3342, and against libebur128."""

import numpy as np
import pyebur128
import pytest
from scipy.signal import butter, sosfilt

from timbre.audio.loudness import LoudnessMeter, PeakMeter, integrated_lufs, loudness_range_lu, true_peak_dbtp

RATES = (48000, 44100)


def sine(level_dbfs, seconds, rate, hertz=1000.0, phase=0.0):
    t = np.arange(round(seconds * rate)) / rate
    return 10.0 ** (level_dbfs / 20.0) * np.sin(2.0 * np.pi * hertz * t + phase)


def stereo(parts, rate, hertz=1000.0):
    tone = np.concatenate([sine(level, seconds, rate, hertz) for level, seconds in parts])
    return np.stack([tone, tone], axis=1).astype(np.float32)


def libebur128(samples, rate, mode, reading):
    state = pyebur128.R128State(samples.shape[1], rate, mode)
    state.add_frames(np.ascontiguousarray(samples, np.float64).ravel(), len(samples))
    return reading(state)


# EBU Tech 3341, table 1: levels in dBFS and seconds, and the loudness that a meter must show within 0.1 LU.
TECH_3341 = {
    1: ([(-23, 20)], -23.0),
    2: ([(-33, 20)], -33.0),
    3: ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
    4: ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
    5: ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", TECH_3341)
def test_integrated_loudness_tech_3341(case, rate):
    parts, target = TECH_3341[case]
    samples = stereo(parts, rate)
    ours = integrated_lufs(samples, rate)
    assert ours == pytest.approx(target, abs=0.1)
    peer = libebur128(samples, rate, pyebur128.MeasurementMode.MODE_I, pyebur128.get_loudness_global)
    assert ours == pytest.approx(peer, abs=0.01)


@pytest.mark.parametrize("rate", RATES)
def test_integrated_loudness_five_channels_tech_3341_case_6(rate):
    levels = (-28, -28, -24, -30, -30)
    samples = np.stack([sine(level, 20, rate) for level in levels], axis=1)
    assert integrated_lufs(samples, rate) == pytest.approx(-23.0, abs=0.1)


# EBU Tech 3342, table 1: levels and the loudness range that a meter must show within 1 LU.
TECH_3342 = {
    1: ((-20, -30), 10.0),
    2: ((-20, -15), 5.0),
    3: ((-40, -20), 20.0),
    4: ((-50, -35, -20, -35, -50), 15.0),
}


@pytest.mark.parametrize("case", TECH_3342)
def test_loudness_range_tech_3342(case):
    levels, target = TECH_3342[case]
    samples = stereo([(level, 20) for level in levels], 48000)
    ours = loudness_range_lu(samples, 48000)
    assert ours == pytest.approx(target, abs=1.0)
    peer = libebur128(samples, 48000, pyebur128.MeasurementMode.MODE_LRA, pyebur128.get_loudness_range)
    assert ours == pytest.approx(peer, abs=0.5)


# Tones whose samples miss the peak (after Tech 3341, cases 15 to 19): part of the rate, degrees, amplitude, dBTP.
TRUE_PEAK = {
    15: (4, 0.0, 0.5, -6.0),
    16: (4, 45.0, 0.5, -6.0),
    17: (6, 60.0, 0.5, -6.0),
    18: (8, 67.5, 0.5, -6.0),
    19: (4, 45.0, 1.41, 3.0),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", TRUE_PEAK)
def test_true_peak_tech_3341(case, rate):
    divisor, degrees, amplitude, target = TRUE_PEAK[case]
    tone = amplitude * np.sin(2.0 * np.pi * np.arange(rate) / divisor + np.radians(degrees))
    fade = np.minimum(1.0, np.minimum(np.arange(rate), np.arange(rate)[::-1]) / (0.1 * rate))
    ours = true_peak_dbtp((tone * fade).astype(np.float32), rate)
    assert target - 0.4 <= ours <= target + 0.2


@pytest.mark.parametrize("rate", (8000, 11025, 16000, 22050, 44100, 48000, 96000))
def test_equal_to_libebur128_on_noise_in_waves(rate):
    rng = np.random.default_rng(rate)
    waves = np.repeat(10.0 ** (rng.uniform(-40, -20, 30) / 20.0), rate)
    # Half the band, since libebur128's short interpolator is not exact near the top.
    noise = sosfilt(butter(8, 0.5, output="sos"), rng.standard_normal(30 * rate))
    samples = (waves * noise)[:, None].astype(np.float32)
    mode = pyebur128.MeasurementMode
    assert integrated_lufs(samples, rate) == pytest.approx(
        libebur128(samples, rate, mode.MODE_I, pyebur128.get_loudness_global), abs=0.1 if rate % 10 else 0.01
    )
    peer = libebur128(samples, rate, mode.MODE_TRUE_PEAK, lambda state: pyebur128.get_true_peak(state, 0))
    assert true_peak_dbtp(samples, rate) == pytest.approx(20.0 * np.log10(peer), abs=0.1)


def test_mono_reads_three_lu_below_the_same_sound_on_two_channels():
    tone = sine(-20, 5, 48000).astype(np.float32)
    two = np.stack([tone, tone], axis=1)
    assert integrated_lufs(two, 48000) - integrated_lufs(tone, 48000) == pytest.approx(3.01, abs=0.005)


def test_shorter_than_a_block_is_one_block():
    tone = sine(-20, 4.0, 48000).astype(np.float32)
    assert integrated_lufs(tone[:9600], 48000) == pytest.approx(integrated_lufs(tone, 48000), abs=0.5)
    assert np.isnan(loudness_range_lu(tone[:48000], 48000))


def test_silence_and_nothing():
    for samples in (np.zeros(48000, np.float32), np.zeros(10, np.float32), np.zeros(0, np.float32)):
        assert integrated_lufs(samples, 48000) == -np.inf
        assert true_peak_dbtp(samples, 48000) == -np.inf
        assert np.isnan(loudness_range_lu(samples, 48000))


@pytest.mark.parametrize("rate", (48000, 11025))
def test_meters_do_not_see_the_blocks_they_get(rate):
    rng = np.random.default_rng(3)
    samples = (0.2 * rng.standard_normal((8 * rate + 7, 2))).astype(np.float32)
    whole, parts = LoudnessMeter(rate, 2), LoudnessMeter(rate, 2)
    peak, part_peak = PeakMeter(rate, 2), PeakMeter(rate, 2)
    whole.add(samples)
    peak.add(samples)
    first = 0
    while first < len(samples):
        last = first + int(rng.integers(1, 7000))
        parts.add(samples[first:last])
        part_peak.add(samples[first:last])
        first = last
    np.testing.assert_allclose(parts.energies(), whole.energies(), rtol=1e-9)
    np.testing.assert_array_equal(part_peak.peaks_dbtp(), peak.peaks_dbtp())


def test_peak_at_the_very_edge_is_seen():
    edge, middle = np.zeros((2, 1000), np.float32)
    edge[-1] = middle[500] = 0.5
    assert true_peak_dbtp(edge, 48000) == pytest.approx(true_peak_dbtp(middle, 48000), abs=1e-4)
