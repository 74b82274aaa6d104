"""Checkpoints: one file, whole or not at all, outside the workspace, found again by what the run depends on."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from pathlib import Path

import torch

from timbre.errors import UserError, reason
from timbre.files import write_bytes

FORMAT = 1
# The code that decides what a step does: a checkpoint of other code is another run's.
CODE = ("cache/crops.py", "dsp", "features", "models", "nn", "training")


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
    """Where the run of a fingerprint keeps its checkpoint: below TIMBRE_CHECKPOINTS, or the user's cache folder.

    Outside the workspace, so that a run killed under `dvc exp run --temp` or in the queue finds it again.
    """
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("TIMBRE_CHECKPOINTS") or cache_home / "timbre" / "checkpoints") / name


def save_checkpoint(folder: Path, content: dict) -> None:
    """Write a checkpoint, whole or not at all: on a full disk the one before stays."""
    # In memory first: on a full disk torch's own writer fails with an error that names neither file nor cause.
    archive = io.BytesIO()
    torch.save({"format": FORMAT, **content}, archive)
    write_bytes(folder / "checkpoint.pt", archive.getvalue())


def load_checkpoint(folder: Path) -> dict | None:
    """The checkpoint of a run, or None where there is none.

    Raises: UserError where it is damaged.
    """
    path = folder / "checkpoint.pt"
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names no common type for a damaged archive
        raise UserError(f"{path}: damaged checkpoint ({reason(error)}). Delete it to start afresh.") from None
    return content if content.get("format") == FORMAT else None


def delete_checkpoint(folder: Path) -> None:
    """Forget a finished run, so that `dvc repro -f` truly trains again."""
    shutil.rmtree(folder, ignore_errors=True)
