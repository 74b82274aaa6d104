"""What lies among recordings and stops DVC, or hides from it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from timbre.audio.io import as_text
from timbre.errors import UserError

TOLD = 10


def require_trackable(folder: Path) -> list[str]:
    """Look through a folder that DVC will take the hash of, if it is there.

    DVC waits for ever at a pipe, stops at links that lead nowhere, sockets, what it may not read and names that are not
    UTF-8, whatever else lies in the folder, and passes over linked folders.
    Returns: the linked folders in it.
    Raises: UserError with all that must go.
    """
    linked: list[str] = []
    found = list(_untrackable(Path(folder), linked))
    if found:
        lines = [f"{folder}: DVC cannot take the hash of what is in it. Mend or move away:"]
        lines += [f"  {as_text(name)} {why}" for name, why in found[:TOLD]]
        if len(found) > TOLD:
            lines.append(f"  and {len(found) - TOLD} more")
        raise UserError("\n".join(lines))
    return [as_text(name) for name in linked]


def _untrackable(folder: Path, linked: list[str]) -> Iterator[tuple[str, str]]:
    """Names below a folder, sorted, and why each stops DVC; linked folders go to `linked`."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        linked += [path for name in folders if os.path.islink(path := os.path.join(where, name))]
        for name in sorted([*folders, *names]):
            if why := _why_not(os.path.join(where, name)):
                yield os.path.join(where, name), why


def _why_not(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        what = "is a link that cannot be followed" if os.path.islink(path) else "cannot be read"
        return f"{what} ({error.strerror})"
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        return "is a pipe, a socket or a device"
    if not os.access(path, os.R_OK | os.X_OK if stat.S_ISDIR(mode) else os.R_OK):
        return "cannot be read (Permission denied)"
    return (
        "has a name that is not UTF-8: rename it" if as_text(os.path.basename(path)) != os.path.basename(path) else ""
    )
