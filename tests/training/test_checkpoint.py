"""Checkpoints."""

import copy
import shutil
from pathlib import Path

import pytest
import torch

from timbre.errors import UserError
from timbre.training import checkpoint

CONTENT = {"outcome": {"step": 3, "best_loss": float("inf")}, "task": {"w": torch.arange(5.0)}}
DEPENDENCIES = {"config": {"hidden": 3, "features": {"hop": 1}}, "data": "abc", "files": [{"file": "a"}]}


def test_what_is_saved_is_loaded(tmp_path):
    checkpoint.save_checkpoint(tmp_path / "run", CONTENT)
    loaded = checkpoint.load_checkpoint(tmp_path / "run")
    assert loaded["outcome"] == CONTENT["outcome"]
    assert torch.equal(loaded["task"]["w"], CONTENT["task"]["w"])
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint.pt"]


def test_a_run_never_begun_has_none(tmp_path):
    assert checkpoint.load_checkpoint(tmp_path / "nowhere") is None


def test_a_save_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoint.save_checkpoint(tmp_path, CONTENT)
    before = (tmp_path / "checkpoint.pt").read_bytes()

    def full_disk(path: Path, content: bytes) -> int:
        open(path, "wb").write(content[:100])  # noqa: SIM115
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save_checkpoint(tmp_path, CONTENT | {"outcome": {"step": 4}})
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_damaged_checkpoint_is_told(tmp_path):
    checkpoint.save_checkpoint(tmp_path, CONTENT)
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2]):
        (tmp_path / "checkpoint.pt").write_bytes(content)
        with pytest.raises(UserError, match=r"checkpoint\.pt: damaged checkpoint .* Delete it to start afresh"):
            checkpoint.load_checkpoint(tmp_path)


def test_a_checkpoint_of_another_format_is_left_alone(tmp_path, monkeypatch):
    checkpoint.save_checkpoint(tmp_path, CONTENT)
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
    assert checkpoint.load_checkpoint(tmp_path) is None


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
    checkpoint.save_checkpoint(tmp_path / "run", CONTENT)
    checkpoint.delete_checkpoint(tmp_path / "run")
    checkpoint.delete_checkpoint(tmp_path / "run")
    assert not (tmp_path / "run").exists()
