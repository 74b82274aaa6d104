"""How much there is, in words."""

from __future__ import annotations

import os


def gained(before: dict[str, int] | None, after: dict[str, int] | None) -> str:
    """Files and bytes that came in between, in words."""
    if before is None or after is None:
        return "how much is not known, since an HTTP remote cannot be listed"
    new = [size for path, size in after.items() if path not in before]
    return "nothing new" if not new else f"{len(new)} file{'s' if len(new) > 1 else ''}, {in_bytes(sum(new))}"


def in_bytes(count: int) -> str:
    """A number of bytes for people."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def sizes(*folders: str) -> dict[str, int]:
    """Bytes of every file below folders of this disk by its path; a folder that is not there holds none."""
    paths = (os.path.join(where, name) for top in folders for where, _, names in os.walk(top) for name in names)
    return {path: os.stat(path).st_size for path in paths}
