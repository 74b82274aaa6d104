"""The LMDB file: how slices are laid out in it, written and read."""

from __future__ import annotations

import errno
import math
import shutil
from collections.abc import Iterable
from pathlib import Path

import lmdb
import numpy as np

from timbre.errors import UserError
from timbre.files import read_json

# Raised whenever the layout of the cache changes.
FORMAT = 2
FEATURE_NAMES = ("f0_hz", "voiced", "loudness_db", "clarity")
# Slices written in one transaction: what a transaction holds is held in memory.
SLICES_PER_TRANSACTION = 64
PAGE_BYTES = 4096


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


def write_slices(folder: Path, slices: Iterable[tuple[int, np.ndarray, np.ndarray]], map_size: int) -> None:
    """Write slices (index, int16 audio [channels, samples], float32 features [4, frames]) to `folder`/data.mdb.

    The same slices give the same bytes: keys come in order and transactions are of one size; the compact copy leaves
    out freed pages. There is no lock file, whose bytes would change with every reader.
    """
    folder = Path(folder)
    draft = folder / "draft"
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
        environment.sync(True)
        environment.copy(str(folder), compact=True)
    except lmdb.Error:
        # LMDB tells of a full disk as of any failed write.
        if shutil.disk_usage(folder).free < map_size:
            raise OSError(errno.ENOSPC, "no space left", str(folder / "data.mdb")) from None
        raise
    finally:
        environment.close()
        shutil.rmtree(draft, ignore_errors=True)


class Cache:
    """A finished cache, opened read-only and without a lock, so that DVC sees no change and many may read it at once.

    Raises: UserError where it is missing, damaged or laid out by another version of this code.
    """

    def __init__(self, folder: Path) -> None:
        folder = Path(folder)
        self.manifest = read_json(folder / "manifest.json")
        if self.manifest.get("format") != FORMAT:
            raise UserError(
                f"{folder}: laid out as format {self.manifest.get('format')}, this code reads {FORMAT}. "
                "Run `dvc repro` to make it anew."
            )
        path, written = folder / "data.mdb", self.manifest["data_bytes"]
        size = path.stat().st_size if path.exists() else 0
        if size != written:
            # LMDB would open it and crash the process on a page that is not there.
            raise UserError(f"{path} has {size} of {written} bytes. Delete {folder} and run `dvc repro`.")
        try:
            self._environment = lmdb.open(str(folder), readonly=True, lock=False, max_spare_txns=4, readahead=False)
        except lmdb.Error as error:
            raise UserError(f"{path} does not open ({error}). Delete {folder} and run `dvc repro`.") from None

    def audio(self, index: int) -> np.ndarray:
        """Audio of a slice, int16 [channels, samples]."""
        return np.frombuffer(self._value(audio_key(index)), dtype="<i2").reshape(self.manifest["channels"], -1)

    def features(self, index: int) -> np.ndarray:
        """Features of a slice, float32 [4, frames], in the order of FEATURE_NAMES."""
        return np.frombuffer(self._value(features_key(index)), dtype="<f4").reshape(len(FEATURE_NAMES), -1)

    def files(self, split: str) -> list[dict]:
        """The manifest's files, or parts of files, of a split: train, validation or test."""
        return [file for file in self.manifest["files"] if file["split"] == split]

    def _value(self, key: bytes) -> bytes:
        with self._environment.begin() as transaction:
            value = transaction.get(key)
        if value is None:
            raise UserError(f"the cache lacks {key.decode()}: it is damaged. Delete data/cache and run `dvc repro`.")
        return value
