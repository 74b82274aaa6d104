"""Names and reading of what is evaluated."""

import json
import os

import numpy as np
import pytest
import soundfile

from timbre.errors import UserError
from timbre.evaluation.items import held_out_items, item_names, read_mono, seconds_of, transfer_items


def test_names_are_legal_and_distinct_in_any_case():
    files = ["a/b.wav", "a__b.flac", "Flute.wav", "flute.mp3", '<b>"x"?.wav', "no ending", ".wav", "x" * 300 + ".wav"]
    names = item_names(files)
    assert names[4] == "_b__x__"
    assert names[5] == "no ending"
    assert names[2:4] == ["Flute.wav", "flute.mp3"]
    assert len({name.casefold() for name in names}) == len(files)
    assert all(name and not set(name) & set('/\\<>:"|?*') and len(name.encode()) <= 130 for name in names)
    assert item_names(["session/take_01.flac"]) == ["session__take_01"]


def test_a_name_that_is_not_utf8_becomes_printable():
    name = os.fsdecode(b"t\xf6ne.wav")
    assert item_names([name]) == ["t_ne"]


def test_held_out_files_are_those_of_split_test(tmp_path):
    manifest = tmp_path / "manifest.json"
    splits = {"b.flac": "test", "a.flac": "test", "c.flac": "train", "d.flac": "validation"}
    manifest.write_text(json.dumps({"files": [{"file": f, "split": s} for f, s in splits.items()]}))
    assert [item.file for item in held_out_items(manifest, tmp_path)] == ["a.flac", "b.flac"]


def test_inputs_are_found_below_their_folder(project):
    assert [item.name for item in transfer_items(project / "inputs")] == ["flute", "hiss", "silence"]
    with pytest.raises(UserError, match="no such folder"):
        transfer_items(project / "elsewhere")


def test_stereo_of_any_rate_becomes_mono_at_the_models(tmp_path, tone):
    path = tmp_path / "x.wav"
    audio = tone(220.0, rate=44100)
    soundfile.write(path, np.stack([audio, audio / 2], axis=1), 44100, subtype="FLOAT")
    found = read_mono(path, 16000)
    assert found.dtype == np.float32 and len(found) == 32000
    assert found[8000:24000] == pytest.approx(0.75 * tone(220.0)[8000:24000], abs=2e-3)
    assert seconds_of(path) == 2.0
    (tmp_path / "bad.wav").write_bytes(b"no")
    assert seconds_of(tmp_path / "bad.wav") == 0.0
