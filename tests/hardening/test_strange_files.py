"""Recordings that nobody would make on purpose: each is used, or listed with a reason, and stops none of the others."""

import io
import os
import socket
import struct
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from support.stages import RATE, make_project, run_stage, tone

import timbre.audit.run
import timbre.normalize.run
from timbre.audio.io import UnreadableError, blocks, read
from timbre.audio.mp3 import counted_samples
from timbre.audio.table import left_out, read_table
from timbre.audio.trackable import require_trackable
from timbre.audit.measures import measure
from timbre.errors import UserError
from timbre.params import load

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs the names and files of POSIX")
NAMES = (
    " two  spaces .wav", "it's \"quoted\" `so`, and $more.wav", "line\none, \r\ntwo.wav", "-rf --help.wav", "up ...wav",
    "100%s %d %(x)s %00.wav", "<script>alert(1)<x onerror=alert(1)>&amp;.wav", "=1+1,cmd|' C calc'!A0.wav",
    "\x1b[31mred\x07.wav", "line\u2028separator\x85.wav", "\u202ereversed.wav", "a\\b\\..\\c.wav", "nan.wav",
    "x" * 251 + ".wav", "x" * 247 + "yyyy.wav", "y" * 250 + ".aiff", "ä" * 125 + "y.wav", "C:con.wav", "None.WAV",
    unicodedata.normalize("NFC", "grün é.wav"), unicodedata.normalize("NFD", "grün é.wav"), "x.wav/in a folder.wav",
)  # fmt: skip


@pytest.fixture
def project(raw_params, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TIMBRE_JOBS", "1")
    folder = make_project(tmp_path / "project", raw_params)
    monkeypatch.chdir(folder)
    return folder


def audited() -> tuple[pd.DataFrame, dict[str, str]]:
    """The audit's table, and the reason of each file that is left out."""
    timbre.audit.run.run(load(), Path("reports/audit"))
    table = read_table(Path("reports/audit/files.csv"))
    return table, dict(left_out(table))


def normalized() -> pd.DataFrame:
    timbre.normalize.run.run(load(), Path("reports/audit/files.csv"), Path("data/normalized"))
    return pd.read_csv("data/normalized/gains.csv", keep_default_na=False).set_index("source")


@POSIX
def test_any_name_goes_through(project, capfd):
    from timbre.cache.build import build_cache

    for number, name in enumerate(NAMES):
        path = project / "data/raw" / name
        path.parent.mkdir(exist_ok=True)
        kind = {"format": "AIFF" if name.endswith("aiff") else "WAV"}
        soundfile.write(os.fsencode(path), tone(200.0 + 5.0 * number, 0.3, number), RATE, **kind)
    open(os.fsencode(project / "data/raw") + b"/caf\xe9.wav", "wb").close()
    table, missing = audited()
    assert set(NAMES) <= set(table["file"]) and missing == {"caf\\udce9.wav": "has a name that is not UTF-8: rename it"}
    gains = normalized()
    assert set(NAMES) <= set(gains.index) and gains["file"].map(lambda name: len(Path(name).name.encode())).max() <= 255
    manifest = build_cache(load(), Path("data/normalized"), Path("data/cache"))
    assert {entry["file"] for entry in manifest["files"]} == set(gains["file"])
    page = Path("reports/audit/index.html").read_text(encoding="utf-8")
    assert "\\u003cscript\\u003ealert(1)" in page and "<script>alert(1)" not in page
    assert "\x1b[31m" not in "".join(capfd.readouterr())


def patched(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value) :]


