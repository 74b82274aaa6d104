"""The LMDB files: how slices are laid out in them, written and read."""

from __future__ import annotations

import bisect
import errno
import hashlib
import math
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import lmdb
import numpy as np

from timbre.cache.manifest import require_manifest
from timbre.errors import UserError, shown
from timbre.files import read_json

# Raised whenever the layout of the cache changes.
FORMAT = 3
FEATURE_NAMES = ("f0_hz", "voiced", "loudness_db", "clarity")
# Slices written in one transaction: what a transaction holds is held in memory.
SLICES_PER_TRANSACTION = 64
PAGE_BYTES = 4096
# LMDB keeps a value in a page with others up to about this size; a larger one has pages of its own.
INLINE_BYTES = 2000


@dataclass(frozen=True)
class Shard:
    """One LMDB file of a cache: its slices from the first on, up to those of the next."""

    file: str
    first_slice: int
    bytes: int
    sha256: str


def audio_key(index: int) -> bytes:
    """Key of a slice's audio: int16, one channel after the other, as many samples as the slice truly has."""
    return b"audio/%010d" % index


def features_key(index: int) -> bytes:
    """Key of a slice's features: float32 [features, frames]."""
    return b"features/%010d" % index


def map_bytes(entry_bytes: Iterable[int]) -> int:
    """Size of an LMDB map that surely holds entries of these sizes.

    A function of the sizes alone, since the map's size stands in the file and so in its hash.
    """
    # A large value takes whole pages; small ones, at worst, one page each. Branch pages are under 1 % of that, and
    # pages freed by one transaction wait for the next but one.
    pages = sum(2 + math.ceil(size / PAGE_BYTES) for size in entry_bytes)
    return int(pages * 1.1 + 1024) * PAGE_BYTES


def first_slices(slice_bytes: Iterable[tuple[int, int]], shard_bytes: float) -> list[int]:
    """Where the files of a cache begin, each as full as it may be: their first slices, 0 before all.

    slice_bytes: size of audio and features of every slice. shard_bytes: the most in a file, but for a slice that is
    larger by itself.
    """
    firsts, filled = [0], 0.0
    for index, sizes in enumerate(slice_bytes):
        needed = sum(_stored_bytes(size) for size in sizes)
        if filled and filled + needed > shard_bytes:
            firsts.append(index)
            filled = 0.0
        filled += needed
    return firsts


def write_slices(
    folder: Path,
    slices: Iterable[tuple[int, np.ndarray, np.ndarray]],
    slice_bytes: tuple[int, int],
    count: int,
    firsts: list[int],
) -> list[Shard]:
    """Write slices (index, int16 audio [channels, samples], float32 features [4, frames]), in order, to `folder`.

    slice_bytes: size of audio and features of the largest. count: how many slices there are. firsts: see
    `first_slices`. Memory holds a transaction, and the pages of one file while it is copied.

    The same slices give the same bytes: keys come in order and transactions are of one size; the compact copy leaves
    out freed pages. There is no lock file, whose bytes would change with every reader.
    Returns: the files written, the first always data.mdb.
    """
    folder = Path(folder)
    slices = iter(slices)
    shards = []
    for number, (first, end) in enumerate(zip(firsts, [*firsts[1:], count], strict=True)):
        path = folder / (f"data_{number:04}.mdb" if number else "data.mdb")
        map_size = map_bytes(size for _ in range(end - first) for size in slice_bytes)
        _write_shard(path, islice(slices, end - first), map_size)
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        shards.append(Shard(path.name, first, path.stat().st_size, sha256))
    return shards


