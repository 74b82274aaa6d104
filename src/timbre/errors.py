"""Errors that a user can mend, told in one line each."""

from __future__ import annotations

import errno
import os
import reprlib
import signal
import sys
from collections.abc import Callable

# What to do about errors of the system that name a file, besides a full disk.
MENDABLE = {
    errno.EACCES: "Give yourself the right to read and write there, or work in a folder of your own.",
    errno.EPERM: "Give yourself the right to read and write there, or work in a folder of your own.",
    errno.EROFS: "Mount that disk for writing, or work in a folder of your own.",
    errno.ENOTDIR: "A file lies where a folder is wanted: move it away.",
    errno.EEXIST: "A file lies where a folder is wanted: move it away.",
    errno.EISDIR: "A folder lies where a file is wanted: move it away.",
    errno.ENAMETOOLONG: "Give it a shorter name, or work in a folder less deep.",
    errno.EFBIG: "This disk, or `ulimit -f`, takes no file of that size: raise the limit, or work elsewhere.",
    errno.EIO: "The disk fails: look at the system's log, and work on another one.",
}


class UserError(Exception):
    """Something the user can put right: the message names the file or key, what is wrong and what to do."""


def reason(error: BaseException) -> str:
    """The first line of what an error says, or its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


LONGEST_SHOWN = 120


class _Short(reprlib.Repr):
    """reprlib's, which cuts what is long or nested, and numbers too long for Python to write at all."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, LONGEST_SHOWN, LONGEST_SHOWN, LONGEST_SHOWN

    def repr_int(self, value: int, level: int) -> str:
        return super().repr_int(value, level) if value.bit_length() < 4000 else "a number of a thousand digits or more"


_short = _Short()


def shown(value: object) -> str:
    """A value as a message may hold it: on one line, of characters that any terminal takes, and short.

    So a file of a few bytes, whose anchors multiply, cannot make a message of gigabytes.
    """
    text = _short.repr(value)
    return text if len(text) <= 4 * LONGEST_SHOWN else f"{text[: 4 * LONGEST_SHOWN]}..."


def shown_name(name: object) -> str:
    """A key or a name in a message: as it is where any terminal takes it, otherwise as `shown`."""
    text = name if isinstance(name, str) else shown(name)
    return text if text.isprintable() and len(text) <= 4 * LONGEST_SHOWN else shown(text)


def printable(line: str) -> str:
    """A line for a terminal: control characters, which names of files may hold, become escapes such as \\x1b."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def stage_main(main: Callable[[], None]) -> None:
    """Run a command's `main` and end the process with 1 (mendable error) or 130 (stopped) and one line on stderr.

    SIGTERM (a scheduler's end) is handled like Ctrl-C, so that whatever cleans up on the one cleans up on the other.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except UserError as error:
        _end(f"error: {error}", 1)
    except KeyboardInterrupt as stop:
        _end(
            f"stopped. {stop}" if str(stop) else "stopped. Nothing half-written is kept; run the same command again.",
            130,
        )
    except OSError as error:
        told = _told(error)
        if not told:
            raise
        _end(f"error: {told}", 1)


def _told(error: OSError) -> str:
    """What the user can do about an error of the system; empty where that is nothing."""
    where = os.fsdecode(error.filename) if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        writing = f" while writing {where}" if where else ""
        return (
            f"no space left on the disk{writing}. Free some space and run the same command again; "
            "what was finished before is still there."
        )
    if where and error.errno in MENDABLE:
        return f"{where}: {os.strerror(error.errno)}. {MENDABLE[error.errno]} Then run the same command again."
    return ""


def _end(message: str, code: int) -> None:
    print("\n".join(map(printable, message.split("\n"))), file=sys.stderr, flush=True)
    sys.exit(code)
