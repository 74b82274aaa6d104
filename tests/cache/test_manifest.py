"""The manifest as a whole."""

import copy
import json
import shutil

import lmdb
import pytest

from timbre.cache.manifest import require_manifest
from timbre.cache.store import Cache
from timbre.errors import UserError


@pytest.fixture
def manifest(tiny_cache) -> dict:
    return json.loads((tiny_cache / "manifest.json").read_text())


def told(manifest: dict, path) -> str:
    with pytest.raises(UserError) as error:
        require_manifest(manifest, path / "manifest.json")
    return str(error.value)


def test_that_of_a_cache_is_whole(manifest, tmp_path):
    require_manifest(manifest, tmp_path / "manifest.json")


@pytest.mark.parametrize("key", ["channels", "shards", "files"])
def test_what_is_missing_is_named(manifest, tmp_path, key):
    del manifest[key]
    assert f"manifest.json: {key} is missing." in told(manifest, tmp_path)


@pytest.mark.parametrize("key", ["features", "slice_frames", "slices", "seconds", "statistics"])
def test_with_recordings_it_needs_more(manifest, tmp_path, key):
    del manifest[key]
    assert f"{key} is missing" in told(manifest, tmp_path)


def test_without_recordings_its_layout_will_do(manifest, tmp_path):
    layout = {key: manifest[key] for key in ("format", "channels", "shards")} | {"files": []}
    require_manifest(layout, tmp_path / "manifest.json")
    assert "no file is of the split" in told(manifest | {"files": []}, tmp_path)


def test_figures_that_do_not_fit_together_are_told(manifest, tmp_path):
    def changed(change) -> str:
        other = copy.deepcopy(manifest)
        change(other)
        return told(other, tmp_path)

    first = manifest["files"][0]["file"]
    for key, value in (("first_slice", 1), ("slices", 99), ("frames", 10**9), ("samples", 10**9)):
        assert f"slices of {first} are not" in changed(lambda it, k=key, v=value: it["files"][0].update({k: v}))
    assert "its files have" in changed(lambda it: it.update(slices=it["slices"] + 1))
    assert "do not follow" in changed(lambda it: it["shards"][0].update(first_slice=3))
    assert "leads out" in changed(lambda it: it["files"][0].update(file="../x.flac"))
    assert "no file is of the split train" in changed(lambda it: [each.update(split="test") for each in it["files"]])


def test_a_file_whose_description_was_cut_with_it_is_told(manifest, tiny_cache, tmp_path):
    # LMDB would open it, and end the process at the first page that is not there.
    copied = shutil.copytree(tiny_cache, tmp_path / "cache")
    content = (tiny_cache / "data.mdb").read_bytes()
    for pages in range(3, len(content) // 4096):
        (copied / "data.mdb").unlink()
        (copied / "data.mdb").write_bytes(content[: 4096 * pages])
        manifest["shards"][0]["bytes"] = 4096 * pages
        (copied / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(UserError, match=r"data\.mdb tells of \d+ pages and is cut off"):
            Cache(copied)


def test_a_damaged_page_is_told(tiny_cache, tmp_path):
    copied = shutil.copytree(tiny_cache, tmp_path / "cache")
    with lmdb.open(str(tiny_cache / "data.mdb"), subdir=False, readonly=True, lock=False) as environment:
        assert environment.stat()["depth"] >= 1
    content = bytearray((copied / "data.mdb").read_bytes())
    for page in range(2, len(content) // 4096):
        content[4096 * page : 4096 * page + 16] = b"\xff" * 16
    (copied / "data.mdb").unlink()
    (copied / "data.mdb").write_bytes(content)
    with pytest.raises(UserError, match=r"data\.mdb"):
        Cache(copied).audio(0)
