"""model.onnx plays what the network plays."""

import copy
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from timbre import models
from timbre.errors import UserError
from timbre.export.effect import StreamingEffect
from timbre.export.onnx import target
from timbre.export.onnx.verify import Host, examine
from timbre.export.proof import offline
from timbre.models.control import default_settings

SOURCE = str(Path(models.__file__).parents[2])
NAMES = [
    "rave",
    "rave with noise, looking ahead",
    "rave v1, discrete, stereo, snake",
    "rave spherical, reduced",
    "ddsp",
    "ddsp with a room, by mpm",
    "noise bands",
]
# Scripting takes longer than all the rest.
SCRIPTED = ("rave with noise, looking ahead", "ddsp with a room, by mpm")


def turned(network) -> torch.Tensor:
    """Every control a fifth of the way from its default to the most."""
    most = torch.tensor([control.most for control in network.controls], dtype=torch.float64)
    return default_settings(network.controls) * 0.8 + 0.2 * most


@pytest.mark.parametrize("name", NAMES)
def test_it_equals_the_scripted_stream_and_the_whole(name, made, song, snr_db):
    network, host, _ = made(name)
    folded, audio = copy.deepcopy(network), song(network)
    folded.fold()
    effect = StreamingEffect(folded).eval()
    scripted = torch.jit.script(effect) if name in SCRIPTED else effect
    whole = torch.from_numpy(audio[:, : audio.shape[1] // network.hop * network.hop])[None]
    both = [turned(network), default_settings(network.controls)]
    for settings in both if name in SCRIPTED else both[:1]:
        for control, value in zip(network.controls, settings.tolist(), strict=True):
            scripted.set_control(control.name, value)
        scripted.reset()
        wanted = torch.cat([scripted(block) for block in whole.split(network.hop, dim=2)], dim=2)[0].numpy()
        host.controls = settings.numpy().astype(np.float32)
        played = host.play_anew(audio)
        assert np.abs(wanted).max() > 1e-3
        assert snr_db(wanted, played) > 100
        known = offline(network, audio, settings)[:, : played.shape[1] - network.delay]
        assert snr_db(known, played[:, network.delay :]) > 100


@pytest.mark.parametrize("name", ["rave spherical, reduced", "ddsp"])
def test_chance_and_controls_count_within_their_limits(name, made, song):
    network, host, _ = made(name)
    audio, defaults = song(network), host.controls
    plain = host.play_anew(audio)
    host.controls = turned(network).numpy().astype(np.float32)
    assert not np.array_equal(host.play_anew(audio), plain)
    host.controls = np.full_like(defaults, np.nan)
    np.testing.assert_array_equal(host.play_anew(audio), plain)
    most = np.array([control.most for control in network.controls], dtype=np.float32)
    host.controls = most
    wanted = host.play_anew(audio)
    host.controls = 2.0 * np.abs(most) + 10.0
    np.testing.assert_array_equal(host.play_anew(audio), wanted)


@pytest.mark.parametrize("name", ["rave", "ddsp with a room, by mpm", "noise bands"])
def test_states_of_zeros_begin_anew_whatever_was_heard(name, made, song):
    network, host, _ = made(name)
    audio = song(network)
    fresh = host.play(audio)
    host.play(np.full_like(audio[:, : 20 * network.hop], np.nan))
    host.play(np.full_like(audio[:, : 20 * network.hop], np.inf))
    np.testing.assert_array_equal(host.play_anew(audio), fresh)
    assert np.isfinite(fresh).all()


def test_it_says_what_it_is(made):
    network, host, told = made("rave spherical, reduced")
    model = onnx.load(told["path"])
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 17}
    assert host.told == {
        "sample_rate_hz": 16000,
        "channels": 1,
        "block_samples": network.hop,
        "delay_samples": network.delay,
        "controls": [json.loads(json.dumps(asdict(control))) for control in network.controls],
    }
    states = [value.name for value in model.graph.input][2:]
    assert [value.name for value in model.graph.input][:2] == ["audio", "controls"]
    assert [value.name for value in model.graph.output] == ["audio_out", *(f"next_{name}" for name in states)]
    assert states == sorted(states) and all(name.startswith("state_") for name in states)
    content = told["path"].read_bytes()
    assert told | {"path": None} == {
        "file": "model.onnx",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "delay_samples": network.delay,
        "block_samples": network.hop,
        "states": len(states),
        "opset": 17,
        "nodes": len(model.graph.node),
        "path": None,
    }
    assert SOURCE.encode() not in content


def test_another_process_writes_the_same_bytes(made, rave_config, tmp_path, any_params):
    network, _, told = made("rave")
    models.save(tmp_path / "train", rave_config(), network.state_dict())
    script = (
        "from pathlib import Path; from timbre import models; from timbre.export.onnx.target import write; import sys;"
        "folder = Path(sys.argv[1]); write(models.load(folder / 'train'), folder, None)"
    )
    environment = os.environ | {"PYTHONPATH": SOURCE, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)
    assert (tmp_path / "model.onnx").read_bytes() == told["path"].read_bytes()


def test_the_network_stays_as_it_was(networks, tmp_path, any_params):
    network = networks["noise bands"]()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    settings = network.settings.clone()
    target.write(network, tmp_path, any_params)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(network.settings, settings)


def test_the_proof_finds_a_good_file_good(made, any_params):
    network, _, told = made("ddsp")
    findings = target.prove(told["path"], network, any_params)
    assert min(findings["offline_snr_db"], findings["stream_snr_db"], findings["turned_snr_db"]) > 100
    assert findings["zeros_begin_anew"] and findings["delay_samples"] == network.delay


def test_another_networks_file_breaks_its_promises(made, tiny_network):
    reference = target.reference_of(tiny_network(seed=1))
    brief = {name: value[:, :8000] if value.ndim == 2 else value for name, value in reference.items()}
    findings = examine(str(made("ddsp")[2]["path"]), brief)
    faults = target.broken_promises(findings, 0, 100.0)
    assert [fault.split(" to ")[0] for fault in faults[:2]] == [
        "its stream equals the network offline",
        "its stream equals that of model.ts",
    ]
    assert faults[-1].startswith("its delay is")


def test_every_broken_promise_is_named():
    findings = {
        "offline_snr_db": 90.0,
        "stream_snr_db": 91.0,
        "turned_snr_db": 92.0,
        "zeros_begin_anew": False,
        "delay_samples": 7,
        "fresh_silence_dbfs": -70.0,
        "silence_after_sound_dbfs": -71.0,
        "peaks": {"direct current": 1.0, "infinite samples": None},
    }
    faults = "\n".join(target.broken_promises(findings, 5, 100.0))
    for part in ("90.0", "91.0", "92.0", "zeros", "7 samples, 5", "-70.0", "-71.0", "infinite samples: no numbers"):
        assert part in faults
    assert "direct current" not in faults


def test_what_has_no_graph_is_refused(networks, tmp_path, any_params):
    network = networks["noise bands"]()

    class Strange(type(network)):
        def step(self, audio, state):
            y, state = super().step(audio, state)
            return torch.special.bessel_j0(y), state

    network.__class__ = Strange
    with pytest.raises(UserError, match=r"bessel_j0.*Leave onnx out of export\.targets"):
        target.write(network, tmp_path, any_params)


def test_few_transpositions_are_in_the_file_itself(made):
    _, _, told = made("rave")
    model = onnx.load(told["path"])
    kinds = [node.op_type for node in model.graph.node]
    # Into and out of the filter bank, and one for each upsampling.
    assert kinds.count("Conv") > 15
    assert kinds.count("Transpose") <= 4
    assert not {"Identity", "Constant", "Shape"} & set(kinds)


def test_the_host_of_the_proof_needs_no_network(made):
    _, _, told = made("ddsp")
    assert Host(str(told["path"])).hop == 128
