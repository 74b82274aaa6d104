"""Errors that a user can mend, told in one line each."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Callable


class UserError(Exception):
    """Something the user can put right: the message names the file or key, what is wrong and what to do."""


def reason(error: BaseException) -> str:
    """The first line of what an error says, or its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


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
