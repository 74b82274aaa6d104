"""Loudness and true peak against the signals of EBU Tech 3341 and 3342, and against libebur128."""

import numpy as np
import pyebur128
import pytest
from scipy.signal import butter, sosfilt

from timbre.audio.loudness import (
    MOMENTARY_SECONDS,
    SHORT_TERM_SECONDS,
    LoudnessMeter,
    PeakMeter,
    integrated_lufs,
    loudness_range_lu,
    true_peak_dbtp,
)

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


@pytest.mark.parametrize(("case", "spread_db"), [(7, 5.0), (8, 15.0)])
def test_programmes_like_those_of_tech_3341_cases_7_and_8(case, spread_db):
    """The standard's own are recordings of narrow and wide loudness range; these are noise with such swells."""
    rng = np.random.default_rng(case)
    levels_db = np.repeat(rng.uniform(-spread_db, spread_db, 30), 48000)
    noise = sosfilt(butter(2, (100, 6000), "bandpass", fs=48000, output="sos"), rng.standard_normal((2, 30 * 48000)))
    samples = (0.05 * noise * 10.0 ** (levels_db / 20.0)).T
    mode = pyebur128.MeasurementMode
    samples *= 10.0 ** ((-23.0 - libebur128(samples, 48000, mode.MODE_I, pyebur128.get_loudness_global)) / 20.0)
    samples = samples.astype(np.float32)
    assert integrated_lufs(samples, 48000) == pytest.approx(-23.0, abs=0.01)
    for seconds, kind, reading in (
        (MOMENTARY_SECONDS, mode.MODE_M, highest_momentary),
        (SHORT_TERM_SECONDS, mode.MODE_S, highest_short_term),
    ):
        assert loudest(samples, 48000, seconds) == pytest.approx(reading(samples, 48000, kind), abs=0.02)
    peer = libebur128(samples, 48000, mode.MODE_LRA, pyebur128.get_loudness_range)
    assert loudness_range_lu(samples, 48000) == pytest.approx(peer, abs=0.5)


def loudest(samples, rate, seconds):
    meter = LoudnessMeter(rate, 2)
    meter.add(samples)
    return meter.loudest_lufs(seconds, np.ones(2))


def course(samples, rate, seconds):
    """The loudness over the last `seconds`, every 100 ms."""
    meter = LoudnessMeter(rate, 2)
    meter.add(samples)
    blocks = np.lib.stride_tricks.sliding_window_view(meter.energies().sum(axis=1), round(10 * seconds)).mean(axis=1)
    return -0.691 + 10.0 * np.log10(blocks)


def highest(samples, rate, mode, reading):
    """libebur128's highest reading, asked for every 10 ms."""
    state = pyebur128.R128State(2, rate, mode)
    readings = []
    for part in np.split(samples, np.arange(rate // 100, len(samples), rate // 100)):
        state.add_frames(np.ascontiguousarray(part, np.float64).ravel(), len(part))
        readings.append(reading(state))
    return max(readings)


def highest_momentary(samples, rate, mode=pyebur128.MeasurementMode.MODE_M):
    return highest(samples, rate, mode, pyebur128.get_loudness_momentary)


def highest_short_term(samples, rate, mode=pyebur128.MeasurementMode.MODE_S):
    return highest(samples, rate, mode, pyebur128.get_loudness_shortterm)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("parts", "seconds"),
    [([(-20, 1.34), (-30, 1.66)] * 5, SHORT_TERM_SECONDS), ([(-20, 0.18), (-30, 0.22)] * 25, MOMENTARY_SECONDS)],
    ids=["9", "12"],
)
def test_constant_loudness_tech_3341_cases_9_and_12(parts, seconds, rate):
    samples = stereo(parts, rate)
    settled = course(samples, rate, seconds)[5:]
    np.testing.assert_allclose(settled, -23.0, atol=0.1)
    assert loudest(samples, rate, seconds) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("step", "seconds", "peer"),
    [(0.15, SHORT_TERM_SECONDS, highest_short_term), (0.02, MOMENTARY_SECONDS, highest_momentary)],
    ids=["10", "13"],
)
def test_loudest_place_wherever_it_begins_tech_3341_cases_10_and_13(step, seconds, peer, rate):
    for number in range(1, 21):
        samples = stereo([(-200, step * number), (-23, seconds), (-200, 1.0)], rate)
        ours = loudest(samples, rate, seconds)
        assert ours == pytest.approx(-23.0, abs=0.1)
        if number in (1, 7, 20):
            assert ours == pytest.approx(peer(samples, rate), abs=0.01)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("step", "seconds"), [(0.15, SHORT_TERM_SECONDS), (0.02, MOMENTARY_SECONDS)], ids=["11", "14"])
def test_successive_loudest_places_tech_3341_cases_11_and_14(step, seconds, rate):
    """Twenty tones, each 1 dB louder than the one before: the highest so far is always that of the last."""
    meter = LoudnessMeter(rate, 2)
    for number in range(1, 21):
        level = -39.0 + number
        meter.add(stereo([(-200, step * number), (level, seconds), (-200, seconds - step * number)], rate))
        assert meter.loudest_lufs(seconds, np.ones(2)) == pytest.approx(level, abs=0.1)


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


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", (20, 21, 22, 23))
def test_true_peak_between_the_samples_tech_3341(case, rate):
    """One period at a quarter of the rate and full scale between periods at a sixth and half of it.

    Made at four times the rate, then every fourth sample is taken, from one that moves with the case.
    """
    tones = [0.5 * np.sin(2.0 * np.pi * np.arange(24 * 1000) / 24), np.sin(2.0 * np.pi * np.arange(16) / 16)]
    fine = np.concatenate([tones[0], tones[1], tones[0]])
    fade = np.minimum(1.0, np.minimum(np.arange(len(fine)), np.arange(len(fine))[::-1]) / 4800)
    # What is above half the lower rate goes, with the phase left as it is.
    spectrum = np.fft.rfft(fine * fade)
    spectrum[int(0.46 * len(fine) / 4) :] = 0.0
    samples = np.fft.irfft(spectrum, len(fine))[case - 20 :: 4].astype(np.float32)
    assert -0.4 <= true_peak_dbtp(samples, rate) <= 0.2
    peer = libebur128(
        samples[:, None],
        rate,
        pyebur128.MeasurementMode.MODE_TRUE_PEAK,
        lambda state: pyebur128.get_true_peak(state, 0),
    )
    assert true_peak_dbtp(samples, rate) == pytest.approx(20.0 * np.log10(peer), abs=0.2)


@pytest.mark.parametrize("rate", (8000, 44100, 48000, 96000, 192000))
def test_where_the_highest_peak_lies(rate):
    samples = np.zeros((3 * rate, 2), np.float32)
    samples[[rate // 3, 2 * rate], 0] = (0.9, 0.89)
    samples[[0, -1], 1] = (0.7, 0.8)
    meter = PeakMeter(rate, 2)
    for block in np.array_split(samples, 77):
        meter.add(block)
    meter.peaks_dbtp()
    assert meter.seconds() == pytest.approx([1.0 / 3.0, 3.0], abs=1.5 / rate)


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
    meter = LoudnessMeter(48000, 1)
    assert np.isnan(meter.loudest_lufs(0.4, np.ones(1)))
    meter.add(np.zeros((48000, 1)))
    assert meter.loudest_lufs(0.4, np.ones(1)) == -np.inf and np.isnan(meter.loudest_lufs(3.0, np.ones(1)))


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
