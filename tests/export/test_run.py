"""The export of a training folder."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from timbre import models
from timbre.errors import UserError
from timbre.export import proof, run
from timbre.export.card import model_card
from timbre.export.make import make_in_new_process
from timbre.export.two_part_effect import effect_of
from timbre.models.control import default_settings
from timbre.params import parse

SOURCE = str(Path(models.__file__).parents[2])


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_config, tiny_network) -> Path:
    folder = tmp_path_factory.mktemp("models") / "train"
    models.save(folder, tiny_config(), tiny_network().state_dict())
    return folder


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("models") / "export"
    raw = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    raw["export"] |= {"targets": ["torchscript"], "check_blocks_samples": [64, 500]}
    run.export_model(parse(raw), trained, target)
    return target


def test_the_description_has_every_key_that_others_rely_on(exported, tiny_network):
    described, network = json.loads((exported / "model.json").read_text()), tiny_network()
    content = (exported / "model.ts").read_bytes()
    assert described["model"] == "ddsp"
    assert (described["sample_rate_hz"], described["channels"], described["block_samples"]) == (16000, 1, 128)
    assert described["delay_samples"] == network.delay
    assert described["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert {"latent_dimensions", "controls", "versions", "features"} <= described.keys()
    assert described["streaming_snr_db"] > 100
    assert described["targets"]["torchscript"] == {
        "file": "model.ts",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "delay_samples": described["delay_samples"],
    }
    assert sorted(path.name for path in exported.iterdir()) == ["README.md", "model.json", "model.ts"]


def test_a_card_lies_beside_the_files(exported, trained):
    described, config = (json.loads(path.read_text()) for path in (exported / "model.json", trained / "config.json"))
    shown = parse(yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())).export.neutone
    assert (exported / "README.md").read_text() == model_card(described, config, shown)


def test_each_target_that_is_wanted_is_written_proved_and_described(trained, raw_params, tmp_path, monkeypatch):
    def write(network, folder, params, sounds):
        (folder / "model.nm").write_bytes(b"nm")
        return {"file": "model.nm", "bytes": 2, "shown": [sound.shape for sound in sounds]}

    proved = []
    monkeypatch.setattr(run.neutone, "write", write)
    monkeypatch.setattr(run.neutone, "prove", lambda path, network, params: proved.append(path.name))
    (tmp_path / "inputs").mkdir()
    soundfile.write(tmp_path / "inputs/flute.wav", proof.test_signal(16000)[0, :8000], 16000)
    raw_params["data"]["test_inputs"] = str(tmp_path / "inputs")
    raw_params["export"]["targets"] = ["torchscript", "neutone"]
    described = run.export_model(parse(raw_params), trained, tmp_path / "export")
    assert described["targets"]["neutone"] == {"file": "model.nm", "bytes": 2, "shown": [(1, 8000)]}
    assert (tmp_path / "export/model.nm").read_bytes() == b"nm"
    assert proved == ["model.nm"]


def test_a_reverb_may_ring_out_and_its_length_is_told(tiny_config, raw_params, tmp_path):
    config = tiny_config(reverb_seconds=1.5)
    models.save(tmp_path / "train", config, models.build(config).state_dict())
    described = run.export_model(parse(raw_params), tmp_path / "train", tmp_path / "export")
    assert described["tail_samples"] == 24000
    assert described["silence_dbfs"] < -80.0


@pytest.mark.parametrize("shape", [{"channels": 2, "noise": True}, {"no_latency": False, "blocks": "v1"}], ids=str)
def test_a_network_with_a_code_is_exported_with_it(rave_network, rave_config, raw_params, tmp_path, shape):
    network = rave_network(**shape)
    network.latent_explained.copy_(torch.tensor([0.5, 0.8, 0.9, 0.99, 1.0]))
    models.save(tmp_path / "train", rave_config(**shape), network.state_dict())
    raw_params["export"]["fidelity"] = 0.95
    described = run.export_model(parse(raw_params), tmp_path / "train", tmp_path / "export")
    assert described["latent_dimensions"] == 4
    assert described["delay_samples"] == network.delay
    assert described["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert described["controls"][0]["name"] == "temperature"
    assert described["streaming_snr_db"] > 100
    assert (described["channels"], described["features"]) == (network.channels, None)
    model = torch.jit.load(tmp_path / "export/model.ts")
    sound = 0.1 * torch.randn(1, network.channels, 4 * network.hop)
    assert model.encode(sound).shape == (1, 4, 4)
    # Folded: the weights once, and no state of many streams.
    assert described["targets"]["torchscript"]["bytes"] < 4 * described["parameters"] + 400_000


def test_a_host_needs_nothing_but_torch(exported, tiny_network, snr_db, tmp_path):
    audio = proof.test_signal(16000)[:, :19968]
    np.save(tmp_path / "audio.npy", audio)
    script = (
        "import sys, numpy, torch; model = torch.jit.load(sys.argv[1]);"
        "audio = torch.from_numpy(numpy.load(sys.argv[2]));"
        "numpy.save(sys.argv[3], torch.cat([model(x[None]) for x in audio.split(384, 1)], 2)[0].numpy());"
        "assert 'timbre' not in sys.modules"
    )
    arguments = [str(exported / "model.ts"), str(tmp_path / "audio.npy"), str(tmp_path / "played.npy")]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, cwd=tmp_path, env={"OMP_NUM_THREADS": "1"})
    network = tiny_network()
    whole = proof.offline(network, audio, default_settings(network.controls))
    delay = json.loads((exported / "model.json").read_text())["delay_samples"]
    assert snr_db(whole[:, :-delay], np.load(tmp_path / "played.npy")[:, delay:]) > 100


def test_another_process_writes_the_same_bytes(exported, trained, tmp_path):
    environment = os.environ | {"PYTHONPATH": SOURCE, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "timbre.export.make", str(trained), str(tmp_path / "other.name"), "1.0", "fp32"]
    subprocess.run(command, env=environment, check=True, cwd=tmp_path)
    assert (tmp_path / "other.name").read_bytes() == (exported / "model.ts").read_bytes()


def test_the_file_tells_nothing_of_where_it_was_made(exported):
    with zipfile.ZipFile(exported / "model.ts") as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name in records if name.endswith(".debug_pkl")]
    hidden = (SOURCE, sys.prefix, str(Path.home()) + "/", "site-packages", ".py")
    for name, content in records.items():
        assert not [place for place in hidden if place.encode() in content], name
        if name.endswith(".py"):
            assert not re.search(rb"[\"'#] */\w+/", content), name


def test_the_file_is_reset(exported, tiny_network):
    audio = torch.from_numpy(proof.test_signal(16000)[:, :5120])[None]
    model = torch.jit.load(exported / "model.ts")
    first = model(audio)
    model.reset()
    assert torch.equal(first, model(audio))


def test_a_file_that_breaks_its_promises_is_not_written(trained, params, tmp_path, monkeypatch):
    (tmp_path / "export").mkdir()
    (tmp_path / "export/old").write_text("old")
    findings = {
        "snr_db": {"64": 3.0},
        "parts_snr_db": 3.0,
        "first_run_equals_reset_run": False,
        "recovers_after_reset": False,
        "illegal_block_told": False,
        "delay_samples": 1,
        "fresh_silence_dbfs": 0.0,
        "silence_after_sound_dbfs": 0.0,
        "peaks": {"direct current": None},
    }
    monkeypatch.setattr(run, "make_in_new_process", lambda folder, target, fidelity: None)
    monkeypatch.setattr(proof, "run_module", lambda *arguments: json.dumps(findings))
    with pytest.raises(UserError, match="does not keep its promises, so it is not written") as error:
        run.export_model(params, trained, tmp_path / "export")
    assert len(str(error.value).splitlines()) == 1 + 9
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["export", "export/old"]


class Late(torch.nn.Module):
    """A sample late, and forgetful only of that."""

    def __init__(self, model: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.model = model
        self.last = torch.zeros(1, 1, 1)
        self.hop, self.sample_rate = 128, 16000

    @torch.jit.export
    def set_control(self, name: str, value: float) -> None:
        pass

    @torch.jit.export
    def features(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def controls(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def reset(self) -> None:
        self.last = torch.zeros(1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([self.last, self.model(x)], dim=2)
        self.last = joined[:, :, -1:]
        return joined[:, :, :-1]


def test_a_doctored_file_is_found_out_with_all_its_faults(exported, tiny_network, tmp_path, params):
    model, network = torch.jit.load(exported / "model.ts"), tiny_network()
    torch.jit.script(Late(model)).save(str(tmp_path / "late.ts"))
    with pytest.raises(UserError) as error:
        proof.prove(tmp_path / "late.ts", network, params.export)
    for line in (f"its delay is {network.delay + 1} samples, {network.delay} are", "after reset()", "blocks of 512"):
        assert line in str(error.value)


class Swapped(torch.nn.Module):
    """The other side on each side."""

    def __init__(self, model: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.model = model
        self.hop, self.sample_rate = 128, 16000

    @torch.jit.export
    def reset(self) -> None:
        self.model.reset()

    @torch.jit.export
    def set_control(self, name: str, value: float) -> None:
        self.model.set_control(name, value)

    @torch.jit.export
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.model.encode(x)

    @torch.jit.export
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.model.decode(z)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x).flip([1])


def test_swapped_sides_are_found(rave_network, tmp_path, params):
    network = rave_network(channels=2)
    scripted = torch.jit.script(effect_of(network).eval())
    torch.jit.script(Swapped(scripted)).save(str(tmp_path / "swapped.ts"))
    with pytest.raises(UserError, match="streaming equals offline to"):
        proof.prove(tmp_path / "swapped.ts", network, params.export)


def test_what_the_other_process_says_is_told(tmp_path):
    with pytest.raises(UserError, match=r"^\S*config\.json is missing"):
        make_in_new_process(tmp_path, tmp_path / "model.ts", 1.0)
