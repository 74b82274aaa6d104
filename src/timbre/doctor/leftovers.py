"""What stopped experiments and trainings have left on the disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from timbre.doctor.finding import OK, WARNING, Finding
from timbre.sharing.amounts import in_bytes

DAY_SECONDS = 86400


def copies(dvc_folder: Path) -> Finding:
    """Copies of the workspace that `dvc exp run --temp` and the queue have not removed; who was killed cannot."""
    # Those of the queue, and of `--temp`.
    found = sorted(path for each in ("tmp*", "standalone/tmp*") for path in (dvc_folder / "tmp/exps").glob(each))
    busy = [path for path in found if in_use(path)]
    left = [path for path in found if path not in busy]
    running = f"; {len(busy)} in use" if busy else ""
    if not left:
        return Finding(OK, "copies", f"no copy of a killed experiment left{running}")
    size = in_bytes(sum(size_of(path) for path in left))
    names = " ".join(_shown(path) for path in left)
    return Finding(WARNING, "copies", f"{len(left)} of killed experiments, {size}{running}", f"`rm -rf {names}`")


def checkpoints(folder: Path) -> Finding:
    """Checkpoints of trainings that were stopped, or are running now; a finished one deletes its own."""
    found = sorted(path for path in folder.glob("*") if path.is_dir() and any(path.iterdir()))
    if not found:
        return Finding(OK, "checkpoints", f"none in {folder}")
    told = []
    for path in found:
        days = (time.time() - max(each.stat().st_mtime for each in path.iterdir())) / DAY_SECONDS
        told.append(f"{path.name[:8]} ({in_bytes(size_of(path))}, {'today' if days < 1 else f'{days:.0f} days old'})")
    return Finding(
        OK,
        "checkpoints",
        f"{len(found)} in {folder}: {', '.join(told)}",
        "the command that was stopped goes on from there; if you do not want that, delete its folder",
    )


def size_of(folder: Path) -> int:
    """Bytes below a folder on the disk, links to elsewhere not counted."""
    blocks = {}
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(where, name))
            except FileNotFoundError:
                continue
            # A file that the cache holds as well takes no room of its own.
            if status.st_nlink == 1:
                blocks[status.st_ino] = status.st_size
    return sum(blocks.values())


def in_use(folder: Path) -> bool:
    """Whether a process works in a folder."""
    for process in psutil.process_iter(["cwd"]):
        where = process.info["cwd"]
        if where and Path(where).is_relative_to(folder.resolve()):
            return True
    return False


def _shown(path: Path) -> str:
    return os.path.relpath(path)