def odd_files() -> dict[str, tuple[object, str]]:
    """By name: the samples, or bytes, of a file, and the reason why it is left out; "" where it is used."""
    sound = tone(330.0, 0.5, 5)
    spoilt = np.where(np.arange(len(sound)) == 77, np.nan, sound)
    wav = as_wav(tone(260.0, 0.5, 6))
    data = wav.index(b"data")
    rf64 = as_wav(tone(270.0, 0.5, 7), format="RF64")
    w64 = as_wav(tone(280.0, 0.5, 8), format="W64")
    flac = as_wav(tone(290.0, 0.5, 9), format="FLAC")
    return {
        "double.wav": (as_wav(tone(300.0, 0.5, 10), subtype="DOUBLE"), ""),
        "beyond floats.wav": (as_wav(1e300 * sound, subtype="DOUBLE"), "not numbers (NaN or infinite)"),
        "beyond measure.wav": (
            as_wav(1e30 * sound, subtype="FLOAT"),
            "up to 1.7e+29, where full scale is 1",
        ),
        "as integers.wav": (as_wav(32768.0 * sound[:4000], subtype="FLOAT"), ""),
        "nan.wav": (as_wav(spoilt, subtype="FLOAT"), "not numbers (NaN or infinite)"),
        "minus infinity.wav": (as_wav(np.append(sound, -np.inf), subtype="FLOAT"), "not numbers (NaN or infinite)"),
        "no frames.wav": (as_wav(sound[:0]), "holds no samples"),
        "one sample.wav": (as_wav(sound[:1]), "lasts only 0.062 ms"),
        "one sample.flac": (as_wav(sound[:1], format="FLAC"), "lasts only 0.062 ms"),
        "eight channels.wav": (as_wav(np.stack([np.roll(sound, each) for each in range(8)], 1), rate=96000), ""),
        "768 kHz.wav": (as_wav(sound, rate=768_000), ""),
        "300 channels.wav": (as_wav(np.tile(sound[:2000, None], 300)), ""),
        "2 GHz.wav": (
            patched(wav, 24, struct.pack("<I", 2_000_000_000)),
            "a sample rate of 2000000000 Hz",
        ),
        "no rate.wav": (patched(wav, 24, bytes(4)), "does not decode"),
        "no channels.wav": (patched(wav, 22, bytes(2)), "does not decode"),
        "65535 channels.wav": (patched(wav, 22, b"\xff\xff"), "does not decode"),
        "from a pipe.wav": (patched(patched(wav, 4, b"\xff" * 4), data + 4, b"\xff" * 4), ""),
        "cut.wav": (wav[:-2000], "is cut off"),
        "rf64.wav": (rf64, ""),
        "rf64 cut.wav": (rf64[:-2000], "is cut off"),
        "w64.wav": (w64, ""),
        "w64 cut.wav": (w64[:-2000], "is cut off"),
        # Its total number of samples is 36 bits of its first block.
        "from a pipe.flac": (patched(flac, 21, bytes([flac[21] & 0xF0, 0, 0, 0, 0])), "does not say how long it is"),
        "cut.flac": (flac[:-500], "cut off|does not decode"),
        "letter.wav": (b"dear all", "does not decode"),
        "empty.wav": (b"", "is empty (0 bytes)"),
    }


def as_wav(samples: np.ndarray, rate: int = RATE, **kind: str) -> bytes:
    """A sound file in memory."""
    made = io.BytesIO()
    soundfile.write(made, samples, rate, **{"format": "WAV"} | kind)
    return made.getvalue()


@POSIX
def test_each_is_used_or_listed_with_a_reason(project):
    files = odd_files()
    raw = project / "data/raw"
    for name, (content, _) in files.items():
        (raw / name).write_bytes(content)
    why = {name: reason for name, (_, reason) in files.items()}
    os.mkfifo(raw / "pipe.wav")
    (raw / "nowhere.wav").symlink_to("is not here.wav")
    (raw / "itself.wav").symlink_to("itself.wav")
    (raw / "device.wav").symlink_to("/dev/zero")
    (raw / "good link.wav").symlink_to("double.wav")
    (raw / "loop").symlink_to(".")
    (raw / "folder.wav").mkdir()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.relpath(raw / "socket.wav"))
    listening.close()
    why |= dict.fromkeys(("pipe.wav", "socket.wav", "device.wav"), "a pipe, a socket, a device or a folder")
    why |= {
        "nowhere.wav": "No such file",
        "itself.wav": "Too many levels",
        "good link.wav": "is the same as double.wav",
    }
    table, missing = audited()
    assert {*why, "a.wav", "b.wav", "c.wav", "test/d.wav"} == set(table["file"])
    for name, reason in why.items():
        told = missing.get(name, "")
        assert any(part in told for part in reason.split("|")) and bool(told) == bool(reason), (name, told)
    figures = table[~table["refused"]].select_dtypes("float64")
    assert not np.isinf(figures.to_numpy()).any()
    page = Path("reports/audit/index.html").read_text(encoding="utf-8")
    assert all(name in page for name in why)
    gains = normalized()
    assert set(gains.index) == set(table["file"]) - set(missing)
    listed = pd.read_csv("data/normalized/left_out.csv").set_index("source")["reason"]
    assert dict(listed) == missing
    for name in gains["file"]:
        audio, rate = soundfile.read(Path("data/normalized") / name)
        assert rate == RATE and np.isfinite(audio).all() and len(audio)


@POSIX
def test_what_stops_dvc_is_told_before_it_starts(project):
    assert require_trackable(project / "data/raw") == []
    raw, elsewhere = project / "data/raw", project.parent / "elsewhere"
    elsewhere.mkdir()
    (raw / "linked").symlink_to(elsewhere)
    done = run_stage(project, "check")
    assert done.returncode == 0 and "warning: data/raw/linked is a link to a folder, which DVC does not" in done.stdout
    assert done.stdout.count("warning") == 1
    os.mkfifo(raw / "notes")
    (project / "data/inputs/nowhere.wav").symlink_to("is not here.wav")
    open(os.fsencode(raw) + b"/caf\xe9.txt", "wb").close()
    with pytest.raises(UserError, match=r"data/raw/caf\\udce9\.txt has a name .*\n.*data/raw/notes is a pipe"):
        require_trackable(Path("data/raw"))
    with pytest.raises(UserError, match=r"nowhere\.wav is a link that cannot be followed \(No such file"):
        require_trackable(project / "data/inputs")
    assert require_trackable(project / "is not here") == []


