"""Files written whole or not at all, under a temporary name until complete; and where checkpoints lie."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from timbre.errors import UserError, reason, shown_name

if TYPE_CHECKING:  # it takes half a second to import
    import pandas as pd

# A stem up to here leaves room in the 255 bytes that file systems give a name for ".", ".part" and an ending.
LONGEST_STEM_BYTES = 200


def cache_home() -> Path:
    """Timbre's folder among the user's caches: what lies there is never the only copy."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "timbre"


def checkpoints_root() -> Path:
    """Where trainings keep their checkpoints, a folder for each run: TIMBRE_CHECKPOINTS, or below the user's cache."""
    return Path(os.environ.get("TIMBRE_CHECKPOINTS") or cache_home() / "checkpoints")


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success it is synced and renamed to `path`, on failure removed.

    The folder is synced too, since a name is its content. Within a folder that is itself temporary, whoever made that
    syncs: all at once instead of each of ten thousand.
    """
    path = Path(path)
    # The ending stays last, since soundfile and others read the format from it.
    temporary = path.with_name(f".{_short(path.stem)}.part{path.suffix}")
    with _told(temporary, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            lasting = not any(_is_temporary(folder.name) for folder in path.parents)
            if lasting:
                _sync(temporary)
            os.replace(temporary, path)
            if lasting:
                _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; on success it takes the place of `path`, on failure it goes.

    All of it is synced first. The old one steps aside and is deleted afterwards: who is killed meanwhile leaves it
    whole, or none at all.
    """
    path = Path(path)
    temporary, aside = (path.with_name(f".{path.name}{what}.part") for what in ("", ".old"))
    with _told(temporary, path):
        for left in (temporary, aside):
            _delete(left)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            for where, _, names in os.walk(temporary):
                for name in names:
                    _sync(Path(where) / name)
                _sync_folder(Path(where))
            with _stepped_aside(path, aside):
                os.replace(temporary, path)
            _sync_folder(path.parent)
        finally:
            _delete(temporary)


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write bytes, whole or not at all."""
    with replaced_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys; NaN and infinities become null, since JSON has neither."""
    write_text(path, json.dumps(_plain(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict:
    """Read a JSON file that a stage wrote; a missing or damaged one is the user's to rebuild."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no keys and values")
        return content
    except FileNotFoundError:
        raise UserError(f"{path} is missing. Run `dvc repro` to make it.") from None
    except (ValueError, OSError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({reason(error)}). Delete it and run `dvc repro`.") from None


def archive_damage(content: Path | BinaryIO) -> str:
    """What is wrong with a zip archive, empty where it is whole. torch writes check sums, but looks at none."""
    try:
        with zipfile.ZipFile(content) as archive:
            # Readers differ in which of two they take, and in whether they tell cases apart.
            names = [name.casefold() for name in archive.namelist()]
            wrong = archive.testzip()
    except Exception as error:  # what damaged headers say raises errors of every kind
        return reason(error)
    if len(names) != len(set(names)):
        return "two records in it have one name"
    return f"{shown_name(wrong)} in it has another check sum" if wrong else ""


def write_csv(path: Path, table: pd.DataFrame, decimals: int = 6) -> None:
    """Write a table as CSV with a fixed number of decimals, so that equal values give equal bytes."""
    write_text(path, table.to_csv(index=False, float_format=f"%.{decimals}f", lineterminator="\n"))


def _short(stem: str) -> str:
    """A stem that leaves room for what makes a name temporary."""
    if len(os.fsencode(stem)) <= LONGEST_STEM_BYTES:
        return stem
    return hashlib.sha256(os.fsencode(stem)).hexdigest()


@contextmanager
def _told(temporary: Path, path: Path) -> Iterator[None]:
    """Name `path` in errors of the system, and what lies in it, instead of the temporary name, or of none at all.

    A failed write does not know its file; who reads the error wants to.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else path
            is_ours = named == temporary or temporary in named.parents
            named = path / named.relative_to(temporary) if is_ours else named
            error.filename = str(Path(*(_lasting(part) for part in named.parts)))
        raise


@contextmanager
def _stepped_aside(path: Path, aside: Path) -> Iterator[None]:
    """A folder under another name while something takes its place; back again where that fails, gone otherwise."""
    there = path.exists()
    if there:
        os.replace(path, aside)
    try:
        yield
    except BaseException:
        if there:
            os.replace(aside, path)
        raise
    _delete(aside)


def _delete(folder: Path) -> None:
    """Delete a folder as far as possible, if it is there."""
    with suppress(OSError):
        for where, _, _ in os.walk(folder):
            # What lies in a folder that may not be written to cannot be deleted.
            os.chmod(where, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _lasting(folder: str) -> str:
    """The name that a temporary folder will have; that of others as it is."""
    return folder[1 : -len(".part")] if _is_temporary(folder) else folder


def _is_temporary(folder: str) -> bool:
    """Whether a folder's name is one that `replaced_folder` gives."""
    return folder.startswith(".") and folder.endswith(".part")


def _sync(path: Path) -> None:
    with open(path, "rb+") as written:
        os.fsync(written.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # which opens no folder, and needs not
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
