"""From recordings to the cache."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import soundfile
import torch

from timbre.cache.build import build_cache
from timbre.cache.crops import Crops, CropShape
from timbre.cache.store import FEATURE_NAMES, Cache
from timbre.errors import UserError
from timbre.features.extractor import extractor_of

LENGTHS = {"a.flac": 27200, "b/c.flac": 20800, "b/d.flac": 17600, "e.flac": 320, "f.flac": 4 * 31 * 128, "g.flac": 9000}


@pytest.fixture(scope="module", params=("mono", "stereo"))
def built(request, recordings, tiny_cache, stereo_recordings, stereo_cache):
    """Recordings and their cache."""
    stereo = request.param == "stereo"
    return (stereo_recordings, Cache(stereo_cache)) if stereo else (recordings, Cache(tiny_cache))


@pytest.fixture
def cache(tiny_cache):
    return Cache(tiny_cache)


def slices_of(file: dict) -> range:
    return range(file["first_slice"], file["first_slice"] + file["slices"])


@pytest.mark.parametrize("jobs", (1, 2))
def test_the_same_recordings_give_the_same_bytes(tiny_cache, recordings, params, tmp_path, monkeypatch, jobs):
    monkeypatch.setenv("TIMBRE_JOBS", str(jobs))
    build_cache(params, recordings, tmp_path / "cache")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["data.mdb", "manifest.json"]
    for name in ("data.mdb", "manifest.json"):
        assert (tmp_path / "cache" / name).read_bytes() == (tiny_cache / name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_the_manifest_tells_what_is_there(tiny_cache, cache):
    manifest = json.loads((tiny_cache / "manifest.json").read_text())
    data = (tiny_cache / "data.mdb").read_bytes()
    assert manifest["shards"] == [
        {"file": "data.mdb", "first_slice": 0, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    ]
    assert {file["file"]: file["samples"] for file in manifest["files"]} == LENGTHS
    # Four frames, half a window, go on over each file's end.
    assert all(file["frames"] == -(-file["samples"] // 128) + 4 for file in manifest["files"])
    assert manifest["slices"] == sum(file["slices"] for file in manifest["files"])
    assert manifest["channels"] == 1 and {file["start_samples"] for file in manifest["files"]} == {0}
    assert sum(manifest["seconds"].values()) == pytest.approx(sum(LENGTHS.values()) / 16000, abs=0.002)
    assert {file["split"] for file in manifest["files"]} == {"train", "validation", "test"}


@pytest.mark.parametrize("index", range(len(LENGTHS)))
def test_every_sample_of_every_channel_is_kept(built, index):
    folder, cache = built
    file = cache.manifest["files"][index]
    audio = np.concatenate([cache.audio(i) for i in slices_of(file)], axis=1)
    assert audio.shape == (cache.manifest["channels"], LENGTHS[file["file"]])
    wanted = soundfile.read(folder / file["file"], always_2d=True)[0].T
    assert np.abs(audio / 32767 - wanted).max() <= 0.501 / 32767


@pytest.mark.parametrize("index", range(len(LENGTHS)))
def test_features_are_the_bits_of_the_extractor_run_on_the_mean_of_the_whole_file(built, index):
    folder, cache = built
    file, extractor = cache.manifest["files"][index], extractor_of(cache.manifest["features"])
    audio = soundfile.read(folder / file["file"], dtype="float32", always_2d=True)[0].mean(axis=1)
    with torch.no_grad():
        wanted = extractor(torch.from_numpy(np.pad(audio, (0, file["frames"] * 128 - len(audio))))[None])
    got = np.concatenate([cache.features(i) for i in slices_of(file)], axis=1)
    assert FEATURE_NAMES == ("f0_hz", "voiced", "loudness_db", "clarity")
    assert np.array_equal(torch.cat(wanted).numpy(), got)


def test_a_file_longer_than_a_piece_has_no_seam(params, tmp_path, harmonic_tone, monkeypatch):
    monkeypatch.setattr("timbre.cache.build.PIECE_SECONDS", 0.5)
    monkeypatch.setenv("TIMBRE_JOBS", "1")
    audio = harmonic_tone(200.0, 2.6) * np.linspace(0, 1, 41600, dtype=np.float32)
    audio[20000:26000] = 0
    for name in "abc":
        soundfile.write(tmp_path / f"{name}.wav", audio, 16000, subtype="FLOAT")
    build_cache(params, tmp_path, tmp_path / "cache")
    cache = Cache(tmp_path / "cache")
    file, extractor = cache.manifest["files"][1], extractor_of(cache.manifest["features"])
    wanted = extractor(torch.from_numpy(np.pad(audio, (0, file["frames"] * 128 - len(audio))))[None])
    got = np.concatenate([cache.features(i) for i in slices_of(file)], axis=1)
    assert np.array_equal(torch.cat(wanted).numpy(), got)


def test_a_part_of_a_recording_is_sliced_as_if_it_were_a_file_of_its_own(params, tmp_path, harmonic_tone, monkeypatch):
    monkeypatch.setattr("timbre.cache.build.PIECE_SECONDS", 0.5)
    monkeypatch.setenv("TIMBRE_JOBS", "2")
    audio = harmonic_tone(200.0, 9.3) * np.random.default_rng(0).uniform(0, 1, 148800).astype(np.float32)
    soundfile.write(tmp_path / "take.wav", audio, 16000, subtype="FLOAT")
    manifest = build_cache(params, tmp_path, tmp_path / "cache")
    cache, files = Cache(tmp_path / "cache"), manifest["files"]
    assert [(file["file"], file["split"]) for file in files] == [
        ("take.wav", "train"), ("take.wav", "validation"), ("take.wav", "test"),
    ]  # fmt: skip
    assert manifest["seconds"] == {file["split"]: file["samples"] / 16000 for file in files}
    extractor = extractor_of(manifest["features"])
    for file in files:
        part = audio[file["start_samples"] :][: file["samples"]]
        kept = np.concatenate([cache.audio(i) for i in slices_of(file)], axis=1)
        assert np.array_equal(kept[0], np.round(part * 32767))
        wanted = extractor(torch.from_numpy(np.pad(part, (0, file["frames"] * 128 - len(part))))[None])
        assert np.array_equal(
            torch.cat(wanted).numpy(), np.concatenate([cache.features(i) for i in slices_of(file)], 1)
        )


def test_in_several_files_the_cache_holds_the_same(tiny_cache, recordings, params, tmp_path):
    several = params.model_copy(update={"slice": params.slice.model_copy(update={"shard_gb": 50e3 / 1e9})})
    manifests = [build_cache(several, recordings, tmp_path / name) for name in ("one", "two")]
    assert manifests[0] == manifests[1]
    one, whole = Cache(tmp_path / "one"), Cache(tiny_cache)
    shards = one.manifest["shards"]
    names = [shard["file"] for shard in shards]
    assert len(names) >= 4 and names == ["data.mdb", *(f"data_{number:04}.mdb" for number in range(1, len(names)))]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [*names, "manifest.json"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    for index in range(whole.manifest["slices"]):
        assert np.array_equal(one.audio(index), whole.audio(index))
        assert np.array_equal(one.features(index), whole.features(index))
    same = {key: value for key, value in whole.manifest.items() if key != "shards"}
    assert same == {key: value for key, value in one.manifest.items() if key != "shards"}
    # Crops that reach over the border of two files.
    shape = CropShape(crop_frames=50, lead_frames=4, delay_frames=2)
    borders = {shard["first_slice"] for shard in shards[1:]}
    assert any(file["first_slice"] < border < file["first_slice"] + file["slices"]
               for file in one.files("train") for border in borders)  # fmt: skip
    crops = [Crops(cache, "train", shape, torch.device("cpu")) for cache in (whole, one)]
    first, second = (each.batch(range(len(each))) for each in crops)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_silent_recordings_alone_make_a_cache(params, tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_JOBS", "1")
    for name in "abc":
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(5000), 16000)
    manifest = build_cache(params, tmp_path, tmp_path / "cache")
    assert manifest["statistics"]["voiced_share"] == 0
    assert manifest["statistics"]["f0_hz"] is None
    assert np.isfinite(Cache(tmp_path / "cache").features(0)).all()


@pytest.mark.parametrize(("rate", "channels"), ((44100, 1), (16000, 2)))
def test_what_was_not_normalised_is_refused(params, tmp_path, rate, channels):
    soundfile.write(tmp_path / "a.wav", np.zeros((100, channels)), rate)
    with pytest.raises(UserError, match=rf"a\.wav: {rate} Hz, {channels} channels, but mono at 16000 Hz is expected"):
        build_cache(params, tmp_path, tmp_path / "cache")


def test_a_build_that_fails_leaves_the_old_cache(params, recordings, tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_JOBS", "1")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/old").write_text("old")
    monkeypatch.setattr("timbre.cache.build.write_json", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_cache(params, recordings, tmp_path / "cache")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["cache", "cache/old"]


def test_a_damaged_recording_is_told(recordings, params, tmp_path):
    source = shutil.copytree(recordings, tmp_path / "normalized")
    damaged = min(source.rglob("*.flac"))
    damaged.write_bytes(b"nonsense")
    with pytest.raises(UserError, match=rf"{damaged.name} does not decode .*dvc repro -f normalize"):
        build_cache(params, source, tmp_path / "cache")
