"""Stages on disks that are full, or cannot be written to: `python -m support.disks JOB.json`, see `main`.

Each stage runs in a process forked from this one, which has the libraries loaded. Needs the right to mount.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from support.stages import OUTS, digests, load_libraries, run_forked

DISK_KILOBYTES = 16384


def main(job: dict) -> list[dict]:
    """Run stages under each condition.

    job: folder of a project, stages, free_kilobytes to try. Returns for each run: stage,
    condition, exit code, what was said, whether the out is as it was before, and whether anything else has appeared.
    """
    load_libraries(job["stages"])
    os.chdir(job["folder"])
    os.environ["TMPDIR"] = tempfile.gettempdir()
    for stage in ("audit", "gate", "normalize", "slice"):
        _tried(stage, "", Path(OUTS[stage]))
    found = []
    with _disk(Path("data/raw")):
        _mount("remount,ro", Path("data/raw"))
        found += [_tried(stage, "read-only recordings", Path(OUTS[stage])) for stage in ("audit", "normalize")]
    for stage in job["stages"]:
        out = Path(OUTS[stage])
        with _disk(out.parent):
            for free in job["free_kilobytes"]:
                with _filled(out.parent, free):
                    found.append(_tried(stage, f"{free} KB free", out))
            _mount("remount,ro", out.parent)
            found.append(_tried(stage, "read-only", out))
        found.append(_tried(stage, "8 KB a file", out, _limit_files))
        with _file_in_the_way(out.parent):
            found.append(_tried(stage, "a file in the way", out))
    return found


def _tried(stage: str, condition: str, out: Path, before: Callable[[], None] = lambda: None) -> dict:
    whole, tree = _content(out), _tree()
    with tempfile.TemporaryFile() as log:
        child = os.fork()
        if not child:
            before()
            run_forked(stage, log.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        log.seek(0)
        said = log.read().decode()
    kept = {"out kept": _content(out) == whole, "nothing new": _tree() == tree}
    return {"stage": stage, "condition": condition, "code": code, "said": said, **kept}


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def _content(out: Path) -> dict | None:
    return digests(out) if out.exists() else None


def _tree() -> set[str]:
    return {path.as_posix() for path in Path().rglob("*")}


def _mount(options: str, folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, stderr=subprocess.PIPE)


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """The same folder on a disk of its own."""
    aside = folder.with_name(f"{folder.name} aside")
    folder.rename(aside)
    folder.mkdir()
    try:
        _mount(f"size={DISK_KILOBYTES}k", folder)
        try:
            shutil.copytree(aside, folder, dirs_exist_ok=True)
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    finally:
        folder.rmdir()
        aside.rename(folder)


@contextlib.contextmanager
def _filled(folder: Path, free_kilobytes: int) -> Iterator[None]:
    """All of its disk taken but so much."""
    filler = folder / "filler"
    filler.write_bytes(bytes(max(0, shutil.disk_usage(folder).free - 1024 * free_kilobytes)))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def _file_in_the_way(folder: Path) -> Iterator[None]:
    """A file in place of what holds the out."""
    aside = folder.with_name(f"{folder.name} aside")
    folder.rename(aside)
    folder.write_text("in the way")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
