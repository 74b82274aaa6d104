"""A Neutone model, played as the plug-in plays it."""

import zipfile

import numpy as np
import pytest
import torch
from support.played import RATE, DelayLine
from support.plugin import write_plugin

from timbre.errors import UserError
from timbre.playing.load import load_player
from timbre.playing.player import ControlRange
from timbre.playing.render import render


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return write_plugin(tmp_path_factory.mktemp("plugin") / "model.nm", delay_samples=37)


@pytest.fixture(scope="module")
def player(plugin):
    return load_player(plugin)


def noise(samples: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 0.1, (channels, samples)).astype(np.float32)


@pytest.mark.parametrize(("block", "queue"), [(32, 32), (64, 0), (100, 200), (128, 0), (480, 480), (1, 63)])
def test_the_delay_of_model_and_queue_is_taken_out_at_any_block(player, block, queue):
    audio = noise(1111)
    played = render(player, audio, block)
    assert np.array_equal(played, audio)
    assert player.delay_samples == 37 + queue


def test_what_the_file_tells_of_itself(player):
    assert (player.sample_rate_hz, player.channels, player.block_samples) == (RATE, 1, 1)
    assert list(player.controls) == ["Gain"], "a knob that is not used is none"
    assert player.controls["Gain"] == ControlRange(0.5, 0.0, 1.0, meaning="Twice of it")


def test_a_knob_goes_to_its_own_place(player):
    audio = noise(1000)
    assert render(player, audio, 64, controls={"Gain": 1.0}) == pytest.approx(2 * audio)
    assert np.array_equal(render(player, audio, 64), audio)
    with pytest.raises(UserError, match=r"Gain: from 0 to 1, by default 0\.5\. Twice of it$"):
        player.set_control("gain", 0.5)


def test_both_channels(tmp_path):
    player, audio = load_player(write_plugin(tmp_path / "model.nm", 5, channels=2)), noise(500, channels=2)
    assert player.channels == 2
    assert np.array_equal(render(player, audio, 100), audio)


def test_another_block_than_was_told_raises(player):
    player.set_block(100)
    with pytest.raises(ValueError, match="blocks of 100 samples"):
        player.process(noise(64))


def test_torchscript_that_is_no_neutone_model_is_told(tmp_path):
    path = tmp_path / "model.nm"
    torch.jit.script(DelayLine(1)).save(str(path))
    with pytest.raises(UserError, match="no Neutone model"):
        load_player(path)


def test_a_file_without_its_metadata_is_told(plugin, tmp_path):
    path = tmp_path / "model.nm"
    with zipfile.ZipFile(plugin) as whole, zipfile.ZipFile(path, "w") as part:
        for name in whole.namelist():
            if not name.endswith("metadata.json"):
                part.writestr(name, whole.read(name))
    with pytest.raises(UserError, match="no Neutone model"):
        load_player(path)