def _write_shard(path: Path, slices: Iterator[tuple[int, np.ndarray, np.ndarray]], map_size: int) -> None:
    draft = path.parent / "draft"
    draft.mkdir(parents=True)
    environment = lmdb.open(str(draft), map_size=map_size, lock=False, sync=False, meminit=True)
    try:
        transaction = environment.begin(write=True)
        for count, (index, audio, features) in enumerate(slices, start=1):
            transaction.put(audio_key(index), audio.astype("<i2").tobytes())
            transaction.put(features_key(index), np.ascontiguousarray(features, dtype="<f4").tobytes())
            if count % SLICES_PER_TRANSACTION == 0:
                transaction.commit()
                transaction = environment.begin(write=True)
        transaction.commit()
        with open(path, "wb") as file:
            environment.copyfd(file.fileno(), compact=True)
    except lmdb.Error:
        # LMDB tells of a full disk as of any failed write.
        if shutil.disk_usage(path.parent).free < map_size:
            raise OSError(errno.ENOSPC, "no space left", str(path)) from None
        raise
    finally:
        environment.close()
        shutil.rmtree(draft, ignore_errors=True)


def _stored_bytes(size: int) -> float:
    """What a value takes in the file, about: whole pages with their header, or its share of one with its key.

    Keys that come in order leave pages half full.
    """
    if size > INLINE_BYTES:
        return PAGE_BYTES * math.ceil((size + 16) / PAGE_BYTES)
    return PAGE_BYTES / max(1, PAGE_BYTES // (size + 48) // 2)


class Cache:
    """A finished cache, opened read-only and without a lock, so that DVC sees no change and many may read it at once.

    Raises: UserError where it is missing, damaged or laid out by another version of this code.
    """

    def __init__(self, folder: Path) -> None:
        folder = Path(folder)
        self.manifest = read_json(folder / "manifest.json")
        if self.manifest.get("format") != FORMAT:
            raise UserError(
                f"{folder}: laid out as format {shown(self.manifest.get('format'))}, this code reads {FORMAT}. "
                "Run `dvc repro` to make it anew."
            )
        require_manifest(self.manifest, folder / "manifest.json")
        self._firsts = [shard["first_slice"] for shard in self.manifest["shards"]]
        self._paths, self._environments = [folder / shard["file"] for shard in self.manifest["shards"]], []
        for shard in self.manifest["shards"]:
            path, written = folder / shard["file"], shard["bytes"]
            size = path.stat().st_size if path.exists() else 0
            if size != written:
                # LMDB would open it and crash the process on a page that is not there.
                raise UserError(f"{path} has {size} of {written} bytes. Delete {folder} and run `dvc repro`.")
            try:
                self._environments.append(
                    lmdb.open(str(path), subdir=False, readonly=True, lock=False, max_spare_txns=4, readahead=False)
                )
            except lmdb.Error as error:
                raise UserError(f"{path} does not open ({error}). Delete {folder} and run `dvc repro`.") from None
            environment = self._environments[-1]
            pages = environment.info()["last_pgno"] + 1
            if pages * environment.stat()["psize"] > size:
                raise UserError(f"{path} tells of {pages} pages and is cut off. Delete {folder} and run `dvc repro`.")

    def audio(self, index: int) -> np.ndarray:
        """Audio of a slice, int16 [channels, samples]."""
        return self._array(index, audio_key(index), "<i2", self.manifest["channels"])

    def features(self, index: int) -> np.ndarray:
        """Features of a slice, float32 [4, frames], in the order of FEATURE_NAMES."""
        return self._array(index, features_key(index), "<f4", len(FEATURE_NAMES))

    def files(self, split: str) -> list[dict]:
        """The manifest's files, or parts of files, of a split: train, validation or test."""
        return [file for file in self.manifest["files"] if file["split"] == split]

    def _array(self, index: int, key: bytes, kind: str, rows: int) -> np.ndarray:
        number = bisect.bisect_right(self._firsts, index) - 1
        try:
            with self._environments[number].begin() as transaction:
                value = transaction.get(key)
            if value is not None:
                return np.frombuffer(value, dtype=kind).reshape(rows, -1)
        except (lmdb.Error, ValueError):
            pass
        path = self._paths[number]
        raise UserError(f"the cache lacks {key.decode()}: {path} is damaged. Delete {path.parent} and run `dvc repro`.")
