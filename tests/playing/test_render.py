"""Playing whole sounds: exact alignment for any block, controls, streams."""

import numpy as np
import pytest
import torch
from support.played import DelayLine, Knobs, delay_player

from timbre.errors import UserError
from timbre.playing.player import host_block
from timbre.playing.render import play, render
from timbre.playing.torchscript import TorchScriptPlayer


def noise(samples: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 0.1, (channels, samples)).astype(np.float32)


@pytest.fixture(scope="module")
def knobs() -> TorchScriptPlayer:
    return TorchScriptPlayer(torch.jit.script(Knobs()), "model.ts")


@pytest.mark.parametrize("block", [1, 64, 512, 1000])
@pytest.mark.parametrize("delay", [0, 1, 512, 777])
def test_a_delay_line_comes_back_exactly(block, delay):
    audio = noise(1777)
    assert np.array_equal(render(delay_player(delay, gain=0.5), audio, block), 0.5 * audio)


def test_blocks_are_brought_up_to_legal_ones():
    player, audio = delay_player(100, hop=300), noise(1000)
    assert [host_block(player, samples) for samples in (1, 300, 301, 512)] == [300, 300, 600, 600]
    assert np.array_equal(render(player, audio, 512), audio)


def test_a_second_render_starts_afresh():
    player, audio = delay_player(50), noise(500)
    render(player, np.ones((1, 100), np.float32), 64)
    assert np.array_equal(render(player, audio, 64), audio)


def test_every_channel_goes_its_own_way():
    audio = noise(500, channels=2)
    assert np.array_equal(render(delay_player(10, channels=2), audio, 64), audio)


@pytest.mark.parametrize("samples", [0, 1, 64, 200])
def test_the_output_is_as_long_as_the_input(samples):
    audio = noise(samples)
    assert np.array_equal(render(delay_player(100), audio, 64), audio)


def test_pieces_of_a_stream_may_have_any_length(random_blocks):
    audio = noise(5000)
    pieces = np.split(audio, np.cumsum(random_blocks(5000, 1, unit=7, most=100))[:-1], axis=1)
    played = list(play(delay_player(333), pieces, 128))
    assert max(piece.shape[1] for piece in played) <= 128
    assert np.array_equal(np.concatenate(played, axis=1), audio)


def test_progress_adds_up_to_the_input():
    told = []
    render(delay_player(3000), noise(1777), 512, told.append)
    assert sum(told) == 1777


class Threads(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(x, float(torch.get_num_threads()))


def test_it_plays_in_one_thread_and_gives_the_others_back():
    player, threads = TorchScriptPlayer(Threads(0), "model.ts"), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert np.all(render(player, noise(500), 64) == 1.0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_samples_that_are_not_numbers_are_the_models_fault():
    with pytest.raises(UserError, match=r"model\.ts gives samples that are not numbers"):
        render(delay_player(10, gain=float("nan")), noise(500), 64)


def test_controls_are_set_for_one_render(knobs):
    audio = noise(1000)
    adapted = render(knobs, audio, 64)
    assert adapted == pytest.approx(audio * 10 ** (6 / 20), rel=1e-6)
    assert np.array_equal(render(knobs, audio, 64, controls={"input_gain_db": 0.0}), audio)
    hum = render(knobs, audio, 64, controls={"harmonic_noise_balance": 1.0})
    assert np.abs(hum).max() == pytest.approx(0.01 * 10 ** (6 / 20), rel=1e-2), "the others keep their default"
    with pytest.raises(UserError):
        render(knobs, audio * np.float32(np.nan), 64, controls={"input_gain_db": 0.0})
    assert np.array_equal(render(knobs, audio, 64), adapted)


def test_an_unknown_control_is_told_with_all_that_there_are(knobs):
    with pytest.raises(UserError) as told:
        render(knobs, noise(10), 64, controls={"gain": 0.0})
    for part in (
        "no control `gain`",
        "input_gain_db: from -24 to 24 dB, by default 6",
        "harmonic_noise_balance: from -1",
    ):
        assert part in str(told.value)


@pytest.mark.parametrize("value", [24.1, -1000.0, float("nan"), float("inf")])
def test_a_value_beyond_its_limits_is_told(knobs, value):
    with pytest.raises(UserError, match=r"input_gain_db=.* is not legal. Write a number from -24 to 24 dB\."):
        knobs.set_control("input_gain_db", value)


@pytest.mark.parametrize("shape", [(2, 64), (64,), (1, 63), (1, 0)])
def test_a_block_of_an_illegal_shape_raises(shape):
    with pytest.raises(ValueError, match="takes blocks"):
        delay_player(0, hop=64).process(np.zeros(shape))
