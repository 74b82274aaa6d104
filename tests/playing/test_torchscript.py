"""TorchScript files: equal to the offline network at any block; files that are not ours."""

import copy
import zipfile
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import torch
from support.played import DelayLine

from timbre.errors import UserError
from timbre.export.int8 import quantise
from timbre.export.two_part_effect import effect_of
from timbre.models.control import default_settings
from timbre.playing.load import load_player
from timbre.playing.render import render


def written(network, path: Path, int8: bool = False) -> Path:
    """The network as a file that plays it."""
    network = copy.deepcopy(network)
    network.fold()
    if int8:
        quantise(network, least_weights=1)
    torch.jit.script(effect_of(network).eval()).save(str(path))
    return path


@pytest.fixture(scope="module", params=["ddsp", "noise bands", "rave, mono", "rave, stereo"])
def network(request, tiny_network, band_network, rave_network):
    if request.param in ("ddsp", "noise bands"):
        return tiny_network() if request.param == "ddsp" else band_network()
    return rave_network(channels=2 if request.param == "rave, stereo" else 1)


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    return written(network, tmp_path_factory.mktemp("export") / "model.ts")


@pytest.fixture(scope="module")
def audio(harmonic_tone) -> np.ndarray:
    return np.stack([harmonic_tone(261.0, 0.4), harmonic_tone(330.0, 0.4)[::-1]])


@pytest.mark.parametrize("block", [1, 1111])
def test_what_is_rendered_is_the_offline_network(network, exported, audio, snr_db, block):
    player = load_player(exported)
    assert (player.sample_rate_hz, player.channels) == (network.sample_rate, network.channels)
    assert player.delay_samples == network.delay
    known = {
        control.name: (control.default, control.least, control.most, control.unit, "") for control in network.controls
    }
    assert {name: astuple(control) for name, control in player.controls.items()} == known
    audio = audio[: player.channels]
    network.settings = default_settings(network.controls)
    with torch.no_grad():
        offline = network(torch.from_numpy(audio)[None])[0].numpy()
    assert snr_db(offline, render(player, audio, block)) > 100


def test_eight_bits_play_alike(rave_network, audio, snr_db, tmp_path):
    network = rave_network()
    with torch.no_grad():
        offline = network(torch.from_numpy(audio[:1])[None])[0].numpy()
    quantised = render(load_player(written(network, tmp_path / "model_int8.ts", int8=True)), audio[:1], 512)
    assert 10 < snr_db(offline, quantised) < 100


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


class Writes(DelayLine):
    """Writes what it hears to a file, as any TorchScript may."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "heard.pt")
        return x


class Maps(DelayLine):
    """Plays the bytes of a file."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file("secret.bin", False, x.numel()).reshape(x.shape)


@pytest.mark.parametrize(("module", "told"), [(Writes, "save"), (Maps, "from_file")])
def test_code_that_reaches_for_files_is_not_loaded(tmp_path, monkeypatch, module, told):
    monkeypatch.chdir(tmp_path)
    torch.jit.script(module(1)).save("model.ts")
    torch.jit.load("model.ts")  # torch itself takes it
    with pytest.raises(UserError, match=f"its code has `{told}`.*Nothing of it was run"):
        load_player(tmp_path / "model.ts")
    assert [path.name for path in tmp_path.iterdir()] == ["model.ts"]


@pytest.mark.parametrize("left", [0, 1599])
def test_a_record_that_is_too_short_is_told(tmp_path, left):
    # torch would read on in memory, and the process may end there.
    torch.jit.script(DelayLine(400)).save(str(tmp_path / "whole.ts"))
    with zipfile.ZipFile(tmp_path / "whole.ts") as whole, zipfile.ZipFile(tmp_path / "model.ts", "w") as other:
        for record in whole.infolist():
            content = whole.read(record)
            other.writestr(record.filename, content[:left] if record.file_size == 1600 else content)
    assert load_player(tmp_path / "whole.ts").delay_samples == 400
    with pytest.raises(UserError, match=rf"data/0 in it has {left} of 1600 bytes"):
        load_player(tmp_path / "model.ts")


def test_damage_that_torch_does_not_see_is_told(tmp_path):
    path = tmp_path / "model.ts"
    torch.jit.script(DelayLine(400)).save(str(path))
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda record: record.file_size if "/data/" in record.filename else 0)
    content = bytearray(path.read_bytes())
    content[largest.header_offset + 200] ^= 1
    path.write_bytes(content)
    torch.jit.load(path)
    with pytest.raises(UserError, match=r"does not load as TorchScript .*has another check sum"):
        load_player(path)


class Narrow(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, :1]


class Backwards(DelayLine):
    def __init__(self) -> None:
        super().__init__(1)
        self.delay_samples = -1


def test_what_fails_as_it_plays_is_told(tmp_path):
    for module, told in ((Narrow(1), r"makes \[1, 1\] float32 of \[1, 64\] samples"), (Backwards(), "delay of -1")):
        torch.jit.script(module).save(str(tmp_path / "model.ts"))
        with pytest.raises(UserError, match=told):
            render(load_player(tmp_path / "model.ts"), np.zeros((1, 64), np.float32), 64)
