"""TorchScript files: equal to the offline network at any block; files that are not ours."""

import numpy as np
import pytest
import torch
from support.played import DelayLine

from timbre.errors import UserError
from timbre.export.latent_effect import effect_of
from timbre.playing.load import load_player
from timbre.playing.render import render


@pytest.fixture(scope="module", params=["ddsp", "rave, mono", "rave, stereo"])
def network(request, tiny_network, rave_network):
    if request.param == "ddsp":
        return tiny_network()
    return rave_network(channels=2 if request.param == "rave, stereo" else 1)


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.ts"
    torch.jit.script(effect_of(network).eval()).save(str(path))
    return path


@pytest.mark.parametrize("block", [1, 1111, 4096])
def test_what_is_rendered_is_the_offline_network(network, exported, harmonic_tone, snr_db, block):
    player = load_player(exported)
    assert (player.sample_rate_hz, player.channels) == (network.sample_rate, getattr(network, "channels", 1))
    assert list(player.controls) == [control.name for control in network.controls]
    sides = [harmonic_tone(261.0, 0.7), harmonic_tone(330.0, 0.7)[::-1]]
    audio = np.stack(sides[: player.channels])
    with torch.no_grad():
        offline = network(torch.from_numpy(audio.copy())[None])[0].numpy()
    assert snr_db(offline, render(player, audio, block)) > 100


def test_files_that_are_not_ours_are_told(tmp_path):
    path = tmp_path / "model.ts"
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))
    with pytest.raises(UserError, match="not as timbre exports it: it lacks sample_rate, channels, "):
        load_player(path)
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="does not load as TorchScript"):
        load_player(path)
    path.write_bytes(b"")
    with pytest.raises(UserError, match="does not load as TorchScript"):
        load_player(path)


def test_other_endings_folders_and_missing_files_are_told(tmp_path):
    torch.jit.script(DelayLine(1)).save(str(tmp_path / "model.pt"))
    with pytest.raises(UserError, match=r"these end in \.ts, \.nm, \.onnx"):
        load_player(tmp_path / "model.pt")
    with pytest.raises(UserError, match="one of the files in it"):
        load_player(tmp_path)
    with pytest.raises(UserError, match=r"model\.ts is missing"):
        load_player(tmp_path / "model.ts")


def test_an_ending_may_be_in_capitals(tmp_path):
    torch.jit.script(DelayLine(7)).save(str(tmp_path / "MODEL.TS"))
    assert load_player(tmp_path / "MODEL.TS").delay_samples == 7
