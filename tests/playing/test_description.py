"""model.json, and the check of a file against it."""

import json

import pytest
import torch
from support.exported import write_export
from support.played import DelayLine, Knobs

from timbre.errors import UserError
from timbre.playing.description import read_description
from timbre.playing.load import load_player


@pytest.fixture
def folder(tmp_path):
    return write_export(tmp_path / "export", DelayLine(100))


def change(folder, **told):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | told))


def test_the_file_that_is_told_of_is_checked(folder):
    assert load_player(folder / "model.ts").checked
    (folder / "model.ts").rename(folder / "violin.ts")
    assert load_player(folder / "violin.ts").checked


@pytest.mark.parametrize("same_length", [True, False])
def test_another_file_of_that_name_is_not_loaded(folder, monkeypatch, same_length):
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was loaded"))
    path = folder / "model.ts"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if same_length else content + b"\0")
    with pytest.raises(
        UserError, match=r"model\.ts is not the file that .*model\.json tells of: \d+ bytes .*nothing in it was run"
    ):
        load_player(path)


def test_where_nothing_tells_of_it_it_is_loaded_unchecked(folder):
    torch.jit.script(Knobs()).save(str(folder / "other.ts"))
    assert not load_player(folder / "other.ts").checked
    (folder / "model.json").unlink()
    assert not load_player(folder / "model.ts").checked


@pytest.mark.parametrize(
    ("told", "key"),
    [
        ({"sample_rate_hz": "48000"}, "sample_rate_hz: '48000'"),
        ({"sample_rate_hz": 48000.5}, "sample_rate_hz: 48000.5"),
        ({"channels": 3}, "channels: 3"),
        ({"delay_samples": -1}, "delay_samples: -1"),
        ({"tail_samples": 10**12}, "tail_samples: 1000000000000"),
        ({"silence_dbfs": None}, "silence_dbfs: None"),
        ({"controls": [{"name": "gain"}]}, "controls.0.least is missing"),
        ({"features": {"hop_samples": 7}}, "features.hop_samples: 7"),
        ({"targets": {"vst": {}}}, "targets.vst.*'vst'"),
        ({"targets": {"onnx": {"file": "../model.onnx", "bytes": 1, "sha256": "0" * 64, "delay_samples": 0}}},
         "targets.onnx.file: '../model.onnx'"),
        ({"targets": {"onnx": {"file": "model.onnx", "bytes": 1, "sha256": "F" * 64, "delay_samples": 0}}},
         "targets.onnx.sha256: 'FFF"),
        ({"versions": {"timbre": 1, "torch": "2.13.0"}}, "versions.timbre: 1"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_named(folder, told, key):
    change(folder, **told)
    with pytest.raises(UserError, match=rf"(?s)model\.json: {key}.*\n.*dvc repro -f export"):
        read_description(folder / "model.json")
    with pytest.raises(UserError, match=key):  # nor is the file beside it loaded
        load_player(folder / "model.ts")


def test_what_a_later_version_tells_besides_is_no_fault(folder):
    change(folder, mood="blue")
    assert read_description(folder / "model.json").delay_samples == 100
