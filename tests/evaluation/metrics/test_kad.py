"""Kernel distance of timbres against its definition term by term, and what it hears."""

import itertools
import math

import numpy as np
import pytest
import scipy.fft
import scipy.signal

from timbre.evaluation.metrics.kad import MOST_WINDOWS, Timbre, bandwidth_of, joined, kad, paired_kad, timbre_of
from timbre.evaluation.metrics.spectra import mel_filters


def windows(count: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, (count, 38))


def kernel(a: np.ndarray, b: np.ndarray, width: float) -> float:
    return math.exp(-float(((a - b) ** 2).sum()) / (2 * width**2))


def test_it_is_the_unbiased_estimate_term_by_term():
    x, y, width = windows(7), windows(5, 0.5, seed=1), 6.0
    within_x = np.mean([kernel(a, b, width) for a, b in itertools.permutations(x, 2)])
    within_y = np.mean([kernel(a, b, width) for a, b in itertools.permutations(y, 2)])
    across = np.mean([kernel(a, b, width) for a, b in itertools.product(x, y)])
    assert kad(x, y, width) == pytest.approx(100 * (within_x + within_y - 2 * across))


def test_the_paired_one_leaves_out_the_counterparts_and_the_silent_windows():
    x, y, width = windows(6), windows(6, 0.5, seed=1), 6.0
    sounding = np.array([1, 1, 0, 1, 1, 1], bool)
    pairs = list(itertools.permutations(np.flatnonzero(sounding), 2))
    terms = [
        kernel(x[i], x[j], width) + kernel(y[i], y[j], width) - kernel(x[i], y[j], width) - kernel(x[j], y[i], width)
        for i, j in pairs
    ]
    found = paired_kad(Timbre(x, sounding), Timbre(y, np.zeros(6, bool)), width)
    assert found == pytest.approx(100 * np.mean(terms))
    assert paired_kad(Timbre(x, sounding), Timbre(x, sounding), width) == 0.0


def test_two_draws_of_one_distribution_lie_at_nothing_on_average():
    found = [kad(windows(20, seed=2 * seed), windows(30, seed=2 * seed + 1), 8.0) for seed in range(60)]
    assert np.mean(found) == pytest.approx(0.0, abs=3 * np.std(found) / math.sqrt(60))
    assert kad(windows(20), windows(30, 1.0, seed=1), 8.0) > 5 * np.std(found)


def test_the_bandwidth_is_the_median_distance():
    x = windows(5)
    assert bandwidth_of(x) == pytest.approx(np.median([np.linalg.norm(a - b) for a, b in itertools.combinations(x, 2)]))
    assert bandwidth_of(x[:1]) is bandwidth_of(np.zeros((4, 38))) is None
    assert kad(x, x, None) is kad(x[:1], x, 1.0) is None


def test_of_very_many_windows_some_are_taken():
    many = windows(MOST_WINDOWS * 3)
    assert kad(many, windows(50, 0.5, seed=1), 8.0) == kad(
        many[np.linspace(0, len(many) - 1, MOST_WINDOWS).round().astype(int)], windows(50, 0.5, seed=1), 8.0
    )


def test_the_statistics_equal_scipy_on_the_same_definition(tone, noise, rate):
    audio = (tone(seconds=2.0) + noise(level=0.01)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(audio.astype(float), 1024)[::256]
    window = scipy.signal.get_window("hann", 1024)
    mel = (np.abs(scipy.fft.rfft(frames * window)) * 2 / window.sum()) ** 2 @ mel_filters(1024, rate, 80).numpy()
    levels_db = 10 * np.log10(np.maximum(mel, mel.max() * 1e-8))
    # An orthonormal DCT over the root of the bands: squares add up to the mean square of the levels.
    cepstra = scipy.fft.dct(levels_db, type=2, axis=1, norm="ortho")[:, 1:20] / math.sqrt(80)
    found = timbre_of(audio, rate)
    assert found.windows.shape == (2, 38) and found.sounding.all()
    for index, start in enumerate((0, 31)):
        part = cepstra[start : start + 62]
        assert found.windows[index] == pytest.approx(np.concatenate([part.mean(axis=0), part.std(axis=0)]), abs=1e-3)


def test_a_gain_is_not_heard_and_a_pause_says_nothing(tone, rate):
    audio = np.concatenate([tone(seconds=2.0), np.zeros(2 * rate, np.float32)])
    found, softer = timbre_of(audio, rate), timbre_of((audio * 0.1).astype(np.float32), rate)
    assert softer.windows == pytest.approx(found.windows, abs=1e-3)
    assert found.sounding.tolist() == [True] * 4 + [False] * 2
    assert not found.windows[-1].any()
    assert len(found.known) == 4


def test_silence_and_the_shortest_sounds_have_no_timbre(rate):
    for audio in (np.zeros(3 * rate, np.float32), np.ones(5, np.float32)):
        assert len(timbre_of(audio, rate).known) == 0
    assert len(joined([]).known) == 0


def test_instruments_lie_further_apart_than_takes_of_one(tone, noise, rate):
    def take(seed: int, bright: bool) -> np.ndarray:
        rng = np.random.default_rng(seed)
        notes = [tone(220.0 * 2 ** (step / 12), 1.0, seed=seed) for step in rng.integers(0, 12, 8)]
        audio = np.concatenate(notes) + noise(8.0, 0.002, seed=seed)
        return (audio if bright else scipy.signal.lfilter([0.2], [1, -0.8], audio)).astype(np.float32)

    first, second, dark = (timbre_of(take(seed, bright), rate).known for seed, bright in ((0, 1), (1, 1), (2, 0)))
    width = bandwidth_of(first)
    assert kad(first, second, width) < 10.0 < 20.0 < kad(first, dark, width)
