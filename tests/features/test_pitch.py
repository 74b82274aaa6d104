"""Pitch against tones of known frequency."""

import mir_eval
import numpy as np
import pytest
import torch

from timbre.features.extractor import FeatureExtractor
from timbre.features.pitch import differences, gate_pitch, nsdf, track_pitch, yin_clarity

RATE, HOP, WINDOW = 48000, 512, 2048
PITCHES_HZ = (70.0, 98.7, 146.8, 220.3, 311.1, 466.2, 701.0, 987.8, 1318.5, 1800.0)
SHAPES = {
    "sine": lambda n: float(n == 1),
    "saw": lambda n: 1.0 / n,
    "odd": lambda n: (n % 2) / n,
    "strong_octave": lambda n: {1: 0.4, 2: 1.0}.get(n, 0.0),
    "weak_fundamental": lambda n: 0.05 if n == 1 else float(n <= 8) / n,
}


@pytest.fixture(scope="module", params=("yin", "mpm"))
def extractor(request):
    return FeatureExtractor(RATE, HOP, WINDOW, 60.0, 2000.0, 0.8, 0.6, request.param)


def harmonics(phase_cycles: np.ndarray, shape: str, f0_hz: float) -> torch.Tensor:
    numbers = [n for n in range(1, 41) if n * f0_hz < 0.45 * RATE]
    audio = sum(SHAPES[shape](n) * np.sin(2 * np.pi * n * phase_cycles + n) for n in numbers)
    return torch.tensor(0.3 * audio / np.abs(audio).max(), dtype=torch.float32).unsqueeze(0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("f0_hz", PITCHES_HZ)
def test_steady_tones_are_found_within_five_cents(extractor, shape, f0_hz):
    found, voiced, _, _ = extractor(harmonics(f0_hz * np.arange(RATE // 2) / RATE, shape, f0_hz))
    cents = 1200 * np.log2(found[0, 4:].numpy() / f0_hz)
    assert abs(np.median(cents)) < 5
    assert np.abs(cents).max() < 50
    assert voiced[0, 4:].min() == 1


@pytest.mark.parametrize("f0_hz", (110.0, 440.0, 1200.0))
def test_vibrato_is_followed_without_octave_errors(extractor, f0_hz):
    seconds = np.arange(2 * RATE) / RATE
    pitch_hz = f0_hz * 2.0 ** (0.5 / 12 * np.sin(2 * np.pi * 5.5 * seconds))
    found, voiced, _, _ = extractor(harmonics(np.cumsum(pitch_hz) / RATE, "saw", f0_hz))
    middle = (np.arange(4, found.shape[1]) + 1) * HOP - WINDOW // 2
    true_hz, found_hz = pitch_hz[middle], found[0, 4:].numpy().astype(float)
    assert np.median(np.abs(1200 * np.log2(found_hz / true_hz))) < 10
    measures = mir_eval.melody.evaluate(middle / RATE, true_hz, middle / RATE, found_hz * voiced[0, 4:].numpy())
    assert measures["Raw Pitch Accuracy"] == measures["Raw Chroma Accuracy"] == 1.0


@pytest.mark.parametrize("level", (0.0, 1e-6, 0.5, -1.0))
def test_what_does_not_move_has_no_clarity(extractor, level):
    f0_hz, voiced, _, clarity = extractor(torch.full((1, RATE // 2), level))
    assert torch.isfinite(f0_hz).all()
    assert clarity[0, 4:].max() == 0
    assert voiced[0, 4:].max() == 0


def test_white_noise_is_unvoiced(extractor):
    noise = torch.tensor(np.random.default_rng(0).normal(size=(1, 2 * RATE)) * 0.2, dtype=torch.float32)
    _, voiced, _, clarity = extractor(noise)
    assert voiced.max() == 0
    assert clarity.max() < 0.6


@pytest.mark.parametrize("seed", range(3))
def test_features_are_finite_whatever_comes_in(extractor, seed):
    draw = np.random.default_rng(seed)
    audio = draw.normal(size=RATE) * 10.0 ** draw.uniform(-40, 3, RATE)
    audio[draw.integers(RATE, size=RATE // 2)] = 0
    for feature in extractor(torch.tensor(audio[None], dtype=torch.float32)):
        assert torch.isfinite(feature).all()


@pytest.mark.parametrize("lags", (20, 40))  # within half a window, for which the transform is shorter, and over it
def test_differences_and_clarities_are_their_definitions(lags):
    x = np.random.default_rng(0).normal(size=64)
    difference, energy = differences(torch.tensor(x), lags)
    x = x - x.mean()
    pairs = [(x[: 64 - lag], x[lag:]) for lag in range(1, lags + 1)]
    wanted = np.array([np.square(head - tail).sum() for head, tail in pairs])
    assert difference.numpy() == pytest.approx(wanted, abs=1e-9)
    assert energy.numpy() == pytest.approx([(head**2 + tail**2).sum() for head, tail in pairs], abs=1e-9)
    normalised = [2 * (head * tail).sum() / (head**2 + tail**2).sum() for head, tail in pairs]
    assert nsdf(difference, energy).numpy() == pytest.approx(normalised, abs=1e-9)
    mean = np.array([np.square(head - tail).mean() for head, tail in pairs])
    cumulative = np.array([mean[lag] / mean[: lag + 1].mean() for lag in range(lags)])
    assert yin_clarity(difference, 64).numpy() == pytest.approx(1 - cumulative, abs=1e-9)


@pytest.mark.parametrize("method", ("yin", "mpm"))
def test_a_batch_of_frames_gives_the_bits_of_each_alone(method):
    frames = torch.tensor(np.random.default_rng(1).normal(size=(2, 9, WINDOW)), dtype=torch.float32).cumsum(dim=-1)
    both = track_pitch(frames, RATE, 60.0, 2000.0, method)
    for row in range(2):
        for at in range(9):
            alone = track_pitch(frames[row : row + 1, at : at + 1], RATE, 60.0, 2000.0, method)
            assert all(torch.equal(a[row, at], b[0, 0]) for a, b in zip(both, alone, strict=True))


@pytest.mark.parametrize("method", ("yin", "mpm"))
def test_pitch_stays_in_its_range(method):
    frames = torch.tensor(np.random.default_rng(0).normal(size=(1, 50, WINDOW)), dtype=torch.float32)
    f0_hz, clarity = track_pitch(frames, RATE, 60.0, 2000.0, method)
    assert f0_hz.min() >= 60 and f0_hz.max() <= 2000
    assert clarity.min() >= 0 and clarity.max() <= 1


def test_voicing_stays_as_it_was_between_the_thresholds():
    clarity = torch.tensor([[0.7, 0.79, 0.8, 0.7, 0.6, 0.59, 0.7, 0.9]])
    _, voiced = gate_pitch(torch.ones_like(clarity), clarity, 0.8, 0.6, torch.ones(1, 2), torch.zeros(1, 1))
    assert voiced.tolist() == [[0, 0, 1, 1, 1, 0, 0, 1]]


def test_an_unvoiced_frame_holds_the_last_voiced_pitch():
    f0_hz, clarity = torch.tensor([[100.0, 200.0, 300.0, 400.0]]), torch.tensor([[0.1, 0.9, 0.1, 0.9]])
    pitch_hz, _ = gate_pitch(f0_hz, clarity, 0.8, 0.6, torch.tensor([[50.0, 50.0]]), torch.zeros(1, 1))
    assert pitch_hz[..., 0].tolist() == [[50, 200, 200, 400]]


def test_a_leap_is_followed_where_it_is_clear_only():
    f0_hz = torch.tensor([[400.0, 200.0, 410.0, 300.0, 200.0, 200.0, 100.0]])
    clarity = torch.tensor([[0.9, 0.7, 0.7, 0.7, 0.7, 0.8, 0.7]])
    pitch_hz, voiced = gate_pitch(f0_hz, clarity, 0.8, 0.6, torch.tensor([[50.0, 50.0]]), torch.zeros(1, 1))
    assert pitch_hz[..., 0].tolist() == [[400, 400, 410, 300, 300, 200, 200]]
    assert voiced.min() == 1


@pytest.mark.parametrize("seed", range(5))
def test_gate_in_any_blocks_is_the_recursion_frame_by_frame(random_blocks, seed):
    draw = np.random.default_rng(seed)
    f0_hz, clarity = draw.uniform(60, 900, (2, 60)).astype("f4"), draw.uniform(0.4, 1.0, (2, 60)).astype("f4")
    wanted = []
    for row in range(2):
        pitch, clear_hz, on = np.float32(99.0), np.float32(99.0), False
        for f0, clear in zip(f0_hz[row], clarity[row], strict=True):
            on = bool(clear >= np.float32(0.8) or (on and clear >= np.float32(0.6)))
            clear_hz = f0 if clear >= np.float32(0.8) else clear_hz
            pitch = f0 if on and abs(np.log2(f0 / clear_hz)) < 0.5 else pitch
            wanted.append((pitch, clear_hz, float(on)))
    last_f0, last_voiced, got, at = torch.full((2, 2), 99.0), torch.zeros(2, 1), [], 0
    for size in random_blocks(60, seed):
        part = [torch.from_numpy(x[:, at : at + size]) for x in (f0_hz, clarity)]
        pitch_hz, voiced = gate_pitch(part[0], part[1], 0.8, 0.6, last_f0, last_voiced)
        last_f0, last_voiced, at = pitch_hz[:, -1], voiced[:, -1:], at + size
        got.append(torch.cat([pitch_hz, voiced.unsqueeze(-1)], dim=-1))
    assert np.array_equal(torch.cat(got, dim=1).numpy().reshape(-1, 3), np.array(wanted, dtype="f4"))
