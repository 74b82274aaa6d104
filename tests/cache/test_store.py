"""The LMDB files."""

import hashlib
import json
import os
import shutil
import stat
from dataclasses import asdict

import numpy as np
import pytest

from timbre.cache.store import FORMAT, Cache, first_slices, write_slices
from timbre.errors import UserError


def slices(count: int, samples: int, frames: int, channels: int = 1):
    draw = np.random.default_rng(0)
    for index in range(count):
        audio = draw.integers(-32768, 32768, (channels, samples)).astype(np.int16)
        yield index, audio, draw.normal(size=(4, frames)).astype(np.float32)


def written(folder, count: int, samples: int, frames: int, channels: int, firsts: list[int]) -> Cache:
    """A cache of `slices` in files that begin with the slices `firsts`."""
    sizes = (2 * channels * samples, 16 * frames)
    shards = write_slices(folder, slices(count, samples, frames, channels), sizes, count, firsts)
    manifest = {"format": FORMAT, "channels": channels, "files": [], "shards": [asdict(shard) for shard in shards]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Cache(folder)


# Odd sizes: a value just over a page, one that shares a page, a slice of a second at 48 kHz.
@pytest.mark.parametrize(
    ("count", "samples", "frames"),
    ((1, 2049, 3), (1, 20, 1), (3000, 2049, 16), (3000, 20, 1), (65, 48128, 94)),
)
@pytest.mark.parametrize("channels", (1, 2))
def test_the_map_is_big_enough_and_everything_comes_back(tmp_path, count, samples, frames, channels):
    cache = written(tmp_path, count, samples, frames, channels, [0])
    assert [shard["file"] for shard in cache.manifest["shards"]] == ["data.mdb"]
    for index, audio, features in slices(count, samples, frames, channels):
        assert np.array_equal(cache.audio(index), audio)
        assert np.array_equal(cache.features(index), features)


def test_the_same_slices_give_the_same_file_and_no_other(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_slices(tmp_path / name, slices(200, 700, 5), (1400, 80), 200, [0, 90])
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["data.mdb", "data_0001.mdb"]
    for name in ("data.mdb", "data_0001.mdb"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(("samples", "frames"), ((2049, 16), (20, 1), (48128, 94)))
def test_files_are_as_full_as_they_may_be(tmp_path, samples, frames):
    count, most = 600, 200 * (2 * samples + 16 * frames)
    firsts = first_slices([(2 * samples, 16 * frames)] * count, most)
    cache = written(tmp_path, count, samples, frames, 1, firsts)
    shards = cache.manifest["shards"]
    assert [shard["first_slice"] for shard in shards] == firsts and len(firsts) >= 3
    for shard in shards:
        path = tmp_path / shard["file"]
        assert shard["bytes"] == path.stat().st_size
        assert shard["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        # A file has a few pages of its own.
        assert shard["bytes"] <= 1.03 * most + 5 * 4096
    assert all(shard["bytes"] >= 0.93 * most for shard in shards[:-1])
    for index, audio, features in slices(count, samples, frames):
        assert np.array_equal(cache.audio(index), audio)
        assert np.array_equal(cache.features(index), features)


def test_a_slice_larger_than_a_file_may_be_has_a_file_of_its_own():
    assert first_slices([(9000, 100), (100, 10), (100, 10), (9000, 10), (9000, 10)], 4096) == [0, 1, 3, 4]
    assert first_slices([], 4096) == [0]


@pytest.mark.parametrize("left", (None, 0.5))
def test_a_missing_or_cut_file_of_several_is_told(tmp_path, left):
    written(tmp_path, 100, 700, 5, 1, [0, 40, 80])
    path = tmp_path / "data_0001.mdb"
    whole = path.read_bytes()
    path.unlink()
    if left is not None:
        path.write_bytes(whole[: int(left * len(whole))])
    with pytest.raises(UserError, match=rf"data_0001\.mdb has \d+ of {len(whole)} bytes.*dvc repro"):
        Cache(tmp_path)


@pytest.fixture
def copy(tiny_cache, tmp_path):
    return shutil.copytree(tiny_cache, tmp_path / "cache")


def test_reading_changes_nothing_even_where_it_may_not_write(copy):
    for path in copy.iterdir():
        path.chmod(0o444)
    copy.chmod(0o555)
    before = (copy / "data.mdb").read_bytes()
    cache = Cache(copy)
    assert cache.audio(0).size > 0 and cache.features(0).shape[0] == 4
    assert sorted(path.name for path in copy.iterdir()) == ["data.mdb", "manifest.json"]
    assert (copy / "data.mdb").read_bytes() == before
    assert stat.S_IMODE(os.stat(copy / "data.mdb").st_mode) == 0o444
    copy.chmod(0o755)


def test_two_processes_read_at_once(copy):
    import subprocess
    import sys

    cache = Cache(copy)
    script = "import sys; from timbre.cache.store import Cache; print(Cache(sys.argv[1]).audio(0).size)"
    other = subprocess.run(
        [sys.executable, "-c", script, str(copy)], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": os.path.join(os.path.dirname(__file__), "../../src")},
    )  # fmt: skip
    assert int(other.stdout) == cache.audio(0).size


def test_another_format_is_refused(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format": FORMAT + 1}))
    with pytest.raises(UserError, match=f"format {FORMAT + 1}, this code reads {FORMAT}.*dvc repro"):
        Cache(copy)


def test_what_is_missing_is_told(copy):
    with pytest.raises(UserError, match=r"the cache lacks audio/0000099999"):
        Cache(copy).audio(99999)
    (copy / "manifest.json").write_text("{")
    with pytest.raises(UserError, match=r"manifest\.json is damaged"):
        Cache(copy)
    (copy / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"manifest\.json is missing"):
        Cache(copy)


@pytest.mark.parametrize("left", (None, 0, 0.5, 0.99))
def test_a_truncated_or_missing_data_file_is_told(copy, left):
    whole = (copy / "data.mdb").read_bytes()
    (copy / "data.mdb").unlink()
    if left is not None:
        (copy / "data.mdb").write_bytes(whole[: int(left * len(whole))])
    with pytest.raises(UserError, match=rf"data\.mdb has \d+ of {len(whole)} bytes.*dvc repro"):
        Cache(copy)


def test_an_overwritten_data_file_is_told(copy):
    size = (copy / "data.mdb").stat().st_size
    (copy / "data.mdb").unlink()
    (copy / "data.mdb").write_bytes(b"x" * size)
    with pytest.raises(UserError, match=r"data\.mdb does not open"):
        Cache(copy)
