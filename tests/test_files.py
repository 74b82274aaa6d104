"""Writing that is whole or not at all."""

import errno
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from timbre.errors import UserError
from timbre.files import (
    archive_damage,
    checkpoints_root,
    read_json,
    replaced_file,
    replaced_folder,
    write_csv,
    write_json,
    write_text,
)


def names(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_appears_with_its_content(tmp_path):
    with replaced_file(tmp_path / "deep/er/a.wav") as temporary:
        assert temporary.parent == tmp_path / "deep/er" and temporary.suffix == ".wav"
        temporary.write_text("new")
        assert not (tmp_path / "deep/er/a.wav").exists()
    assert (tmp_path / "deep/er/a.wav").read_text() == "new"
    assert names(tmp_path) == ["deep", "deep/er", "deep/er/a.wav"]


@pytest.mark.parametrize("error", (ValueError, KeyboardInterrupt, SystemExit))
def test_a_file_that_fails_leaves_the_old_one(tmp_path, error):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(error), replaced_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.fixture
def events(tmp_path, monkeypatch):
    """What is synced (by name at that moment) and renamed, in order."""
    seen, replace = [], os.replace

    def note(number: int) -> None:
        seen.append(("sync", os.readlink(f"/proc/self/fd/{number}").removeprefix(str(tmp_path)).lstrip("/")))

    monkeypatch.setattr("os.fsync", note)
    monkeypatch.setattr(
        "os.replace", lambda old, new: (seen.append(("rename", os.path.basename(new))), replace(old, new))
    )
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_file_is_on_the_disk_before_its_name_and_its_name_before_anybody_goes_on(tmp_path, events):
    write_text(tmp_path / "deep/c.txt", "c")
    assert events == [("sync", "deep/.c.part.txt"), ("rename", "c.txt"), ("sync", "deep")]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_folder_is_synced_once_it_is_complete(tmp_path, events):
    with replaced_folder(tmp_path / "out") as folder:
        write_text(folder / "deep/a.txt", "a")
        (folder / "b").write_text("b")
        assert events == [("rename", "a.txt")]
    written = ["b", "", "deep/a.txt", "deep"]
    assert events[1:] == [
        *(("sync", f".out.part/{name}".rstrip("/")) for name in written), ("rename", "out"), ("sync", ""),
    ]  # fmt: skip


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/stale").write_text("old")
    with replaced_folder(tmp_path / "out") as temporary:
        (temporary / "fresh").write_text("new")
        assert (tmp_path / "out/stale").exists()
    assert names(tmp_path) == ["out", "out/fresh"]


@pytest.mark.parametrize("error", (ValueError, KeyboardInterrupt))
def test_a_folder_that_fails_leaves_the_old_one(tmp_path, error):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/kept").write_text("old")
    with pytest.raises(error), replaced_folder(tmp_path / "out") as temporary:
        (temporary / "fresh").write_text("half")
        raise error
    assert names(tmp_path) == ["out", "out/kept"]


def test_what_a_killed_run_left_is_cleared(tmp_path):
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part/stale").write_text("half")
    with replaced_folder(tmp_path / "out") as temporary:
        assert list(temporary.iterdir()) == []
    assert names(tmp_path) == ["out"]


def test_what_one_killed_between_two_names_left_is_cleared(tmp_path):
    for name in (".out.old.part", ".out.part"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "stale").write_text("half")
        (tmp_path / name / "deep").chmod(0o555)
    with replaced_folder(tmp_path / "out") as temporary:
        (temporary / "fresh").write_text("new")
    assert names(tmp_path) == ["out", "out/fresh"]


def test_the_old_folder_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    for number in range(3):
        (tmp_path / "out" / str(number)).write_text("old")
    seen, replace = [], os.replace

    def note(old, new):
        seen.append(names(tmp_path / "out"))
        replace(old, new)
        seen.append(names(tmp_path / "out"))

    monkeypatch.setattr("os.replace", note)
    with replaced_folder(tmp_path / "out") as temporary:
        (temporary / "fresh").mkdir()
    assert seen == [["0", "1", "2"], [], [], ["fresh"]]


def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/kept").write_text("old")
    replace = os.replace

    def fail(old, new):
        if str(old).endswith(".out.part"):
            raise OSError(errno.EIO, "Input/output error", str(old), None, str(new))
        replace(old, new)

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="Input/output") as told, replaced_folder(tmp_path / "out"):
        pass
    assert told.value.filename == str(tmp_path / "out") and names(tmp_path) == ["out", "out/kept"]


