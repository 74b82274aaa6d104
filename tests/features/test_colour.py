"""Level and colour, whole and as a stream."""

import numpy as np
import pytest
import torch

from timbre.features.colour import SILENT_CENTROID_HZ, ColourExtractor
from timbre.features.loudness import FLOOR_DB, frame_loudness_db, loudness_weights

RATE, HOP, WINDOW = 16000, 64, 256


@pytest.fixture
def extractor():
    return ColourExtractor(RATE, HOP, WINDOW)


def noise(frames: int, batch: int = 1) -> torch.Tensor:
    return torch.tensor(0.1 * np.random.default_rng(0).normal(size=(batch, frames * HOP))).float()


def test_any_blocks_give_the_whole(extractor, random_blocks):
    audio = noise(60, 2)
    whole, state, pieces = extractor(audio), extractor.initial_state(2), []
    for block in audio.split(random_blocks(audio.shape[1], 0, HOP), dim=1):
        features, state = extractor.step(block, state)
        pieces.append(features)
    for index, feature in enumerate(whole):
        assert torch.allclose(feature, torch.cat([piece[index] for piece in pieces], dim=1), rtol=1e-5)


@pytest.mark.parametrize("f0_hz", (500.0, 1000.0, 5000.0))
def test_a_tone_has_its_pitch_as_centroid_and_the_level_of_the_other_extractor(extractor, f0_hz):
    audio = torch.sin(2 * torch.pi * f0_hz * torch.arange(20 * HOP) / RATE)[None]
    loudness_db, centroid_hz = extractor(audio)
    assert centroid_hz[0, 5:].numpy() == pytest.approx(f0_hz, rel=0.01)
    frames = torch.nn.functional.pad(audio, [WINDOW - HOP, 0]).unfold(1, WINDOW, HOP)
    assert torch.allclose(loudness_db, frame_loudness_db(frames, *loudness_weights(WINDOW, RATE)), atol=1e-3)


def test_the_centroid_of_white_noise_is_the_middle(extractor):
    assert float(extractor(noise(2000))[1].mean()) == pytest.approx(RATE / 4, rel=0.02)


def test_two_tones_have_the_mean_weighted_by_power(extractor):
    time = torch.arange(20 * HOP) / RATE
    audio = (2 * torch.sin(2 * torch.pi * 1000 * time) + torch.sin(2 * torch.pi * 6000 * time))[None]
    assert extractor(audio)[1][0, 5:].numpy() == pytest.approx((4 * 1000 + 6000) / 5, rel=0.02)


@pytest.mark.parametrize("level", (0.0, 1e-7))
def test_silence_has_a_centroid(extractor, level):
    loudness_db, centroid_hz = extractor(level * noise(10))
    assert (loudness_db == FLOOR_DB).all()
    assert centroid_hz.numpy() == pytest.approx(SILENT_CENTROID_HZ, rel=0.01)


def test_a_window_describes_its_middle(extractor):
    audio = torch.zeros(1, 40 * HOP)
    audio[:, 20 * HOP] = 1.0
    assert int(extractor(audio)[0].argmax()) + 1 - 20 == extractor.alignment_frames == 2


def test_a_frame_does_not_know_what_comes_after_its_hop(extractor):
    audio = noise(30)
    other = audio.clone()
    other[:, 20 * HOP :] = 0.3
    for a, b in zip(extractor(audio), extractor(other), strict=True):
        assert torch.equal(a[:, :20], b[:, :20])
