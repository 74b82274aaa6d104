"""Reading: every format, and one clear reason for each file that cannot be used."""

import numpy as np
import pytest
import soundfile

from timbre.audio import io
from timbre.audio.io import (
    UnreadableError,
    blocks,
    find_foreign,
    find_recordings,
    is_held_out,
    read,
    write_flac,
    write_wav_blocks,
)
from timbre.errors import UserError

NOISE = (0.1 * np.random.default_rng(0).standard_normal((24000, 2))).astype(np.float32)
FORMATS = {
    "wav": {}, "aiff": {}, "aif": {"format": "AIFF"}, "flac": {}, "ogg": {}, "mp3": {},
    "opus": {"format": "OGG", "subtype": "OPUS"},
}  # fmt: skip


@pytest.mark.parametrize("ending", FORMATS)
def test_reads_every_format(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, NOISE, 48000, **FORMATS[ending])
    samples, rate = read(path)
    assert (samples.shape, samples.dtype, rate) == (NOISE.shape, np.float32, 48000)
    for size in (999, 5000, 23990):
        np.testing.assert_array_equal(np.concatenate(list(blocks(path, size))), samples)


@pytest.mark.parametrize("ending", ["wav", "aiff", "flac", "mp3"])
def test_tells_a_file_that_is_cut_off(tmp_path, ending):
    whole, cut = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    soundfile.write(whole, NOISE, 48000)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(UnreadableError, match=r"cut off|does not decode"):
        read(cut)


def test_a_wav_of_unknown_length_is_whole(tmp_path):
    path = tmp_path / "stream.wav"
    soundfile.write(path, NOISE, 48000)
    raw = bytearray(path.read_bytes())
    place = raw.find(b"data")
    raw[4:8] = raw[place + 4 : place + 8] = b"\xff" * 4
    path.write_bytes(raw)
    assert read(path)[0].shape == NOISE.shape


def test_reasons(tmp_path):
    def reason(name):
        with pytest.raises(UnreadableError) as told:
            read(tmp_path / name)
        return str(told.value)

    (tmp_path / "text.wav").write_text("this is a letter")
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "none.wav", NOISE[:0], 48000)
    soundfile.write(tmp_path / "slow.wav", NOISE, 1000)
    soundfile.write(tmp_path / "fast.wav", NOISE, 500_000_000)
    broken = NOISE.copy()
    broken[77, 1] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 48000, subtype="FLOAT")
    broken[77, 1] = 3e20
    soundfile.write(tmp_path / "huge.wav", broken, 48000, subtype="FLOAT")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    assert "does not decode" in reason("text.wav")
    assert reason("empty.wav") == "is empty (0 bytes)"
    assert reason("none.wav") == "holds no samples"
    assert "1000 Hz" in reason("slow.wav")
    assert reason("fast.wav") == "has a sample rate of 500000000 Hz, and the most is 768000 Hz"
    assert "NaN" in reason("nan.wav")
    assert reason("huge.wav") == "holds samples up to 3.0e+20, where full scale is 1"
    assert "No such file" in reason("gone.wav")


def test_finds_any_case_depth_and_linked_folders(tmp_path):
    raw, elsewhere = tmp_path / "raw", tmp_path / "elsewhere"
    for name in ("b.WAV", "a/b/ö 🎻.Flac", "a/z.opus", "a/.hidden.wav", "a/notes.txt", "a/voice.M4A"):
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(b"x")
    elsewhere.mkdir()
    (elsewhere / "linked.mp3").write_bytes(b"x")
    (raw / "link").symlink_to(elsewhere)
    (raw / "a" / "loop").symlink_to(raw)
    names = [path.relative_to(raw).as_posix() for path in find_recordings(raw)]
    assert names == ["a/b/ö 🎻.Flac", "a/z.opus", "b.WAV", "link/linked.mp3"]
    assert [path.name for path in find_foreign(raw)] == ["voice.M4A"]


def test_no_folder_and_no_recordings(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        find_recordings(tmp_path / "missing")
    (tmp_path / "voice.m4a").write_bytes(b"x")
    with pytest.raises(UserError, match=r"no recordings.*voice\.m4a"):
        find_recordings(tmp_path)


def test_held_out_is_a_folder_called_test():
    assert all(map(is_held_out, ("test/a.wav", "x/TEST/y/a.wav")))
    assert not any(map(is_held_out, ("test.wav", "x/test.wav", "tests/a.wav", "testing/a.wav")))


def test_flac_keeps_24_bits_and_clips(tmp_path):
    path = tmp_path / "a.flac"
    write_flac(path, np.array([0.0, 2.0**-23, -0.3, 1.5, -1.5], np.float32), 48000)
    samples, _ = soundfile.read(path)
    np.testing.assert_allclose(samples, [0.0, 2.0**-23, -0.3, 1.0, -1.0], atol=2.0**-23)


def test_wav_holds_24_bits_and_floats_where_those_would_clip(tmp_path):
    loud = np.random.default_rng(0).uniform(-2.0, 2.0, (5000, 2)).astype(np.float32)
    for scale, coding in ((0.4, "PCM_24"), (1.0, "FLOAT")):
        samples = scale * loud
        told = write_wav_blocks(tmp_path / "new/a.wav", np.array_split(samples, 7), 16000, 2)
        assert told == (np.abs(samples).max(), coding)
        assert soundfile.info(tmp_path / "new/a.wav").subtype == coding
        assert soundfile.read(tmp_path / "new/a.wav")[0] == pytest.approx(
            samples, abs=0 if coding == "FLOAT" else 2**-23
        )
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.wav"]


def test_a_wav_that_fails_half_way_is_none(tmp_path):
    def broken():
        yield np.zeros((100, 1), np.float32)
        raise UnreadableError("is cut off")

    with pytest.raises(UnreadableError):
        write_wav_blocks(tmp_path / "a.wav", broken(), 16000, 1)
    assert not list(tmp_path.iterdir())


def test_a_wav_too_long_for_its_header_has_a_larger_one(tmp_path, monkeypatch):
    monkeypatch.setattr(io, "LARGEST_WAV_BYTES", 4000)
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2000, 1)).astype(np.float32)
    write_wav_blocks(tmp_path / "a.wav", [samples], 16000, 1)
    assert soundfile.info(tmp_path / "a.wav").format == "RF64"
    assert read(tmp_path / "a.wav")[0] == pytest.approx(samples, abs=2**-23)