@pytest.mark.parametrize("stem", ("x" * 251, "ä" * 125 + "b"))
def test_a_name_of_255_bytes(tmp_path, stem):
    write_text(tmp_path / f"{stem}.txt", "text")
    assert names(tmp_path) == [f"{stem}.txt"]


def test_an_error_in_a_temporary_folder_names_the_lasting_one(tmp_path):
    with pytest.raises(FileNotFoundError) as told, replaced_folder(tmp_path / "out") as temporary:
        (temporary / "deep/a.txt").write_text("a")
    assert told.value.filename == str(tmp_path / "out/deep/a.txt")
    # Also where another process writes a file of it.
    with pytest.raises(FileNotFoundError) as told, replaced_file(tmp_path / ".out.part/a.txt"):
        pass
    assert told.value.filename == str(tmp_path / "out/a.txt")
    with pytest.raises(FileNotFoundError) as told, replaced_folder(tmp_path / "out"):
        (tmp_path / "other").read_text()
    assert told.value.filename == str(tmp_path / "other")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotADirectoryError) as told, replaced_folder(tmp_path / "file/out"):
        pass
    assert told.value.filename == str(tmp_path / "file/out")


def test_json_has_null_for_what_is_no_number(tmp_path):
    value = {"b": float("nan"), "a": [np.float32("inf"), np.int64(3), (1.5, None)], 1: {"é": np.bool_(True)}}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == {"b": None, "a": [None, 3, [1.5, None]], "1": {"é": True}}


def test_equal_values_give_equal_json(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1, "y": {"a": 2, "b": 3}})
    write_json(tmp_path / "b.json", {"y": {"b": 3, "a": 2}, "x": 1})
    text = (tmp_path / "a.json").read_text()
    assert text == (tmp_path / "b.json").read_text()
    assert text.endswith("}\n") and list(json.loads(text)) == ["x", "y"]


@pytest.mark.parametrize("content", (b"{", b"\xff\xfe", b"", b"[]", b"3", b"[" * 10**5, b'{"a": ' + b"9" * 5000 + b"}"))
def test_damaged_json_is_told(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.json is damaged"):
        read_json(tmp_path / "a.json")


def test_an_archive_is_whole_or_it_is_told_why_not(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"0123456789")
        archive.writestr("b", b"0123456789")
    content = path.read_bytes()
    assert archive_damage(path) == archive_damage(io.BytesIO(content)) == ""
    assert (
        archive_damage(io.BytesIO(content.replace(b"0123456789", b"0123456788", 1))) == "a in it has another check sum"
    )
    # Python reads the last of two, torch the first, whatever its case.
    assert archive_damage(io.BytesIO(content.replace(b"b", b"A"))) == "two records in it have one name"
    assert archive_damage(io.BytesIO(content[:-30])) and archive_damage(io.BytesIO(b"")) and archive_damage(tmp_path)


def test_missing_json_is_told(tmp_path):
    with pytest.raises(UserError, match=r"a\.json is missing. Run `dvc repro`"):
        read_json(tmp_path / "a.json")


def test_csv_has_a_fixed_number_of_decimals(tmp_path):
    write_csv(tmp_path / "a.csv", pd.DataFrame({"step": [1, 2], "loss": [1 / 3, float("nan")]}), decimals=3)
    assert (tmp_path / "a.csv").read_bytes() == b"step,loss\n1,0.333\n2,\n"


def test_a_failed_write_names_its_file(tmp_path):
    def fails() -> None:
        with replaced_file(tmp_path / "big.bin"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space") as told:
        fails()
    assert told.value.filename == str(tmp_path / "big.bin")


def test_checkpoints_lie_where_the_environment_says_or_in_the_cache_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_CHECKPOINTS", str(tmp_path))
    assert checkpoints_root() == tmp_path
    monkeypatch.delenv("TIMBRE_CHECKPOINTS")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert checkpoints_root() == Path("/c/timbre/checkpoints")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert checkpoints_root() == Path("/home/me/.cache/timbre/checkpoints")
