"""Oscillators against additive synthesis in double precision."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch

from timbre.dsp.oscillator import (
    cross_fade_ramp,
    glide_weights,
    harmonic_segments,
    segment_phase,
    split_harmonics,
)

RATE, HOP = 48000, 256
GLIDE = glide_weights(HOP, RATE)


def reference(f0_hz: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Sample by sample: the pitch and amplitudes of frame k - 1 glide into those of frame k."""
    ramp = np.arange(1, HOP + 1) / HOP
    glide = np.concatenate([a + (b - a) * ramp for a, b in pairwise(f0_hz)])
    levels = np.concatenate([a + np.outer(ramp, b - a) for a, b in pairwise(amplitudes)])
    phase = np.cumsum(glide) / RATE
    return (levels * np.sin(2 * np.pi * np.outer(phase, np.arange(1, amplitudes.shape[1] + 1)))).sum(axis=1)


def synthesise(f0_hz: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    f0, levels = torch.tensor(f0_hz, dtype=torch.float32)[None], torch.tensor(amplitudes, dtype=torch.float32)
    phase = segment_phase(f0, torch.zeros(1, 1, dtype=torch.float64), GLIDE)
    ends = torch.stack([levels[:-1], levels[1:]], dim=1)
    ramp = cross_fade_ramp(HOP, f0.device).float()
    return harmonic_segments(phase[0], ends, split_harmonics(levels.shape[1]), ramp).flatten().numpy()


# 9 and 16 are squares, the others leave the last row of harmonics unfilled.
@pytest.mark.parametrize("harmonics", (1, 2, 7, 9, 16, 61, 100))
def test_gliding_tones_equal_direct_additive_synthesis(snr_db, harmonics):
    draw = np.random.default_rng(harmonics)
    f0_hz = draw.uniform(60, 23000 / harmonics, 30).astype("f4").astype("f8")
    amplitudes = draw.uniform(0, 1, (30, harmonics)).astype("f4").astype("f8")
    assert snr_db(reference(f0_hz, amplitudes), synthesise(f0_hz, amplitudes)) > 120


@pytest.mark.parametrize("f0_hz", (440.0, 440.1, 1661.2188))
def test_phase_does_not_drift_in_ten_minutes(f0_hz):
    frame = torch.full((1, 5001), f0_hz)
    last = torch.zeros(1, 1, dtype=torch.float64)
    chunks = 10 * 60 * RATE // (HOP * 5000)
    for _ in range(chunks):
        last = segment_phase(frame, last, GLIDE)[:, -1, -1:]
    exact = Fraction(float(frame[0, 0])) * chunks * 5000 * HOP / RATE % 1
    distance = abs(float(last) - float(exact))
    assert min(distance, 1 - distance) < 1e-6


def test_phase_is_wrapped_and_carries_over_any_blocks(random_blocks):
    f0_hz = torch.tensor(np.random.default_rng(0).uniform(60, 2000, (2, 40)), dtype=torch.float32)
    zero = torch.zeros(2, 1, dtype=torch.float64)
    f0_hz = torch.cat([f0_hz[:, :1], f0_hz], dim=1)
    whole = segment_phase(f0_hz, zero, GLIDE)
    pieces, at, last = [], 0, zero
    for size in random_blocks(40, 0):
        pieces.append(segment_phase(f0_hz[:, at : at + size + 1], last, GLIDE))
        last, at = pieces[-1][:, -1, -1:], at + size
    assert whole.min() >= 0 and whole.max() < 1
    distance = (whole - torch.cat(pieces, dim=1)).abs()
    assert torch.minimum(distance, 1 - distance).max() < 1e-11


def test_cross_fade_ends_at_the_frame_itself():
    assert cross_fade_ramp(4, torch.device("cpu")).tolist() == [0.25, 0.5, 0.75, 1.0]
