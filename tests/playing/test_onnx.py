"""An ONNX file whose state goes in and comes out."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from support.graphs import write_graph
from support.played import RATE

from timbre.errors import UserError
from timbre.playing.load import load_player
from timbre.playing.player import ControlRange
from timbre.playing.render import render


def noise(samples: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 0.1, (channels, samples)).astype(np.float32)


def counted(samples: int, delay: int, block: int) -> np.ndarray:
    """What the graph adds: 1e-3 times the samples heard before the block, without the delay."""
    return 1e-3 * ((np.arange(samples) + delay) // block * block)


@pytest.mark.parametrize("fixed", [False, True], ids=["any block", "one hop"])
@pytest.mark.parametrize("channels", [1, 2])
def test_states_of_every_kind_go_round(tmp_path, fixed, channels):
    player = load_player(write_graph(tmp_path / "model.onnx", 37, hop=50, channels=channels, fixed=fixed))
    audio = noise(1777, channels)
    for _ in range(2):  # a second render starts afresh
        played = render(player, audio, 120)
        assert played == pytest.approx(audio + counted(1777, 37, 50 if fixed else 150), abs=1e-6)


def test_what_the_file_tells_of_itself(tmp_path):
    player = load_player(write_graph(tmp_path / "model.onnx", 37, hop=50))
    assert (player.sample_rate_hz, player.channels, player.block_samples, player.delay_samples) == (RATE, 1, 50, 37)
    assert player.controls == {"gain": ControlRange(1.0, 0.0, 2.0, "times", "Louder.")}


def test_a_control_is_heard(tmp_path):
    player, audio = load_player(write_graph(tmp_path / "model.onnx", 10, hop=50)), noise(500)
    offset = counted(500, 10, 50)
    assert render(player, audio, 50, controls={"gain": 2.0}) == pytest.approx(2 * audio + offset, abs=1e-6)
    assert render(player, audio, 50) == pytest.approx(audio + offset, abs=1e-6)
    with pytest.raises(UserError, match="gain: from 0 to 2 times, by default 1"):
        player.set_control("loudness", 0.5)


def test_files_that_are_not_ours_are_told(tmp_path):
    path = write_graph(tmp_path / "model.onnx", 10, hop=50)
    foreign = onnx.load(path)
    del foreign.metadata_props[:]
    onnx.save(foreign, path)
    with pytest.raises(UserError, match="not as timbre exports it"):
        load_player(path)
    with pytest.raises(UserError, match=r"not as timbre exports it now .*delay_samples"):
        load_player(write_graph(path, 10, hop=50, untold="delay_samples"))
    path.write_bytes(b"text")
    with pytest.raises(UserError, match="does not load as ONNX"):
        load_player(path)


def test_tensors_in_other_files_are_not_read(tmp_path):
    path = write_graph(tmp_path / "model.onnx", 10, hop=50)
    model = onnx.load(path)
    small = next(tensor for tensor in model.graph.initializer if tensor.name == "small")
    small.ClearField("float_data")
    small.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "secret.bin"), ("length", "4")):
        small.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    (tmp_path / "secret.bin").write_bytes(np.float32(1.0).tobytes())
    onnxruntime.InferenceSession(str(path))  # which would read it
    with pytest.raises(UserError, match="it has tensors in other files"):
        load_player(path)


def test_without_onnxruntime_it_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match="pip install onnxruntime"):
        load_player(write_graph(tmp_path / "model.onnx", 10, hop=50))
