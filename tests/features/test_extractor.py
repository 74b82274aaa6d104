"""The extractor as a stream."""

import math

import numpy as np
import pytest
import torch

from timbre.features import VERSION
from timbre.features.extractor import FeatureExtractor, extractor_of, feature_config

SETTINGS = {"48k": (48000, 512, 2048), "16k": (16000, 128, 1024), "hop_is_half_a_window": (16000, 256, 512)}


@pytest.fixture(params=[(name, "yin") for name in SETTINGS] + [("48k", "mpm")], ids="_".join)
def extractor(request):
    name, method = request.param
    return FeatureExtractor(*SETTINGS[name], 70.0, 2000.0, 0.8, 0.6, method)


def sound(extractor: FeatureExtractor, frames: int, batch: int = 1) -> torch.Tensor:
    """A tone that comes and goes in noise: voiced and unvoiced, loud and still."""
    draw = np.random.default_rng(frames)
    time = np.arange(frames * extractor.hop) / extractor.sample_rate
    tone = 0.3 * np.sin(2 * np.pi * 200 * 2 ** (time / 2) * time) * (np.sin(2 * np.pi * 4 * time) > -0.3)
    audio = tone + 0.02 * draw.normal(size=(batch, len(time))) * (time > time[-1] / 3)
    audio[:, len(time) // 2 : len(time) // 2 + 8 * extractor.window // 3] = 0
    return torch.tensor(audio, dtype=torch.float32)


def stream(step, audio: torch.Tensor, state: list, hop: int, sizes: list[int]) -> list[torch.Tensor]:
    pieces, at = [], 0
    for frames in sizes:
        features, state = step(audio[:, at * hop : (at + frames) * hop], state)
        pieces.append(features)
        at += frames
    return [torch.cat(parts, dim=1) for parts in zip(*pieces, strict=True)]


@pytest.mark.parametrize("batch", (1, 2))
@pytest.mark.parametrize("seed", range(3))
def test_any_blocks_give_the_bits_of_the_whole(extractor, random_blocks, seed, batch):
    audio = sound(extractor, 90, batch)
    whole = extractor(audio)
    got = stream(extractor.step, audio, extractor.initial_state(batch), extractor.hop, random_blocks(90, seed))
    assert all(torch.equal(a, b) for a, b in zip(whole, got, strict=True))
    assert 0 < whole[1].mean() < 1


def test_a_sound_longer_than_a_piece_has_no_seam(random_blocks):
    extractor = FeatureExtractor(16000, 64, 512, 70.0, 2000.0, 0.8, 0.6)
    audio = sound(extractor, 700)
    got = stream(extractor.step, audio, extractor.initial_state(1), 64, random_blocks(700, 0, most=300))
    assert all(torch.equal(a, b) for a, b in zip(extractor(audio), got, strict=True))


def test_a_frame_does_not_know_what_comes_after_its_hop(extractor):
    audio = sound(extractor, 40)
    other = audio.clone()
    other[:, 25 * extractor.hop :] = torch.rand_like(other[:, 25 * extractor.hop :])
    for a, b in zip(extractor(audio), extractor(other), strict=True):
        assert torch.equal(a[:, :25], b[:, :25])
    assert not torch.equal(extractor(audio)[2][:, 25:], extractor(other)[2][:, 25:])


def test_a_frame_forgets_what_lies_before_its_window(extractor):
    audio = sound(extractor, 40)
    other = audio.clone()
    other[:, : 20 * extractor.hop] = 0
    reach = 20 + extractor.window // extractor.hop - 1
    for a, b in zip(extractor(audio)[2:], extractor(other)[2:], strict=True):
        assert torch.equal(a[:, reach:], b[:, reach:])


def test_alignment_is_half_a_window_in_frames(extractor):
    assert extractor.alignment_frames == extractor.window / 2 / extractor.hop
    audio = torch.zeros(1, 40 * extractor.hop)
    audio[:, 20 * extractor.hop] = 1.0  # a click sounds loudest in the frame whose window it is in the middle of
    loudest = int(extractor(audio)[2].argmax())
    assert loudest + 1 - 20 == extractor.alignment_frames


def test_before_anything_is_heard_the_middle_of_the_range_is_held(extractor):
    f0_hz, voiced, loudness_db, clarity = extractor(torch.zeros(1, 9 * extractor.hop))
    assert f0_hz.unique().tolist() == pytest.approx([math.sqrt(70.0 * 2000.0)])
    assert (voiced == 0).all() and (clarity == 0).all() and (loudness_db == -100).all()


class Scripted(torch.nn.Module):
    def __init__(self, extractor: FeatureExtractor) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, audio: torch.Tensor, state: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        return self.extractor.step(audio, state)


def test_scripted_equals_eager(extractor, random_blocks):
    scripted = torch.jit.script(Scripted(extractor))
    audio = sound(extractor, 30)
    got = stream(scripted, audio, extractor.initial_state(1), extractor.hop, random_blocks(30, 1))
    assert all(torch.equal(a, b) for a, b in zip(extractor(audio), got, strict=True))


def test_less_than_a_hop_has_no_frames(extractor):
    assert [feature.shape for feature in extractor(torch.zeros(2, extractor.hop - 1))] == [(2, 0)] * 4


def test_a_configuration_carries_the_version_and_makes_the_same_extractor():
    settings = {"hop_samples": 128, "window_samples": 1024, "f0_min_hz": 60.0, "f0_max_hz": 900.0}
    config = feature_config(16000, settings | {"voiced_on": 0.7, "voiced_off": 0.5})
    assert config["version"] == VERSION
    made = extractor_of(config)
    assert (made.hop, made.window, made.f0_max_hz, made.voiced_on) == (128, 1024, 900.0, 0.7)
