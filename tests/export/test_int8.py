"""Weights in eight bits."""

import numpy as np
import pytest
import torch

from timbre import models
from timbre.errors import UserError
from timbre.export import int8, run
from timbre.export.int8 import prove_int8, quantise, spectral_distance_db
from timbre.export.nn_tilde import scripted_for_nn_tilde
from timbre.export.two_part_effect import effect_of
from timbre.params import parse


def rave(rave_network):
    network = rave_network(channels=2, noise=True)
    network.fold()
    return network


def ddsp(tiny_network):
    network = tiny_network(hidden=64)
    network.fold()
    return network


@pytest.mark.parametrize("kind", ("rave", "ddsp"))
def test_large_matrices_alone_are_quantised_and_the_file_shrinks(kind, rave_network, tiny_network, tmp_path):
    sizes = []
    for quantised in (False, True):
        network = rave(rave_network) if kind == "rave" else ddsp(tiny_network)
        weights = sum(parameter.numel() for parameter in network.parameters())
        count = quantise(network, 1000) if quantised else 0
        assert count < weights
        scripted = scripted_for_nn_tilde(effect_of(network))
        scripted.save(str(tmp_path / "model.ts"))
        sizes.append((tmp_path / "model.ts").stat().st_size - 4 * (weights - count) - count)
        torch.manual_seed(0)
        assert torch.isfinite(scripted(torch.randn(1, scripted.channels, 4 * scripted.hop))).all()
    assert abs(sizes[0] - sizes[1]) < 150_000


def test_nothing_large_is_an_error_that_says_so(rave_network):
    with pytest.raises(UserError, match=r"no layer of this model has 65,536 weights.*Write fp32"):
        quantise(rave(rave_network))


def test_a_sound_is_at_no_distance_from_itself_and_6_db_from_its_double():
    sound = np.random.default_rng(0).standard_normal((2, 20000)).astype(np.float32)
    assert spectral_distance_db(sound, sound) == 0.0
    assert spectral_distance_db(sound, 2.0 * sound) == pytest.approx(6.02, abs=0.05)


@pytest.fixture
def wide(rave_config, rave_network, tmp_path, raw_params, monkeypatch):
    """A network with a layer large enough, its training folder, and test inputs."""
    import soundfile

    monkeypatch.setattr(int8, "LEAST_WEIGHTS", 1)
    shape = {"capacity": 96}
    models.save(tmp_path / "train", rave_config(**shape), rave_network(**shape).state_dict())
    (tmp_path / "inputs").mkdir()
    time = np.arange(16000) / 16000
    soundfile.write(tmp_path / "inputs/tone.wav", 0.3 * np.sin(2 * np.pi * 300 * time), 16000)
    (tmp_path / "inputs/text.wav").write_text("no sound")
    raw_params["export"] |= {"precision": "int8", "targets": ["torchscript"]}
    raw_params["data"]["test_inputs"] = str(tmp_path / "inputs")
    return raw_params


def test_the_file_lies_beside_the_whole_one_with_its_figures(wide, tmp_path):
    described = run.export_model(parse(wide), tmp_path / "train", tmp_path / "export")
    found = described["targets"]["torchscript_int8"]
    assert (tmp_path / "export" / found["file"]).stat().st_size == found["bytes"]
    assert found["bytes"] < described["targets"]["torchscript"]["bytes"]
    assert 0.0 < found["distance_db"] == found["largest_distance_db"] < 3.0
    assert found["largest_at"] == "tone.wav"


def test_inputs_without_sound_are_an_error_that_names_the_folder(tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"data\.test_inputs"):
        run.test_sounds(tmp_path, 16000, 1)


@pytest.fixture
def pair(rave_network, tmp_path):
    """Paths of two files of one model, the second a little louder; and two sounds."""
    for name, gain in (("whole.ts", 1.0), ("louder.ts", 1.1)):
        network = rave(rave_network)
        network.decoder.waveform.weighted.turned.data *= gain
        scripted_for_nn_tilde(effect_of(network)).save(str(tmp_path / name))
    draw = np.random.default_rng(0)
    sounds = {
        name: level * draw.standard_normal((2, 8000)).astype(np.float32) for name, level in (("a", 0.01), ("b", 0.1))
    }
    return tmp_path / "louder.ts", tmp_path / "whole.ts", sounds


def test_the_distance_of_each_sound_counts_and_the_worst_is_named(pair):
    found = prove_int8(*pair, 1.0)
    assert found["largest_at"] in pair[2] and 1.0 > found["largest_distance_db"] >= found["distance_db"] > 0.1


def test_one_that_sounds_too_different_is_refused(pair):
    with pytest.raises(UserError, match=r"plays [ab] 0\.\d+ dB .* over the 0\.01 dB of export\.int8_max_distance_db"):
        prove_int8(*pair, 0.01)
