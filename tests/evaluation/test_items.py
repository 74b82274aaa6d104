"""Names and reading of what is evaluated."""

import json
import os

import numpy as np
import pytest
import soundfile

from timbre.audio.io import UnreadableError
from timbre.audio.sound import read_sound
from timbre.errors import UserError
from timbre.evaluation.items import Item, held_out_items, item_blocks, item_names, seconds_of, transfer_items


def whole(item: Item, rate: int, channels: int) -> np.ndarray:
    return np.concatenate(list(item_blocks(item, rate, channels)), axis=1)


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
    entries = [{"file": f, "split": s, "start_samples": 0, "samples": 5} for f, s in splits.items()]
    manifest.write_text(json.dumps({"files": entries}))
    assert held_out_items(manifest, tmp_path) == [
        Item("reconstruction", name, f"{name}.flac", tmp_path / f"{name}.flac") for name in "ab"
    ]


def test_a_part_says_which_it_is(tmp_path):
    manifest = tmp_path / "manifest.json"
    parts = [("x/take.1.flac", "train", 0, 863_400), ("x/take.1.flac", "test", 865_600, 94_400)]
    keys = ("file", "split", "start_samples", "samples")
    entries = [dict(zip(keys, part, strict=True)) for part in parts]
    manifest.write_text(json.dumps({"features": {"sample_rate": 16000}, "files": entries}))
    (item,) = held_out_items(manifest, tmp_path)
    assert (item.name, item.file) == ("x__take.1 54.1 to 60 s", "x/take.1.flac, 54.1 to 60 s")
    assert (item.path, item.part_samples) == (tmp_path / "x/take.1.flac", (865_600, 94_400))


def test_inputs_are_found_below_their_folder(project):
    assert [item.name for item in transfer_items(project / "inputs")] == ["flute", "hiss", "silence"]
    with pytest.raises(UserError, match="no such folder"):
        transfer_items(project / "elsewhere")


def test_stereo_of_any_rate_becomes_mono_at_the_models(tmp_path, tone):
    path = tmp_path / "x.wav"
    audio = tone(220.0, rate=44100)
    soundfile.write(path, np.stack([audio, audio / 2], axis=1), 44100, subtype="FLOAT")
    item = Item("transfer", "x", "x.wav", path)
    found = whole(item, 16000, 1)
    assert found.dtype == np.float32 and found.shape == (1, 32000)
    assert found[0, 8000:24000] == pytest.approx(0.75 * tone(220.0)[8000:24000], abs=2e-3)
    both = whole(item, 16000, 2)
    assert both.shape == (2, 32000) and both.mean(axis=0) == pytest.approx(found[0], abs=1e-6)
    assert both[1] == pytest.approx(both[0] / 2, abs=1e-6)
    assert seconds_of(item) == 2.0


@pytest.mark.parametrize("part", [None, (50_000, 900_000)])
def test_block_by_block_a_sound_is_what_it_is_as_a_whole(tmp_path, noise, part):
    path = tmp_path / "x.wav"
    audio = noise(23.0, rate=44100)
    soundfile.write(path, np.stack([audio, 0.5 * np.roll(audio, 5)], axis=1), 44100, subtype="FLOAT")
    for channels in (1, 2):
        pieces = list(item_blocks(Item("transfer", "x", "x.wav", path, part), 48000, channels))
        assert len(pieces) > 2 and all(piece.dtype == np.float32 for piece in pieces)
        assert np.array_equal(np.concatenate(pieces, axis=1), read_sound(path, 48000, channels, part))


def test_mono_is_doubled_for_a_stereo_model(tmp_path, tone, rate):
    soundfile.write(tmp_path / "x.wav", tone(), rate, subtype="FLOAT")
    found = whole(Item("transfer", "x", "x.wav", tmp_path / "x.wav"), rate, 2)
    assert np.array_equal(found, np.stack([tone(), tone()]))


def test_of_a_part_only_the_part_is_read(tmp_path, tone, rate):
    path = tmp_path / "x.flac"
    soundfile.write(path, tone(), rate, subtype="PCM_24")
    item = Item("reconstruction", "x", "x", path, (10_001, 7000))
    assert np.array_equal(whole(item, rate, 1)[0], soundfile.read(path, dtype="float32")[0][10_001:17_001])
    assert seconds_of(item) == 7000 / rate
    with pytest.raises(UnreadableError, match="is cut off: it ends after 32000 samples"):
        whole(Item("reconstruction", "x", "x", path, (30_000, 7000)), rate, 1)


def test_what_cannot_be_read_has_no_length(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no")
    assert seconds_of(Item("transfer", "bad", "bad.wav", tmp_path / "bad.wav")) == 0.0
