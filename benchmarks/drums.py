"""A drum kit made in code, and takes that are played on it: what the comparison of the synthesisers is trained on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

TAKE_SECONDS = 15.0
# Seeds of the held-out minute; those of training count from 0.
TEST_TAKES = range(10_000, 10_004)
# Chance of a hit on each sixteenth of a bar, by drum.
PATTERNS = {
    "kick": [0.95, 0.02, 0.1, 0.15, 0.1, 0.05, 0.3, 0.2, 0.7, 0.05, 0.3, 0.1, 0.1, 0.1, 0.25, 0.1],
    "snare": [0.02, 0.02, 0.02, 0.08, 0.9, 0.04, 0.02, 0.2, 0.02, 0.2, 0.04, 0.05, 0.9, 0.05, 0.1, 0.15],
    "closed_hat": [0.8, 0.3, 0.8, 0.3] * 4,
    "open_hat": [0.0, 0.0, 0.12, 0.0] * 4,
    "low_tom": [0.02] * 12 + [0.15] * 4,
    "high_tom": [0.02] * 12 + [0.15] * 4,
    "clap": [0.0, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0] * 2,
    "ride": [0.15, 0.0, 0.1, 0.0] * 4,
    "crash": [0.12] + [0.0] * 15,
}
LEVELS = {
    "kick": 0.8, "snare": 0.6, "closed_hat": 0.25, "open_hat": 0.25, "low_tom": 0.6, "high_tom": 0.5, "clap": 0.4,
    "ride": 0.2, "crash": 0.35,
}  # fmt: skip


def _band(noise: np.ndarray, low_hz: float, high_hz: float, rate: int) -> np.ndarray:
    sos = scipy.signal.butter(2, [low_hz, min(high_hz, 0.45 * rate)], "bandpass", fs=rate, output="sos")
    return scipy.signal.sosfilt(sos, noise)


def _swept(time: np.ndarray, high_hz: float, low_hz: float, fall_seconds: float) -> np.ndarray:
    """A sine whose pitch falls."""
    phase = low_hz * time + (high_hz - low_hz) * fall_seconds * (1.0 - np.exp(-time / fall_seconds))
    return np.sin(2 * np.pi * phase)


@functools.lru_cache(maxsize=64)
def _metal(samples: int, rate: int, lowest_hz: int, strike: int) -> np.ndarray:
    """Inharmonic partials, always the same of one cymbal, in phases of their own for each of some strikes."""
    time = np.arange(samples) / rate
    pitches_hz = lowest_hz * np.cumprod(np.random.default_rng(lowest_hz).uniform(1.03, 1.22, 24))
    phases = np.random.default_rng([lowest_hz, strike]).uniform(0, 2 * np.pi, 24)
    partials = [np.sin(2 * np.pi * f * time + p) for f, p in zip(pitches_hz, phases, strict=True) if f < 0.45 * rate]
    return sum(partials) / np.sqrt(len(partials))


def _membrane(pitch_hz: float, seconds: float) -> Callable:
    def hit(time: np.ndarray, hard: float, rate: int, draw: np.random.Generator) -> np.ndarray:
        skin = _swept(time, pitch_hz * (1.3 + 0.4 * hard), pitch_hz, 0.05) * np.exp(-time / seconds)
        overtone = 0.3 * hard * np.sin(2 * np.pi * 1.59 * pitch_hz * time) * np.exp(-time / (0.4 * seconds))
        stick = 0.3 * hard * _band(draw.standard_normal(len(time)), 300, 3000, rate) * np.exp(-time / 0.01)
        return skin + overtone + stick

    return hit


def _kick(time: np.ndarray, hard: float, rate: int, draw: np.random.Generator) -> np.ndarray:
    skin = _swept(time, 160 + 120 * hard, 52, 0.03) * np.exp(-time / 0.13)
    return skin + 0.4 * hard * _band(draw.standard_normal(len(time)), 1500, 6000, rate) * np.exp(-time / 0.004)


def _snare(time: np.ndarray, hard: float, rate: int, draw: np.random.Generator) -> np.ndarray:
    skin = (_swept(time, 260, 185, 0.02) + 0.6 * np.sin(2 * np.pi * 331 * time)) * np.exp(-time / 0.05)
    wires = _band(draw.standard_normal(len(time)), 900, 6000 + 8000 * hard, rate)
    return 0.5 * skin + 0.7 * wires * np.exp(-time / (0.06 + 0.05 * hard))


def _cymbal(lowest_hz: int, seconds: float, low_hz: float, noisy: float) -> Callable:
    def hit(time: np.ndarray, hard: float, rate: int, draw: np.random.Generator) -> np.ndarray:
        bow = (1 - noisy) * _metal(len(time), rate, lowest_hz, int(draw.integers(8))) + noisy * draw.standard_normal(
            len(time)
        )
        return _band(bow, low_hz * (1.3 - 0.3 * hard), 18000, rate) * np.exp(-time / (seconds * (0.6 + 0.6 * hard)))

    return hit


def _clap(time: np.ndarray, hard: float, rate: int, draw: np.random.Generator) -> np.ndarray:
    late = np.array([0.0, 0.011, 0.021, 0.030]) + draw.uniform(0, 0.002, 4)
    bursts = [np.exp(-np.maximum(time - at, 0) / (0.005 if at < 0.025 else 0.08)) * (time >= at) for at in late]
    return _band(draw.standard_normal(len(time)), 800, 2500 + 1500 * hard, rate) * sum(bursts)


KIT: dict[str, tuple[float, Callable]] = {
    "kick": (0.8, _kick),
    "snare": (0.6, _snare),
    "closed_hat": (0.25, _cymbal(410, 0.03, 6500, 0.6)),
    "open_hat": (1.2, _cymbal(410, 0.3, 6000, 0.5)),
    "low_tom": (1.2, _membrane(92, 0.22)),
    "high_tom": (0.9, _membrane(147, 0.16)),
    "clap": (0.6, _clap),
    "ride": (2.0, _cymbal(530, 0.6, 3500, 0.2)),
    "crash": (3.0, _cymbal(310, 0.9, 2000, 0.6)),
}


def play_take(rate: int, seed: int, noise_seed: int = 0) -> np.ndarray:
    """A take of random pattern, tempo and dynamics. [samples] float64 with a peak of 0.9.

    Another noise_seed strikes the same drums at the same times as hard, with other noise and phases of cymbals.
    """
    draw, noise = np.random.default_rng([7, seed]), np.random.default_rng([8, seed, noise_seed])
    sixteenth = 60.0 / draw.uniform(75, 150) / 4
    swing = draw.uniform(0.0, 0.25) * sixteenth
    pattern = {drum: draw.random(16) < chances for drum, chances in PATTERNS.items()}
    loudness = draw.uniform(0.5, 1.0)
    sound = np.zeros(round((TAKE_SECONDS + 4.0) * rate))
    step = 0
    while step * sixteenth < TAKE_SECONDS:
        bar = step // 16
        rests = (bar + seed) % 6 == 5 and step % 16 >= 8  # a gap now and then, to hear what ends
        for drum, hits in pattern.items():
            varied = draw.random() < (0.1 if hits[step % 16] else 0.01)
            if rests or hits[step % 16] == varied:
                continue
            hard = draw.uniform(0.3, 1.0) * (1.0 if step % 4 == 0 else 0.8) * loudness
            length, strike = KIT[drum]
            time = np.arange(round(length * rate)) / rate
            at = round((step * sixteenth + (step % 2) * swing + draw.uniform(0, 0.004)) * rate)
            struck = strike(time, hard, rate, noise) * np.clip((length - time) / 0.02, 0, 1)
            sound[at : at + len(time)] += (LEVELS[drum] * hard**1.5) * struck
        step += 1
    sound = sound[: round(TAKE_SECONDS * rate)]
    return 0.9 * sound / np.abs(sound).max()


def make_drums(folder: Path, train_minutes: float, rate: int) -> None:
    """Write takes as FLAC to `folder`/takes, and the held-out minute to `folder`/test."""
    training = range(round(train_minutes * 60 / TAKE_SECONDS))
    for name, seeds in (("takes", training), ("test", TEST_TAKES)):
        (folder / name).mkdir(parents=True)
        for number, seed in enumerate(seeds):
            soundfile.write(folder / name / f"drums {number:02d}.flac", play_take(rate, seed), rate, subtype="PCM_24")
