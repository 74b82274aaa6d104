"""Where the large part of the sketches lies while a set is compared."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from timbre.audit.dataset.fingerprint import REGIONS
from timbre.audit.meters.sketch import Sketch

ROW_BYTES = 2 * REGIONS


@dataclass(frozen=True)
class StoredPhases:
    """Phases [rows, 8] of a sketch on disk, read a slice at a time."""

    file: BinaryIO
    start_bytes: int
    rows: int

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, part: slice) -> np.ndarray:
        start, stop, _ = part.indices(self.rows)
        self.file.seek(self.start_bytes + start * ROW_BYTES)
        raw = self.file.read(max(0, stop - start) * ROW_BYTES)
        return np.frombuffer(raw, "<u2").reshape(-1, REGIONS)


class Shelf:
    """A temporary file without a name, in a folder that has room, for the phases of all sketches."""

    def __init__(self, folder: Path) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._folder, self._bytes = folder, 0
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed with the shelf)
        except OSError as error:
            self._name(error)
            raise

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            self._name(error)
        # What it could not write is not wanted any more.
        with contextlib.suppress(OSError):
            self._file.close()

    def _name(self, error: OSError) -> None:
        """A file without a name has none in an error either: who reads that wants to know which disk it was."""
        error.filename = str(self._folder)

    def keep(self, sketch: Sketch) -> Sketch:
        """The same sketch, whose phases are on disk; all sketches must be kept before one of them is read."""
        raw = np.ascontiguousarray(sketch.phases, "<u2")
        self._file.seek(0, os.SEEK_END)
        self._file.write(raw.data)
        stored = StoredPhases(self._file, self._bytes, len(raw))
        self._bytes += raw.nbytes
        return replace(sketch, phases=stored)
