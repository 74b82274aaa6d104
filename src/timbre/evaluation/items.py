"""What is evaluated: the held-out recordings of the target, and the sounds to be transferred to it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from timbre.audio.io import UnreadableError, find_recordings, header, read
from timbre.audio.resample import resample
from timbre.files import read_json

RECONSTRUCTION, TRANSFER = "reconstruction", "transfer"
LONGEST_NAME_BYTES = 120


@dataclass(frozen=True)
class Item:
    """One sound: what is done with it, its name in file names, its path below its folder, and where it lies."""

    kind: str
    name: str
    file: str
    path: Path


def held_out_items(manifest: Path, normalized: Path) -> list[Item]:
    """The recordings of split "test" in the cache's manifest, sorted by file; there may be none."""
    files = sorted(entry["file"] for entry in read_json(manifest)["files"] if entry["split"] == "test")
    return _items(RECONSTRUCTION, files, normalized)


def transfer_items(folder: Path) -> list[Item]:
    """All sound files below the folder of test inputs, sorted; raises UserError where there is none."""
    return _items(TRANSFER, [path.relative_to(folder).as_posix() for path in find_recordings(folder)], folder)


def _items(kind: str, files: list[str], folder: Path) -> list[Item]:
    names = item_names(files)
    return [Item(kind, name, printable(file), Path(folder) / file) for name, file in zip(names, files, strict=True)]


def item_names(files: list[str]) -> list[str]:
    """A name for each file (path below a folder) that is legal in any file system, and no other's in any case.

    The path without its ending, folders joined by "__"; the ending stays where two files differ in nothing else.
    """
    short = [_legal(str(Path(file).with_suffix(""))) for file in files]
    uses = Counter(name.casefold() for name in short)
    names = [name if uses[name.casefold()] == 1 else _legal(file) for name, file in zip(short, files, strict=True)]
    taken: set[str] = set()
    for index, name in enumerate(names):
        number = 1
        while names[index].casefold() in taken:
            number += 1
            names[index] = f"{name}-{number}"
        taken.add(names[index].casefold())
    return names


def _legal(name: str) -> str:
    name = re.sub(r'[\x00-\x1f\x7f<>:"\\|?*]', "_", printable(name).replace("/", "__")).strip(" .") or "_"
    encoded = name.encode()
    if len(encoded) <= LONGEST_NAME_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[: LONGEST_NAME_BYTES - 9].decode(errors='ignore')}-{digest}"


def printable(name: str) -> str:
    """A file name as valid UTF-8: bytes that are none become "?"."""
    return name.encode("utf-8", "replace").decode("utf-8")


def read_mono(path: Path, rate_hz: int) -> np.ndarray:
    """Mean of the channels at a rate in Hz, [samples] float32; raises UnreadableError as `read` does."""
    samples, from_hz = read(path)
    return resample(samples.mean(axis=1), from_hz, rate_hz).astype(np.float32, copy=False)


def seconds_of(path: Path) -> float:
    """Length in seconds by a file's header; 0 where it cannot be read."""
    try:
        found = header(path)
    except UnreadableError:
        return 0.0
    return found.samples / found.sample_rate_hz
