"""DVC's cache: how it is linked to the workspace, and whether each object still has the content that it is named by."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from timbre.doctor.finding import FAULT, OK, WARNING, Finding
from timbre.sharing.amounts import in_bytes

# What a run may spend on hashing, unless all is asked for.
BUDGET_SECONDS = 1.5
PIECE_BYTES = 1 << 20
MEMO = "timbre-doctor.json"
NAMED = 5
# Copies under this are not worth a word.
TOLD_BYTES = 10**8


@dataclass(frozen=True)
class Object:
    """A file of the cache: the MD5 that it is named by, where it lies, and what changes with any write to it."""

    md5: str
    path: Path
    bytes: int
    stamp: tuple[int, int, int]


def link_type(cache: Path, workspace: Path, wanted: list[str]) -> Finding:
    """Which kind of link a checkout makes, tried between the cache and the workspace in the order of cache.type."""
    from dvc_objects.fs import system

    ways = {"reflink": system.reflink, "hardlink": system.hardlink, "symlink": system.symlink, "copy": None}
    source, target = cache / ".timbre-link.part", workspace / ".timbre-link.part"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        source.write_bytes(b"link")
        for name in wanted:
            target.unlink(missing_ok=True)
            if ways.get(name) is None or _linked(ways[name], source, target):
                break
    except OSError as error:
        return Finding(
            FAULT,
            "cache",
            f"{cache} cannot be written ({error.strerror})",
            "its owner can let you: `chgrp -R GROUP` and `chmod -R g+rwXs` on it",
        )
    finally:
        target.unlink(missing_ok=True)
        source.unlink(missing_ok=True)
    if name == "copy":
        mend = (
            "on one disk: `dvc config --local cache.type reflink,hardlink,symlink,copy`, then `dvc checkout --relink`"
        )
        return Finding(WARNING, "cache", f"{cache}: copies, so everything is on the disk twice", mend)
    twice = copied(workspace) if name != "reflink" else 0
    if twice < TOLD_BYTES:
        return Finding(OK, "cache", f"{cache}, {name}s to the workspace")
    # With reflink first in cache.type, DVC leaves what a stage has written as it is, even where none can be made.
    return Finding(
        OK,
        "cache",
        f"{cache}, {name}s to the workspace; {in_bytes(twice)} there are on the disk twice",
        "`dvc checkout --relink dvc.yaml` makes links of them",
    )


def copied(workspace: Path) -> int:
    """Bytes of the outs of dvc.lock that are no links to the cache."""
    outs = [workspace / out["path"] for stage in locked_stages(workspace) for out in stage.get("outs", [])]
    found = 0
    for top in outs:
        paths = (Path(where) / name for where, _, names in os.walk(top) for name in names) if top.is_dir() else [top]
        for path in paths:
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                found += status.st_size if status.st_nlink == 1 else 0
    return found


def integrity(cache: Path, memo_folder: Path, workspace: Path, deep: bool) -> Iterator[Finding]:
    """Objects whose content is no longer what their name says, as after a write through a hard link.

    Each is hashed once, and again when its time, size or inode changes; the newest first, for as long as
    BUDGET_SECONDS, all of them if `deep`.
    """
    found = sorted(objects(cache), key=lambda each: -each.stamp[0])
    known = {} if deep else _read_memo(memo_folder / MEMO)
    good = {each.md5: list(each.stamp) for each in found if known.get(each.md5) == list(each.stamp)}
    end, damaged, unchecked = time.monotonic() + BUDGET_SECONDS, [], 0
    for each in found:
        if each.md5 in good:
            continue
        if not deep and time.monotonic() > end:
            unchecked += 1
        elif md5_of(each.path, None if deep else end) == each.md5.removesuffix(".dir"):
            good[each.md5] = list(each.stamp)
        elif not deep and time.monotonic() > end:
            unchecked += 1
        else:
            damaged.append(each)
    _write_memo(memo_folder / MEMO, good)
    for each in damaged[:NAMED]:
        used = f" ({', '.join(users(each.md5, cache, workspace)) or 'of an older commit or experiment'})"
        shown = each.path.relative_to(workspace) if each.path.is_relative_to(workspace) else each.path
        yield Finding(
            FAULT,
            "integrity",
            f"{shown}: written to since DVC put it there{used}",
            f"`rm -f {shown}`, then `dvc fetch` if it has been shared, and `dvc checkout --force dvc.yaml`; "
            "or `dvc repro`, which makes it again",
        )
    if len(damaged) > NAMED:
        yield Finding(FAULT, "integrity", f"{len(damaged) - NAMED} more objects are damaged", "mend these first")
    told = f"{len(good)} of {len(found)} objects ({in_bytes(sum(each.bytes for each in found))}) have their content"
    if unchecked:
        yield Finding(OK, "integrity", f"{told}; {unchecked} not read yet: run this again, or with --deep")
    elif not damaged:
        yield Finding(OK, "integrity", told)


def objects(cache: Path) -> Iterator[Object]:
    """The objects of a cache; what is half-written or foreign is passed by."""
    for folder in sorted((cache / "files" / "md5").glob("[0-9a-f][0-9a-f]")):
        for entry in os.scandir(folder):
            md5 = folder.name + entry.name
            if len(md5.removesuffix(".dir")) == 32 and entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
                yield Object(md5, Path(entry.path), status.st_size, stamp)


def md5_of(path: Path, end: float | None = None) -> str:
    """MD5 of a file in hexadecimal; empty where it cannot be read, or where the clock has passed `end` meanwhile."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with open(path, "rb") as file:
            while piece := file.read(PIECE_BYTES):
                if end is not None and time.monotonic() > end:
                    return ""
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


def users(md5: str, cache: Path, workspace: Path) -> list[str]:
    """Paths that have an object as their content, by the dvc.lock of the workspace."""
    paths = []
    for out in (out for stage in locked_stages(workspace) for out in stage.get("outs", [])):
        kept = str(out.get("md5", ""))
        if kept == md5:
            paths.append(out["path"])
        elif kept.endswith(".dir"):
            listing = cache / "files" / "md5" / kept[:2] / kept[2:]
            try:
                entries = json.loads(listing.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            paths += [f"{out['path']}/{entry['relpath']}" for entry in entries if entry.get("md5") == md5]
    return paths


def locked_stages(workspace: Path) -> list[dict]:
    """The stages of dvc.lock; none where there is no such file, or it is broken."""
    try:
        return list(yaml.safe_load((workspace / "dvc.lock").read_text(encoding="utf-8"))["stages"].values())
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return []


def _linked(link, source: Path, target: Path) -> bool:
    try:
        link(str(source), str(target))
    except OSError:
        return False
    return True


def _read_memo(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_memo(path: Path, good: dict) -> None:
    """Note what has been found whole; where that cannot be written, it is found again."""
    temporary = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(good), encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
