"""Level and colour, whole and as a stream."""

import numpy as np
import pytest
import torch

from timbre.features.colour import SILENT_CENTROID_HZ, ColourExtractor
from timbre.features.loudness import FLOOR_DB, a_weighting_db, frame_loudness_db, loudness_weights

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
    loudness_db, centroid_hz, depth_db = extractor(audio)
    # The window's lobe is weighted too, which pulls a little.
    assert centroid_hz[0, 5:].numpy() == pytest.approx(f0_hz, rel=0.02)
    assert depth_db[0, 5:].numpy() == pytest.approx(-float(a_weighting_db(torch.tensor(f0_hz))), abs=0.3)
    frames = torch.nn.functional.pad(audio, [WINDOW - HOP, 0]).unfold(1, WINDOW, HOP)
    assert torch.allclose(loudness_db, frame_loudness_db(frames, *loudness_weights(WINDOW, RATE)), atol=1e-3)


def test_two_tones_have_the_mean_weighted_by_a_weighted_power(extractor):
    time, tones_hz = torch.arange(20 * HOP) / RATE, torch.tensor([1000.0, 6000.0])
    audio = (2 * torch.sin(2 * torch.pi * 1000 * time) + torch.sin(2 * torch.pi * 6000 * time))[None]
    power = torch.tensor([4.0, 1.0]) * 10 ** (a_weighting_db(tones_hz) / 10)
    wanted = float((power * tones_hz).sum() / power.sum())
    assert extractor(audio)[1][0, 5:].numpy() == pytest.approx(wanted, rel=0.02)


def test_a_bass_shows_in_the_depth_and_hardly_in_level_and_centroid(extractor):
    time = torch.arange(20 * HOP) / RATE
    stick, bass = 0.3 * torch.sin(2 * torch.pi * 3000 * time)[None], torch.sin(2 * torch.pi * 60 * time)[None]
    alone, both = extractor(stick), extractor(stick + bass)
    assert float((both[0] - alone[0])[0, 5:].abs().mean()) < 2.0
    assert float((both[2] - alone[2])[0, 5:].mean()) > 5.0


def test_a_gain_changes_the_level_alone(extractor):
    soft, loud = extractor(0.1 * noise(20)), extractor(noise(20))
    assert (loud[0] - soft[0]).numpy() == pytest.approx(20.0, abs=1e-3)
    assert (loud[1] / soft[1]).numpy() == pytest.approx(1.0, rel=1e-3)
    assert (loud[2] - soft[2]).numpy() == pytest.approx(0.0, abs=1e-2)


@pytest.mark.parametrize("level", (0.0, 1e-7))
def test_silence_has_a_centroid(extractor, level):
    loudness_db, centroid_hz, depth_db = extractor(level * noise(10))
    assert depth_db.numpy() == pytest.approx(0.0, abs=0.01)
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
