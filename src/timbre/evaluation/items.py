"""What is evaluated: the held-out recordings of the target, and the sounds to be transferred to it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from timbre.audio.channels import to_channels
from timbre.audio.io import BLOCK_VALUES, UnreadableError, blocks, find_recordings, header, read_part
from timbre.audio.resample import resample_blocks
from timbre.files import read_json

RECONSTRUCTION, TRANSFER = "reconstruction", "transfer"
LONGEST_NAME_BYTES = 120


@dataclass(frozen=True)
class Item:
    """One sound: what is done with it, its name in file names, its path below its folder, and where it lies.

    part_samples: start and length of the part that is meant, at the file's own rate; None for the whole file.
    """

    kind: str
    name: str
    file: str
    path: Path
    part_samples: tuple[int, int] | None = None


def held_out_items(manifest: Path, normalized: Path) -> list[Item]:
    """The recordings of split "test" in the cache's manifest, or their parts, sorted; there may be none.

    A part says in its names which it is: "take 48 to 60 s" and "take.flac, 48 to 60 s".
    """
    content = read_json(manifest)
    uses = Counter(entry["file"] for entry in content["files"])
    entries = [entry for entry in content["files"] if entry["split"] == "test"]
    entries.sort(key=lambda entry: (entry["file"], entry["start_samples"]))
    told = ["" if uses[e["file"]] == 1 else _seconds_told(e, content["features"]["sample_rate"]) for e in entries]
    names = item_names([_with_part(entry["file"], seconds) for entry, seconds in zip(entries, told, strict=True)])
    items = []
    for entry, name, seconds in zip(entries, names, told, strict=True):
        file, path = printable(entry["file"]), Path(normalized) / entry["file"]
        if seconds:
            part = entry["start_samples"], entry["samples"]
            items.append(Item(RECONSTRUCTION, name, f"{file}, {seconds}", path, part))
        else:
            items.append(Item(RECONSTRUCTION, name, file, path))
    return items


def transfer_items(folder: Path) -> list[Item]:
    """All sound files below the folder of test inputs, sorted; raises UserError where there is none."""
    files = [path.relative_to(folder).as_posix() for path in find_recordings(folder)]
    names = item_names(files)
    return [Item(TRANSFER, name, printable(file), Path(folder) / file) for name, file in zip(names, files, strict=True)]


def _seconds_told(entry: dict, rate_hz: int) -> str:
    start, end = entry["start_samples"], entry["start_samples"] + entry["samples"]
    return f"{round(start / rate_hz, 1):g} to {round(end / rate_hz, 1):g} s"


def _with_part(file: str, seconds: str) -> str:
    """The file's path with the part's seconds before its ending."""
    path = PurePosixPath(file)
    return str(path.with_stem(f"{path.stem} {seconds}")) if seconds else file


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


def item_blocks(item: Item, rate_hz: int, channels: int) -> Iterator[np.ndarray]:
    """A sound in blocks [channels, samples] float32, as `timbre.audio.sound` reads it whole.

    Raises: UnreadableError, perhaps in the middle, as `timbre.audio.io.blocks` does.
    """
    found = header(item.path)
    plan = "stereo" if channels == 2 and found.channels > 1 else "mean"
    source = blocks(item.path) if item.part_samples is None else _part_blocks(item.path, *item.part_samples)
    heard = (to_channels(block, plan, channels) for block in source)
    for block in resample_blocks(heard, found.sample_rate_hz, rate_hz, channels):
        yield np.ascontiguousarray(block.T, dtype=np.float32)


def _part_blocks(path: Path, start: int, samples: int) -> Iterator[np.ndarray]:
    for done in range(0, samples, BLOCK_VALUES):
        yield read_part(path, start + done, min(BLOCK_VALUES, samples - done))[0]


def seconds_of(item: Item) -> float:
    """Length of a sound in seconds by its file's header; 0 where it cannot be read."""
    try:
        found = header(item.path)
    except UnreadableError:
        return 0.0
    return (found.samples if item.part_samples is None else item.part_samples[1]) / found.sample_rate_hz
