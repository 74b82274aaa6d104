"""The effect as a host plays it."""

from typing import ClassVar

import numpy as np
import pytest
import torch

from timbre.export.effect import StreamingEffect, cleaned
from timbre.models.control import Control, neutral_settings

SAMPLES = 47 * 128
SCHEDULES = {
    "hops": [128] * 47,
    "three_hops": [384] * 15 + [256],
    "changing": [128, 1024, 384, 256, 2048, 128, 2048],
    "all_at_once": [SAMPLES],
}


@pytest.fixture(scope="module")
def network(tiny_network):
    return tiny_network(reverb_seconds=0.05)


@pytest.fixture(scope="module")
def audio() -> torch.Tensor:
    time, draw = np.arange(SAMPLES) / 16000, np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 300 * time * np.exp(time)) * (np.sin(20 * time) > -0.5)
    return torch.tensor(np.stack([0.2 * tone, 0.1 * draw.normal(size=SAMPLES)]), dtype=torch.float32)[:, None]


@pytest.fixture(scope="module", params=("eager", "scripted"))
def effect(request, network):
    made = StreamingEffect(network).eval()
    return torch.jit.script(made) if request.param == "scripted" else made


def play(effect, audio: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    return torch.cat([effect(block) for block in audio.split(sizes, dim=2)], dim=2)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_legal_blocks_equal_offline_later_by_the_delay(effect, network, audio, snr_db, schedule):
    effect.reset()
    got, delay = play(effect, audio[:1], SCHEDULES[schedule]), effect.delay_samples
    with torch.no_grad():
        whole = network(audio[:1])
    assert delay == network.delay
    assert got.shape == audio[:1].shape
    assert snr_db(whole[..., :-delay], got[..., delay:]) > 100


@pytest.mark.parametrize("seed", range(4))
def test_random_blocks_equal_one_another(effect, audio, random_blocks, snr_db, seed):
    effect.reset()
    whole = play(effect, audio[:1], [SAMPLES])
    effect.reset()
    assert snr_db(whole, play(effect, audio[:1], random_blocks(SAMPLES, seed, 128, 7))) > 100


def test_reset_gives_a_second_run_of_the_same_bits(network, audio, random_blocks):
    effect, sizes = StreamingEffect(network).eval(), random_blocks(SAMPLES, 7, 128, 6)
    first = play(effect, audio, sizes)
    effect(audio[..., :128])
    effect.reset()
    assert torch.equal(first, play(effect, audio, sizes))


def test_two_streams_in_a_batch_are_two_streams(effect, audio, snr_db):
    effect.reset()
    both = play(effect, audio, [640] * 9 + [256])
    for row in range(2):
        effect.reset()
        assert snr_db(play(effect, audio[row : row + 1], [SAMPLES]), both[row : row + 1]) > 100


def test_another_batch_size_begins_anew(effect, audio):
    effect.reset()
    first = effect(audio[:1])
    effect(audio)
    assert torch.equal(effect(audio[:1]), first)


@pytest.mark.parametrize("poison", (float("nan"), float("inf"), -float("inf"), 3e38))
def test_what_is_no_number_does_not_poison_the_stream(effect, audio, poison):
    effect.reset()
    clean = play(effect, audio[:1], [128] * 47)
    effect(torch.full((1, 1, 1024), poison))
    assert torch.isfinite(play(effect, audio[:1], [128] * 47)).all()
    effect.reset()
    assert torch.equal(play(effect, audio[:1], [128] * 47), clean)


def test_a_sample_that_is_no_number_counts_as_silence(effect, audio):
    holed = [audio[:1].clone() for _ in range(2)]
    holed[0][..., 2000:2100], holed[1][..., 2000:2100] = 0.0, float("nan")
    runs = []
    for sound in holed:
        effect.reset()
        runs.append(effect(sound))
    assert torch.equal(*runs)


def test_no_denormal_number_gets_in():
    faint = torch.tensor([1e-39, -1e-20, 1e-14, -0.5])
    assert torch.equal(cleaned(faint), torch.tensor([0.0, 0.0, 1e-14, -0.5]))


class Sides(torch.nn.Module):
    """A stereo network that needs no more than the law: each side at its own gain, and the left a hop late."""

    channels, hop, delay, tail_samples, sample_rate = 2, 128, 0, 128, 16000
    controls: ClassVar[list[Control]] = [Control("gain", 0.0, 2.0, 1.0, 1.0, "", "Louder or softer.")]

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("settings", neutral_settings(self.controls))

    def initial_state(self, batch: int) -> list[torch.Tensor]:
        return [torch.zeros(batch, 1, 128)]

    def step(self, audio: torch.Tensor, state: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        left = torch.cat([state[0], audio[:, :1]], dim=2)
        played = torch.cat([left[:, :, :-128], 0.5 * audio[:, 1:]], dim=1)
        return self.settings[0] * played, [left[:, :, -128:]]

    @torch.jit.ignore
    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.nn.functional.pad(audio[:, :1], [128, -128]), 0.5 * audio[:, 1:]], dim=1)


@pytest.mark.parametrize("scripted", (False, True))
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_two_channels_stay_two_channels(audio, schedule, scripted):
    effect, stereo = StreamingEffect(Sides()).eval(), audio.transpose(0, 1)
    got = play(torch.jit.script(effect) if scripted else effect, stereo, SCHEDULES[schedule])
    assert got.shape == stereo.shape
    assert torch.equal(got, Sides()(stereo))


@pytest.mark.parametrize("scripted", (False, True))
def test_a_stereo_model_plays_mono_on_both_sides(audio, scripted):
    effect = StreamingEffect(Sides()).eval()
    effect = torch.jit.script(effect) if scripted else effect
    assert torch.equal(effect(audio[:1]), Sides()(audio[:1].expand(-1, 2, -1)))


@pytest.mark.parametrize("shape", ((1, 3, 128), (2, 128), (1, 2, 100), (1, 2, 129), (1, 2, 0)))
def test_what_is_not_legal_is_refused_and_the_legal_named(shape):
    for effect in (StreamingEffect(Sides()).eval(), torch.jit.script(StreamingEffect(Sides()).eval())):
        with pytest.raises((ValueError, torch.jit.Error), match=r"\[batch, 2, samples\].*: 128, 256, 384, \.\.\."):
            effect(torch.zeros(shape))


@pytest.mark.parametrize("shape", ((1, 2, 100), (1, 100), (100,)))
def test_other_shapes_are_refused(effect, shape):
    with pytest.raises((ValueError, torch.jit.Error), match=r"\[batch, 1, samples\]"):
        effect(torch.zeros(shape))


def test_silence_is_exactly_silent(effect):
    effect.reset()
    assert effect(torch.zeros(1, 1, 5120)).abs().max() == 0


def test_the_output_is_the_callers_own(effect, audio):
    effect.reset()
    first = effect(audio[:1, :, :2944])
    kept = first.clone()
    effect(audio[:1, :, 2944:])
    assert torch.equal(first, kept)
    first.zero_()
    effect.reset()
    assert torch.equal(effect(audio[:1, :, :2944]), kept)
