"""The effect as a host plays it."""

from typing import ClassVar

import numpy as np
import pytest
import torch

from timbre.export.effect import StreamingEffect
from timbre.models.control import Control

SCHEDULES = {
    "single_samples": [1] * 300 + [5700],
    "one_less_than_a_hop": [127] * 47 + [31],
    "hops": [128] * 46 + [112],
    "one_more_than_a_hop": [129] * 46 + [66],
    "many_hops": [3000, 3000],
    "all_at_once": [6000],
    "with_empty_blocks": [0, 500, 0, 0, 5500],
}


@pytest.fixture(scope="module")
def network(tiny_network):
    return tiny_network(reverb_seconds=0.05)


@pytest.fixture(scope="module")
def audio() -> torch.Tensor:
    time, draw = np.arange(6000) / 16000, np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 300 * time * np.exp(time)) * (np.sin(20 * time) > -0.5)
    return torch.tensor(np.stack([0.2 * tone, 0.1 * draw.normal(size=6000)]), dtype=torch.float32)[:, None]


@pytest.fixture(scope="module", params=("eager", "scripted"))
def effect(request, network):
    made = StreamingEffect(network).eval()
    return torch.jit.script(made) if request.param == "scripted" else made


def play(effect, audio: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    return torch.cat([effect(block) for block in audio.split(sizes, dim=2)], dim=2)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_any_blocks_equal_offline_later_by_the_delay(effect, network, audio, snr_db, schedule):
    effect.reset()
    got, delay = play(effect, audio[:1], SCHEDULES[schedule]), effect.delay_samples
    with torch.no_grad():
        whole = network(audio[:1])
    assert delay == network.delay + network.hop
    assert got.shape == audio[:1].shape
    assert got[..., : network.hop].abs().max() == 0
    assert snr_db(whole[..., :-delay], got[..., delay:]) > 100


@pytest.mark.parametrize("seed", range(4))
def test_random_blocks_equal_one_another(effect, audio, random_blocks, snr_db, seed):
    effect.reset()
    whole = play(effect, audio[:1], [6000])
    effect.reset()
    assert snr_db(whole, play(effect, audio[:1], random_blocks(6000, seed, most=900))) > 100


def test_reset_gives_a_second_run_of_the_same_bits(network, audio, random_blocks):
    effect, sizes = StreamingEffect(network).eval(), random_blocks(6000, 7, most=700)
    first = play(effect, audio, sizes)
    effect(audio[..., :77])
    effect.reset()
    assert torch.equal(first, play(effect, audio, sizes))


def test_two_streams_in_a_batch_are_two_streams(effect, audio, snr_db):
    effect.reset()
    both = play(effect, audio, [700] * 8 + [400])
    for row in range(2):
        effect.reset()
        assert snr_db(play(effect, audio[row : row + 1], [6000]), both[row : row + 1]) > 100


def test_another_batch_size_begins_anew(effect, audio):
    effect.reset()
    first = effect(audio[:1])
    effect(audio)
    assert torch.equal(effect(audio[:1]), first)


@pytest.mark.parametrize("poison", (float("nan"), float("inf"), -float("inf"), 3e38))
def test_what_is_no_number_does_not_poison_the_stream(effect, audio, poison):
    effect.reset()
    effect(torch.full((1, 1, 1000), poison))
    assert torch.isfinite(play(effect, audio[:1], [500] * 12)).all()


def test_a_sample_that_is_no_number_counts_as_silence(effect, audio):
    holed = [audio[:1].clone() for _ in range(2)]
    holed[0][..., 2000:2100], holed[1][..., 2000:2100] = 0.0, float("nan")
    runs = []
    for sound in holed:
        effect.reset()
        runs.append(effect(sound))
    assert torch.equal(*runs)


class Sides(torch.nn.Module):
    """A stereo network that needs no more than the law: each side at its own gain, and the left a hop late."""

    channels, hop, delay, tail_samples, sample_rate = 2, 128, 0, 128, 16000
    controls: ClassVar[list[Control]] = [Control("gain", 0.0, 2.0, 1.0, 1.0, "", "Louder or softer.")]

    def __init__(self) -> None:
        super().__init__()
        self.settings = [1.0]

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
    assert torch.equal(got[..., 128:], Sides()(stereo)[..., :-128])


@pytest.mark.parametrize("shape", ((1, 1, 100), (2, 100)))
def test_a_stereo_model_refuses_other_shapes(shape):
    for effect in (StreamingEffect(Sides()).eval(), torch.jit.script(StreamingEffect(Sides()).eval())):
        with pytest.raises((ValueError, torch.jit.Error), match=r"\[batch, 2, samples\]"):
            effect(torch.zeros(shape))


@pytest.mark.parametrize("shape", ((1, 2, 100), (1, 100), (100,)))
def test_other_shapes_are_refused(effect, shape):
    with pytest.raises((ValueError, torch.jit.Error), match=r"\[batch, 1, samples\]"):
        effect(torch.zeros(shape))


def test_silence_is_exactly_silent(effect):
    effect.reset()
    assert effect(torch.zeros(1, 1, 5000)).abs().max() == 0


def test_the_output_is_the_callers_own(effect, audio):
    effect.reset()
    first = effect(audio[:1, :, :3000])
    kept = first.clone()
    effect(audio[:1, :, 3000:])
    assert torch.equal(first, kept)
    first.zero_()
    effect.reset()
    assert torch.equal(effect(audio[:1, :, :3000]), kept)