def mp3_frames(kilobits: list[int]) -> bytes:
    """Silent frames of layer III, MPEG 1, 44.1 kHz, mono, of these bit rates."""
    index = {32: 1, 64: 5, 128: 9, 320: 14}
    frames = b""
    for each in kilobits:
        size = 144 * 1000 * each // 44100
        frames += b"\xff\xfb" + bytes([index[each] << 4, 0xC0]) + bytes(size - 4)
    return frames


def test_an_mp3_that_does_not_tell_its_length_is_read_whole_or_told(tmp_path):
    def made(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    same = made("same.mp3", mp3_frames([128] * 40))
    assert counted_samples(same) == 40 * 1152
    assert 38 * 1152 <= len(read(same)[0]) <= 40 * 1152
    # What follows it, an ID3v1 tag, is no sound that is missing.
    tagged = made("tagged.mp3", b"ID3\x04\0\0\0\0\x02\x01" + bytes(257) + mp3_frames([128] * 40) + b"TAG" + bytes(125))
    assert counted_samples(tagged) == 40 * 1152 and len(read(tagged)[0]) == len(read(same)[0])
    varying = made("varying.mp3", mp3_frames([320] * 5 + [32] * 200))
    assert counted_samples(varying) == 205 * 1152
    with pytest.raises(UnreadableError, match="does not say how long it is, and has a varying bit rate"):
        read(varying)
    own = tmp_path / "own.mp3"
    soundfile.write(own, tone(300.0, 3.0, 0), 44100)
    assert counted_samples(own) is None
    assert counted_samples(made("none.mp3", b"no sound")) == 0


@POSIX
@pytest.mark.parametrize("change", ["vanishes", "shrinks", "grows", "is cut", "is a pipe"])
def test_a_recording_that_changes_after_the_audit_is_named(project, change):
    audited()
    normalized()
    before = sorted(path.name for path in Path("data/normalized").iterdir())
    path = Path("data/raw/b.wav")
    content = path.read_bytes()
    path.unlink()
    if change == "shrinks":
        soundfile.write(path, tone(240.0, 0.7, 1), RATE)
    elif change == "grows":
        soundfile.write(path, tone(240.0, 0.9, 1), RATE)
    elif change == "is cut":
        path.write_bytes(content[:9000])
    elif change == "is a pipe":
        os.mkfifo(path)
    with pytest.raises(UserError, match=r"^data/raw/b\.wav .*, but it did not in the audit\. Run `dvc repro` again\.$"):
        normalized()
    assert sorted(path.name for path in Path("data/normalized").iterdir()) == before
    assert not list(Path("data").glob(".*"))


@pytest.mark.parametrize("change", ["unlink", "truncate", "append"])
def test_a_recording_that_changes_while_it_is_read(tmp_path, change):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(300.0, 4.0, 0), RATE)
    whole, decoded = read(path)[0], []
    stream = blocks(path, 1000)
    decoded.append(next(stream))
    if change == "unlink":
        path.unlink()
    elif change == "truncate":
        os.truncate(path, 20000)
    else:
        with open(path, "ab") as file:
            file.write(bytes(5000))
    if change == "truncate":
        with pytest.raises(UnreadableError, match="is cut off: it ends after"):
            decoded.extend(stream)
    else:
        np.testing.assert_array_equal(np.concatenate([*decoded, *stream]), whole)


def test_one_that_vanishes_during_the_audit_is_a_row(project, monkeypatch):
    def vanishing(path, *arguments):
        if path.name == "b.wav":
            path.unlink()
        return measure(path, *arguments)

    monkeypatch.setattr(timbre.audit.run, "measure", vanishing)
    _, missing = audited()
    assert list(missing) == ["b.wav"] and "No such file" in missing["b.wav"]


def test_a_damaged_normalised_recording_is_named_by_slice(project):
    from timbre.cache.build import build_cache

    audited()
    normalized()
    path = project / "data/normalized/a.flac"
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(UserError, match=r"a\.flac .*dvc repro -f normalize"):
        build_cache(load(), Path("data/normalized"), Path("data/cache"))
    assert not Path("data/cache").exists()


@POSIX
def test_a_folder_that_cannot_be_listed_is_named(project, monkeypatch):
    import os as system

    (project / "data/raw/closed").mkdir()
    listed = system.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    # Of root, nothing is kept.
    monkeypatch.setattr(system, "scandir", scandir)
    with pytest.raises(UserError, match=r"data/raw/closed: this folder cannot be read \(Permission denied\)"):
        audited()
