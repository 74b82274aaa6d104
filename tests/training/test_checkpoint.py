"""Checkpoints."""

import copy
import re
import shutil
from pathlib import Path

import pytest
import torch

from timbre.errors import UserError
from timbre.training import checkpoint

CONTENT = {"outcome": {"step": 3, "best_loss": float("inf")}, "task": {"w": torch.arange(5.0)}}
DEPENDENCIES = {"config": {"hidden": 3, "features": {"hop": 1}}, "data": "abc", "files": [{"file": "a"}]}


def content(step: int) -> dict:
    return CONTENT | {"outcome": {"step": step}}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def step_loaded(folder: Path) -> int:
    return checkpoint.load_checkpoint(folder)["outcome"]["step"]


def test_what_is_saved_is_loaded(tmp_path):
    checkpoint.save_checkpoint(tmp_path / "run", 3, CONTENT)
    loaded = checkpoint.load_checkpoint(tmp_path / "run")
    assert loaded["outcome"] == CONTENT["outcome"]
    assert torch.equal(loaded["task"]["w"], CONTENT["task"]["w"])
    assert names(tmp_path / "run") == ["checkpoint-0000000003.pt"]


def test_a_run_never_begun_has_none(tmp_path):
    assert checkpoint.load_checkpoint(tmp_path / "nowhere") is None


def test_the_last_two_are_kept(tmp_path):
    for step in (9, 10, 11, 100):
        checkpoint.save_checkpoint(tmp_path, step, content(step))
        assert step_loaded(tmp_path) == step
    assert names(tmp_path) == ["checkpoint-0000000011.pt", "checkpoint-0000000100.pt"]


def test_what_a_killed_save_left_goes_with_the_next(tmp_path):
    (tmp_path / ".checkpoint-0000000002.part.pt").write_bytes(b"half")
    assert checkpoint.load_checkpoint(tmp_path) is None
    checkpoint.save_checkpoint(tmp_path, 3, CONTENT)
    assert names(tmp_path) == ["checkpoint-0000000003.pt"]


def test_a_save_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    for step in (1, 2):
        checkpoint.save_checkpoint(tmp_path, step, content(step))
    last = tmp_path / "checkpoint-0000000002.pt"
    before = last.read_bytes()

    def full_disk(path: Path, content: bytes) -> int:
        open(path, "wb").write(content[:100])  # noqa: SIM115
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space") as told:
        checkpoint.save_checkpoint(tmp_path, 3, content(3))
    assert names(tmp_path) == [last.name] and last.read_bytes() == before
    assert told.value.filename == str(tmp_path / "checkpoint-0000000003.pt")


def flipped(whole: bytes) -> bytes:
    """With other bits in the midst of a tensor, where an archive stays readable."""
    place = whole.index(CONTENT["task"]["w"].numpy().tobytes())
    return whole[:place] + b"\x55" + whole[place + 1 :]


DAMAGES = {
    "empty": lambda whole: b"",
    "nonsense": lambda whole: b"nonsense",
    "truncated": lambda whole: whole[: len(whole) // 2],
    "zeros": lambda whole: bytes(len(whole)),
    "flipped": flipped,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_falls_back_to_the_one_before_and_says_so(tmp_path, capsys, damage):
    for step in (1, 2):
        checkpoint.save_checkpoint(tmp_path, step, content(step))
    last = tmp_path / "checkpoint-0000000002.pt"
    last.write_bytes(DAMAGES[damage](last.read_bytes()))
    assert step_loaded(tmp_path) == 1
    assert re.search(
        r"checkpoint-0000000002\.pt is damaged \(.+\); going back to the one before", capsys.readouterr().out
    )
    # The run goes on from there, and the damaged one is in nobody's way.
    last.rename(tmp_path / "checkpoint-0000000005.pt")
    checkpoint.save_checkpoint(tmp_path, 2, content(2))
    assert names(tmp_path) == ["checkpoint-0000000001.pt", "checkpoint-0000000002.pt"]
    assert step_loaded(tmp_path) == 2


@pytest.mark.parametrize("damage", DAMAGES)
def test_with_no_other_a_damaged_one_is_told(tmp_path, damage):
    checkpoint.save_checkpoint(tmp_path, 3, CONTENT)
    path = tmp_path / "checkpoint-0000000003.pt"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(UserError, match=r"0003\.pt is damaged .*there is no other\. Delete .* to start afresh"):
        checkpoint.load_checkpoint(tmp_path)


def test_one_of_another_format_is_left_alone_and_told(tmp_path, monkeypatch):
    checkpoint.save_checkpoint(tmp_path, 3, CONTENT)
    known = checkpoint.FORMAT
    monkeypatch.setattr(checkpoint, "FORMAT", known + 1)
    with pytest.raises(
        UserError, match=rf"of format {known}, and this version of timbre knows format {known + 1}\. Go on"
    ):
        checkpoint.load_checkpoint(tmp_path)
    assert names(tmp_path) == ["checkpoint-0000000003.pt"]


def test_one_that_would_run_code_is_refused(tmp_path):
    torch.save({"format": checkpoint.FORMAT, "task": Path("anything")}, tmp_path / "checkpoint-0000000003.pt")
    with pytest.raises(UserError, match=r"0003\.pt is no checkpoint \("):
        checkpoint.load_checkpoint(tmp_path)


def test_a_fingerprint_is_a_function_of_the_values():
    assert checkpoint.fingerprint(DEPENDENCIES) == checkpoint.fingerprint(dict(reversed(DEPENDENCIES.items())))


@pytest.mark.parametrize("path", (("config", "hidden"), ("config", "features", "hop"), ("data",), ("files", 0, "file")))
def test_any_dependency_changes_the_fingerprint(path):
    changed = copy.deepcopy(DEPENDENCIES)
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = "other"
    assert checkpoint.fingerprint(changed) != checkpoint.fingerprint(DEPENDENCIES)


@pytest.mark.parametrize("file", ("models/ddsp/decoder.py", "training/loop.py", "cache/crops.py", "dsp/new.py"))
def test_code_that_decides_a_step_changes_the_fingerprint(tmp_path, monkeypatch, file):
    root = Path(checkpoint.__file__).parents[1]
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root, tmp_path / "timbre", ignore=ignore)
    monkeypatch.setattr(checkpoint, "__file__", str(tmp_path / "timbre/training/checkpoint.py"))
    before = checkpoint.fingerprint(DEPENDENCIES)
    with open(tmp_path / "timbre" / file, "a") as source:
        source.write("# changed\n")
    assert checkpoint.fingerprint(DEPENDENCIES) != before


def test_checkpoints_live_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_CHECKPOINTS", str(tmp_path))
    assert checkpoint.checkpoint_folder("name") == tmp_path / "name"
    monkeypatch.delenv("TIMBRE_CHECKPOINTS")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert checkpoint.checkpoint_folder("name") == Path("/c/timbre/checkpoints/name")


def test_a_deleted_checkpoint_is_gone(tmp_path):
    checkpoint.save_checkpoint(tmp_path / "run", 3, CONTENT)
    checkpoint.delete_checkpoint(tmp_path / "run")
    checkpoint.delete_checkpoint(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_is_held_once_at_a_time(tmp_path):
    with checkpoint.held(tmp_path / "run"):
        checkpoint.save_checkpoint(tmp_path / "run", 3, CONTENT)
        with pytest.raises(UserError, match="another process trains this very run"), checkpoint.held(tmp_path / "run"):
            pass
        with checkpoint.held(tmp_path / "other"):
            pass
    with checkpoint.held(tmp_path / "run"):
        assert step_loaded(tmp_path / "run") == 3
