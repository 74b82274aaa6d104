"""Errors that a user can mend, told in one line each."""

from __future__ import annotations

import errno
import reprlib
import signal
import sys
from collections.abc import Callable


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
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        _end(f"error: no space left on the disk{where}. Free some space and run the same command again; "
             "what was finished before is still there.", 1)  # fmt: skip


def _end(message: str, code: int) -> None:
    print(message, file=sys.stderr, flush=True)
    sys.exit(code)
