"""TorchScript archives, looked at before torch loads them: it believes whatever they say."""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from timbre.errors import UserError, reason, shown_name
from timbre.files import archive_damage

# The operators of torch that reach files, other processes or machines; and those that are not torch's own. No effect
# has a use for them, and code that is loaded may run.
REACHING = re.compile(
    rb"\b(?:save|load|from_file|load_tensor|rpc_\w+|c10d\w*|_c10d\w*|symm_mem)\b|"
    rb"\bops\s*\.\s*(?!prim\b|aten\b|quantized\b)\w+"
)
# Of torch's storages, bytes a number.
ITEM_BYTES = {
    "ByteStorage": 1, "CharStorage": 1, "BoolStorage": 1, "QInt8Storage": 1, "QUInt8Storage": 1,
    "ShortStorage": 2, "HalfStorage": 2, "BFloat16Storage": 2,
    "IntStorage": 4, "FloatStorage": 4, "QInt32Storage": 4,
    "LongStorage": 8, "DoubleStorage": 8, "ComplexFloatStorage": 8, "ComplexDoubleStorage": 16,
}  # fmt: skip


def require_archive(path: Path, content: bytes) -> None:
    """Raise UserError where an archive, read from `path`, is damaged or its code reaches beyond sound.

    Damaged are those whose check sums are wrong, and those with less in a tensor's record than its shape needs: torch
    would read what lies behind it in memory.
    """
    wrong = archive_damage(io.BytesIO(content))
    if not wrong:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _require_harmless(path, archive)
            try:
                wrong = _short_record(archive)
            except Exception as error:  # of a pickle that is none
                wrong = reason(error)
    if wrong:
        raise UserError(
            f"{path} does not load as TorchScript ({wrong}). Delete it and run `dvc repro` to make it anew."
        )


def _require_harmless(path: Path, archive: zipfile.ZipFile) -> None:
    codes = [archive.read(name) for name in archive.namelist() if name.endswith(".py")]
    found = next(filter(None, map(REACHING.search, codes)), None)
    if found:
        raise UserError(
            f"{path} is not played: its code has `{shown_name(found[0].decode(errors='replace'))}`, which reaches for "
            "files or other machines, as no effect does. Nothing of it was run."
        )


def _short_record(archive: zipfile.ZipFile) -> str:
    """What is wrong with the first record that holds less than is told of it, else ""."""
    sizes = {record.filename: record.file_size for record in archive.infolist()}
    for name in sizes:
        if not name.endswith(".pkl"):
            continue
        folder = PurePosixPath(name).with_suffix("")
        for key, kind, numbers in _storages(archive.read(name)):
            needed = numbers * ITEM_BYTES[kind]
            if sizes.get(str(folder / key), 0) < needed:
                return f"{shown_name(str(folder / key))} in it has {sizes.get(str(folder / key), 0)} of {needed} bytes"
    return ""


def _storages(pickled: bytes) -> Iterator[tuple[str, str, int]]:
    """Of each storage that a pickle of torch's refers to: its record's name, its class and how many numbers it has.

    Read op by op and never run. A reference is ("storage", class, record, device, numbers) as a persistent id.
    """
    pushed: list[object] = []
    memo: dict[int, object] = {}
    for op, argument, _ in pickletools.genops(pickled):
        if op.name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = pushed[-1] if pushed else None
        elif op.name in ("BINGET", "LONG_BINGET"):
            pushed.append(memo.get(argument))
        elif op.name == "BINPERSID":
            _, kind, key, _, numbers = pushed[-5:]
            yield str(key), str(kind).rpartition(" ")[2], int(str(numbers))
        elif op.name not in ("MARK", "TUPLE"):
            pushed.append(argument)
