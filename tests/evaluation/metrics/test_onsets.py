"""Onsets of sounds that begin at known times."""

import numpy as np
import pytest

from timbre.evaluation.metrics.onsets import onset_f, onset_strength, onsets_seconds

TIMES = np.array([0.21, 0.5, 0.93, 1.2, 1.55])


def clicks(rate: int, times=TIMES, seconds: float = 2.0) -> np.ndarray:
    audio = np.zeros(round(seconds * rate), np.float32)
    audio[np.round(np.asarray(times) * rate).astype(int)] = 0.5
    return audio


def hits(rate: int, times=TIMES, seconds: float = 2.0) -> np.ndarray:
    """Drums: noise and a low tone that die away."""
    at = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(0)
    rattle = rng.normal(size=len(at)) + np.sin(2 * np.pi * 90 * at)
    decays = sum(np.where(at >= time, np.exp(-np.maximum(at - time, 0) / 0.06), 0) for time in times)
    return (0.1 * rattle * decays).astype(np.float32)


def notes(rate: int, f0s_hz=(220.0, 330.0, 262.0, 392.0, 294.0), seconds: float = 2.0) -> np.ndarray:
    """Tones with 30 ms of attack and vibrato, one after the other."""
    at = np.arange(round(seconds * rate)) / rate
    audio = np.zeros(len(at))
    for f0_hz, start, end in zip(f0s_hz, TIMES, [*TIMES[1:], seconds - 0.1], strict=True):
        level = np.clip((at - start) / 0.03, 0, 1) * np.clip((end - at) / 0.03, 0, 1)
        phase = 2 * np.pi * f0_hz * (at + 0.02 * np.sin(2 * np.pi * 5.5 * at) / (2 * np.pi * 5.5))
        audio += level * sum(np.sin(n * phase) / n for n in range(1, 9))
    return (0.1 * audio).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
@pytest.mark.parametrize(("make", "within"), [(clicks, 0.025), (hits, 0.012), (notes, 0.03)])
def test_known_onsets_are_found_and_no_others(rate_hz, make, within):
    found = onsets_seconds(make(rate_hz), rate_hz)
    assert found == pytest.approx(TIMES, abs=within)
    assert onset_f(TIMES, found) == 1.0


def test_times_do_not_drift_at_rates_that_5_ms_do_not_divide():
    times = np.arange(0.5, 20.0, 1.0)
    assert onsets_seconds(hits(22050, times, 20.0), 22050) == pytest.approx(times, abs=0.012)


@pytest.mark.parametrize("gain_db", [-40.0, 6.0])
def test_a_gain_changes_no_onset(rate, gain_db):
    audio = notes(rate)
    assert np.array_equal(onsets_seconds(audio * np.float32(10 ** (gain_db / 20)), rate), onsets_seconds(audio, rate))


def test_vibrato_steady_noise_and_silence_begin_nothing(noise, rate):
    at = np.arange(4 * rate) / rate
    phase = 2 * np.pi * 440 * (at + 0.03 * np.sin(2 * np.pi * 6 * at) / (2 * np.pi * 6))
    tone = np.clip(at / 0.3, 0, 1) * sum(np.sin(n * phase) / n for n in range(1, 9))
    assert len(onsets_seconds(tone[rate:].astype(np.float32), rate)) == 1, "its start alone"
    assert onsets_seconds(noise(10.0), rate) == pytest.approx([0.0], abs=0.02)
    assert len(onsets_seconds(np.zeros(rate, np.float32), rate)) == 0
    assert not onset_strength(np.zeros(rate, np.float32), rate).any()


@pytest.mark.parametrize("samples", [1, 100, 5000])
def test_short_sounds_are_heard(noise, rate, samples):
    assert np.isfinite(onset_strength(noise()[:samples], rate)).all()
    assert onsets_seconds(noise()[:samples], rate) == pytest.approx([0.0], abs=0.03)


def test_f_measure_of_shifted_missing_and_extra_onsets():
    assert onset_f(TIMES, TIMES + 0.049) == 1.0
    assert onset_f(TIMES, TIMES + 0.051) == 0.0
    assert onset_f(TIMES, TIMES[:3]) == pytest.approx(2 * 0.6 / 1.6)
    assert onset_f(TIMES, np.append(TIMES, [1.7, 1.8, 1.9])) == pytest.approx(2 * 5 / 8 / (1 + 5 / 8))
    assert onset_f(TIMES, np.array([])) == 0.0
    assert onset_f(np.array([]), TIMES) is None
