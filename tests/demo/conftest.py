"""A small corpus for the tests of this folder, and an f0 measurement independent of the synthesis."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from timbre.demo.corpus import make_recordings

RATE_HZ = 48_000


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """Two takes of training, one of test, all faults; `raw` and `truth` below one folder."""
    folder = tmp_path_factory.mktemp("demo")
    make_recordings(folder / "raw", folder / "truth", train_minutes=0.2, test_minutes=0.1, seed=3)
    return folder


@pytest.fixture(scope="session")
def clean_takes(corpus) -> list[tuple[np.ndarray, np.ndarray]]:
    """Audio and true f0 of every clean take."""
    names = sorted(path.relative_to(corpus / "truth").with_suffix("") for path in corpus.glob("truth/*/*.csv"))
    return [
        (
            soundfile.read(corpus / "raw" / f"{name}.flac")[0],
            pd.read_csv(corpus / "truth" / f"{name}.csv").f0_hz.to_numpy(),
        )
        for name in names
    ]


@pytest.fixture(scope="session")
def f0_errors_cents():
    return _f0_errors_cents


@pytest.fixture(scope="session")
def measure_f0_hz():
    return _measure_f0_hz


def _measure_f0_hz(audio: np.ndarray, lowest_hz: float = 150.0, highest_hz: float = 2000.0) -> float:
    """F0 of a steady piece: least cumulative-mean-normalised difference, refined by a parabola.

    De Cheveigné and Kawahara 2002, "YIN, a fundamental frequency estimator".
    """
    longest = int(RATE_HZ / lowest_hz) + 2
    window = len(audio) - longest
    size = 2 * len(audio)
    product = np.fft.irfft(np.fft.rfft(audio, size) * np.conj(np.fft.rfft(audio[:window], size)), size)[:longest]
    energy = np.cumsum(np.concatenate([[0.0], audio**2]))
    energy = energy[window : window + longest] - energy[:longest]
    difference = np.maximum(energy[0] + energy - 2 * product, 1e-20)
    normalised = np.ones(longest)
    lags = np.arange(1, longest)
    normalised[1:] = difference[1:] * lags / np.cumsum(difference[1:])
    shortest = int(RATE_HZ / highest_hz)
    below = np.flatnonzero(normalised[shortest:] < max(0.12, 1.2 * normalised[shortest:].min()))
    lag = shortest + below[0]
    while lag + 1 < longest - 1 and normalised[lag + 1] < normalised[lag]:
        lag += 1
    before, here, after = difference[lag - 1 : lag + 2]
    bend = before - 2 * here + after
    return RATE_HZ / (lag + (0.5 * (before - after) / bend if bend > 0 else 0.0))


def _f0_errors_cents(audio: np.ndarray, f0_hz: np.ndarray, lowest_hz: float = 150.0) -> np.ndarray:
    """Measured against true f0, in frames of 40 ms in which the truth sounds and makes no leap."""
    errors = []
    hop = RATE_HZ // 100
    for frame in range(2, len(f0_hz) - 2):
        near = f0_hz[frame - 2 : frame + 3]
        if near.min() > 0 and near.max() / near.min() < 1.03:
            piece = audio[(frame - 2) * hop : (frame + 2) * hop]
            errors.append(1200 * np.log2(_measure_f0_hz(piece, lowest_hz) / f0_hz[frame]))
    return np.array(errors)
