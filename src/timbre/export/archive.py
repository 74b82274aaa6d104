"""TorchScript files that are the same bytes for the same model, wherever they were made, and what is told of files."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import torch

from timbre.files import write_bytes


def save_scripted(module: torch.jit.ScriptModule, path: Path) -> None:
    """Write a scripted module as `stripped` leaves it."""
    whole = io.BytesIO()
    torch.jit.save(module, whole)
    write_bytes(path, stripped(whole.getvalue()))


def stripped(archive: bytes) -> bytes:
    """A TorchScript file without the debugging records, which hold the paths of the sources it was made from."""
    reader = torch._C.PyTorchFileReader(io.BytesIO(archive))
    made = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(made)
    for name in sorted(reader.get_all_records()):
        # What begins with ".data/" the writer makes by itself.
        if not name.endswith(".debug_pkl") and not name.startswith(".data/"):
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_end_of_file()
    return made.getvalue()


def described(path: Path, delay_samples: int) -> dict:
    """What model.json says of any file: its name, bytes, digest, and the delay of the model in it."""
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "delay_samples": delay_samples,
    }
