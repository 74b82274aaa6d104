"""The limiter: what it holds, what it leaves alone, and that nothing of it is heard."""

import numpy as np
import pyebur128
import pytest

from timbre.audio.loudness import true_peak_dbtp
from timbre.audio.oversampling import Windows
from timbre.normalize.limiter import LOOK_AHEAD_SECONDS, RELEASE_SECONDS, Limiter

BLOCK_SAMPLES = Windows.samples

RATE = 48000


def limited(samples, most=12.0, ceiling=-1.0, rate=RATE, blocks=None):
    """The limited sound [samples, channels], and the limiter."""
    samples = np.asarray(samples, np.float32).reshape(len(samples), -1)
    limiter = Limiter(rate, samples.shape[1], ceiling, most)
    parts = np.split(samples, blocks) if blocks is not None else [samples]
    return np.concatenate(list(limiter.through(parts))), limiter


def libebur128_dbtp(samples, rate):
    state = pyebur128.R128State(samples.shape[1], rate, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    state.add_frames(np.ascontiguousarray(samples, np.float64).ravel(), len(samples))
    return 20.0 * np.log10(max(pyebur128.get_true_peak(state, channel) for channel in range(samples.shape[1])))


def drums(rng, samples, rate):
    sound = np.zeros(samples)
    for start in range(0, samples - rate // 5, rate // 4):
        at = np.arange(rate // 5) / rate
        hit = 0.7 * np.sin(2.0 * np.pi * 80.0 * at) + 0.3 * rng.standard_normal(len(at))
        sound[start : start + len(at)] += rng.uniform(0.3, 1.0) * hit * np.exp(-at / 0.03)
    return sound


def worst_cases(rate, seconds=1.5):
    rng, samples = np.random.default_rng(1), round(seconds * rate)
    at = np.arange(samples) / rate
    clicks = 0.2 * np.sin(2.0 * np.pi * 300.0 * at)
    clicks[::5000] += 1.0
    clicks[1::5000] -= 1.0
    return {
        "square": np.sign(np.sin(2.0 * np.pi * 441.3 * at)),
        "quarter of the rate at 45 degrees": np.sin(0.5 * np.pi * np.arange(samples) + 0.25 * np.pi),
        "noise": rng.standard_normal(samples),
        "drums": drums(rng, samples, rate),
        "random signs in bursts": np.sign(rng.standard_normal(samples))
        * np.repeat(rng.random(samples // 50 + 1) < 0.02, 50)[:samples],
        "clicks": clicks,
        "close to the highest": np.sin(2.0 * np.pi * 0.45 * np.arange(samples)) * (0.7 + 0.3 * np.sin(4400.0 * at)),
        "low": np.sin(2.0 * np.pi * 40.0 * at),
    }


@pytest.mark.parametrize("name", worst_cases(RATE))
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("over_db", [0.5, 6.0])
def test_the_ceiling_holds_on_worst_cases(name, rate, over_db):
    sound = worst_cases(rate)[name].astype(np.float32)[:, None]
    highest = max(true_peak_dbtp(sound, rate), libebur128_dbtp(sound, rate))
    sound = sound * np.float32(10.0 ** ((over_db - 1.0 - highest) / 20.0))
    found, limiter = limited(sound, rate=rate)
    assert true_peak_dbtp(found, rate) <= -1.0
    assert libebur128_dbtp(found, rate) <= -1.0
    assert len(found) == len(sound)
    # No more than that it needs: a tenth of a dB, and what the two meters differ by.
    assert max(most for *_, most in limiter.spans()) <= over_db + 0.3


def test_under_the_ceiling_not_a_bit_changes():
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((3 * RATE, 2)).astype(np.float32)
    highest = max(true_peak_dbtp(sound, RATE), libebur128_dbtp(sound, RATE))
    sound *= np.float32(10.0 ** ((-1.02 - highest) / 20.0))
    found, limiter = limited(sound)
    np.testing.assert_array_equal(found, sound)
    assert limiter.spans() == [] and limiter.peak_dbtp == float("-inf")


def test_what_is_far_from_a_peak_is_not_touched():
    rng = np.random.default_rng(0)
    sound = 0.1 * rng.standard_normal(4 * RATE).astype(np.float32)
    sound[RATE : RATE + 40] *= 6.0
    found, limiter = limited(sound)
    ((start, end, most),) = limiter.spans()
    assert 1.0 - LOOK_AHEAD_SECONDS <= start < 1.0 < end < 1.0 + 6.0 * RELEASE_SECONDS
    np.testing.assert_array_equal(found[: RATE - 100, 0], sound[: RATE - 100])
    np.testing.assert_array_equal(found[3 * RATE :, 0], sound[3 * RATE :])
    gain_db = 20.0 * np.log10(found[:, 0] / sound)
    assert -gain_db.min() == pytest.approx(most, abs=1e-4)
    assert limiter.peak_dbtp == pytest.approx(-1.0 + most - 0.1, abs=1e-6)


def test_no_more_is_taken_off_than_allowed():
    sound = worst_cases(RATE)["noise"].astype(np.float32)
    found, limiter = limited(sound, most=3.0)
    gain_db = 20.0 * np.log10(found[:, 0] / sound)
    assert gain_db.min() == pytest.approx(-3.0, abs=1e-3)
    assert max(most for *_, most in limiter.spans()) <= 3.0 + 1e-9


def test_the_gain_has_no_steps_and_no_corners():
    sound = np.full(RATE, 0.5, np.float32)
    sound[RATE // 2] = 1.4
    found, _ = limited(sound)
    gain_db = -20.0 * np.log10(found[:, 0] / sound)
    most = gain_db.max()
    slope, bend = np.diff(gain_db), np.diff(gain_db, 2)
    window = round(0.75 * LOOK_AHEAD_SECONDS * RATE)
    # A Hann window's highest slope is twice its mean one, and its highest bend 2 pi times that over its length.
    assert np.abs(slope).max() < 2.2 * most / window
    assert np.abs(bend).max() < 1.1 * 2.0 * np.pi * most / window**2
    assert -slope.min() < 1.5 * most / (RELEASE_SECONDS * RATE)


@pytest.mark.parametrize("hertz", [55.0, 997.0, 7000.0])
def test_a_steady_tone_stays_a_tone(hertz):
    # Not a harmonic, a sideband or an alias is heard: what is not the tone lies far under it.
    tone = 1.2 * np.sin(2.0 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    found, _ = limited(tone)
    steady = found[RATE // 2 : RATE // 2 + RATE, 0].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(steady * np.blackman(RATE))) ** 2
    bins = np.arange(len(spectrum))
    near = np.abs(bins - hertz) <= 3
    assert 10.0 * np.log10(spectrum[~near].sum() / spectrum[near].sum()) < -80.0


def test_a_limited_click_makes_no_click_elsewhere():
    # A pure tone with one peak: what the gain adds stays within a few kilohertz of the tone.
    tone = 0.5 * np.sin(2.0 * np.pi * 500.0 * np.arange(RATE) / RATE)
    peak = np.zeros(RATE)
    peak[RATE // 2 - 200 : RATE // 2 + 200] = np.hanning(400)
    loud = tone * (1.0 + 1.5 * peak)
    found, limiter = limited(loud)
    added = found[:, 0] - loud
    spectrum = np.abs(np.fft.rfft(added * np.hanning(RATE))) ** 2
    assert limiter.spans() and 10.0 * np.log10(spectrum[6000:].sum() / spectrum.sum()) < -90.0


def test_blocks_do_not_matter():
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((2 * BLOCK_SAMPLES + 777, 2)).astype(np.float32) * 0.3
    whole, limiter = limited(sound)
    for blocks in (np.sort(rng.integers(0, len(sound), 50)), range(1, 300), [BLOCK_SAMPLES], [len(sound)]):
        found, other = limited(sound, blocks=list(blocks))
        np.testing.assert_array_equal(found, whole)
        assert other.spans() == limiter.spans()


@pytest.mark.parametrize("samples", [1, 2, 50, 100, 128, 5000, BLOCK_SAMPLES - 128, BLOCK_SAMPLES, BLOCK_SAMPLES + 128])
def test_any_length(samples):
    sound = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    found, _ = limited(sound, most=60.0)
    assert len(found) == samples
    assert true_peak_dbtp(found, RATE) <= -1.0


def test_no_sound_at_all():
    assert np.concatenate(list(Limiter(RATE, 2, -1.0, 12.0).through([]))).shape == (0, 2)


def test_both_sides_get_one_gain():
    rng = np.random.default_rng(0)
    sound = np.stack([0.05 * rng.standard_normal(RATE), 0.4 * rng.standard_normal(RATE)], axis=1).astype(np.float32)
    found, _ = limited(sound)
    assert np.abs(found).max() < np.abs(sound).max()
    np.testing.assert_allclose(found[:, 0] / sound[:, 0], found[:, 1] / sound[:, 1], rtol=1e-6)
    one_side, _ = limited(sound[:, 1])
    np.testing.assert_array_equal(found[:, 1:], one_side)
