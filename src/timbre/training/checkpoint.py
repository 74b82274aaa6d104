"""Checkpoints: the last two of a run, each whole or not at all, outside the workspace, found again by what the run
depends on.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from timbre.errors import UserError, reason
from timbre.files import checkpoints_root, write_bytes

FORMAT = 1
LOCK = "lock"
# The code that decides what a step does: a checkpoint of other code is another run's.
CODE = ("cache/crops.py", "cache/feed.py", "cache/resident.py", "dsp", "features", "models", "nn", "training")


def fingerprint(dependencies: dict) -> str:
    """Name of a run: SHA-256 over what it depends on (parameters, the cache's hash) and the code that trains it."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(json.dumps(dependencies, sort_keys=True).encode())
    digest.update(f"{FORMAT} {torch.__version__}".encode())
    for name in CODE:
        paths = [root / name] if name.endswith(".py") else sorted((root / name).rglob("*.py"))
        for path in paths:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def checkpoint_folder(name: str) -> Path:
    """Where the run of a fingerprint keeps its checkpoint (see `timbre.files.checkpoints_root`).

    Outside the workspace, so that a run killed under `dvc exp run --temp` or in the queue finds it again.
    """
    return checkpoints_root() / name


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """While entered, no other process has the checkpoints of this run; whoever is killed lets go of them.

    Raises: UserError where another has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another process trains this very run (its checkpoints are in {folder}). Wait for it, or end it: "
            "`dvc queue kill --force` ends dvc alone, and leaves `python stages/train.py` running."
        ) from None
    try:
        yield
    finally:
        lock.release()


def save_checkpoint(folder: Path, step: int, content: dict) -> None:
    """Write a checkpoint of a step, whole or not at all, beside the one before it; all others are deleted first.

    On a full disk, and where the process or the power ends meanwhile, the one before stays.
    """
    path = folder / f"checkpoint-{step:010}.pt"
    # One of a later step is damaged, or the run would have gone on from it.
    kept = [folder / LOCK, path, *[other for other in _checkpoints(folder) if other.name < path.name][:1]]
    for other in folder.glob("*"):
        if other not in kept:
            other.unlink()
    # In memory first: on a full disk torch's own writer fails with an error that names neither file nor cause.
    archive = io.BytesIO()
    torch.save({"format": FORMAT, **content}, archive)
    write_bytes(path, archive.getbuffer())


def load_checkpoint(folder: Path) -> dict | None:
    """The last checkpoint of a run, or the one before it where the last is damaged; None where there is none.

    Raises: UserError where all are damaged, or one is of a format that this code does not know.
    """
    damage = ""
    for path in _checkpoints(folder):
        if damage:
            print(f"train: {damage}; going back to the one before it", flush=True)
        damage = _damage(path)
        if not damage:
            return _read(path)
    if damage:
        raise UserError(f"{damage}, and there is no other. Delete {folder} to start afresh.")
    return None


def _checkpoints(folder: Path) -> list[Path]:
    """Those of a run, the last first."""
    return sorted(folder.glob("checkpoint-*.pt"), reverse=True)


def _damage(path: Path) -> str:
    """What is wrong with a file, empty where it is whole. torch itself writes check sums, but looks at none."""
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        wrong = reason(error)
    return f"{path} is damaged ({wrong})" if wrong else ""


def _read(path: Path) -> dict:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = content["format"]
    except Exception as error:  # torch names no common type for what it cannot read
        raise UserError(f"{path} is no checkpoint ({reason(error)}). Delete {path.parent} to start afresh.") from None
    if found != FORMAT:
        raise UserError(
            f"{path} is a checkpoint of format {found}, and this version of timbre knows format {FORMAT}. Go on with "
            f"the version that wrote it, or delete {path.parent} to start afresh."
        )
    return content


def delete_checkpoint(folder: Path) -> None:
    """Forget a finished run, so that `dvc repro -f` truly trains again."""
    shutil.rmtree(folder, ignore_errors=True)
