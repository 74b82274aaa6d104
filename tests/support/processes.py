"""Processes that a test starts and ends, and where they listen."""

from __future__ import annotations

import socket
import subprocess


def end(process: subprocess.Popen) -> None:
    """End a process, at once where it takes longer than ten seconds."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
