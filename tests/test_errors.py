"""How a command ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).resolve().parents[1] / "src")


def end(body: str) -> subprocess.CompletedProcess:
    script = "import os, signal, time\nfrom timbre.errors import UserError, stage_main\n"
    script += f"def main():\n    {body}\nstage_main(main)"
    environment = os.environ | {"PYTHONPATH": SOURCE}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("body", "code", "line"),
    (
        ("raise UserError('a.wav: too short.')", 1, "error: a.wav: too short."),
        ("raise KeyboardInterrupt", 130, "stopped. Nothing half-written is kept; run the same command again."),
        ("raise KeyboardInterrupt('Step 3 is kept.')", 130, "stopped. Step 3 is kept."),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", 130, "stopped. "),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", 130, "stopped. "),
        ("raise OSError(28, 'No space', 'out.wav')", 1, "error: no space left on the disk while writing out.wav. "),
        ("import pathlib; pathlib.Path('/dev/full').write_text('x')", 1, "error: no space left on the disk. "),
        ("open('/dev/null/a')", 1, "error: /dev/null/a: Not a directory. A file lies where a folder is wanted: "),
        ("open('/')", 1, "error: /: Is a directory. A folder lies where a file is wanted: move it away. Then run"),
        ("open('/' + 300 * 'x')", 1, f"error: /{300 * 'x'}: File name too long. Give it a shorter name, or"),
        ("raise OSError(30, 'x', b'out')", 1, "error: out: Read-only file system. Mount that disk for writing, or"),
        (r"raise UserError('\x1b[31mred\ra.wav\udce9')", 1, r"error: \x1b[31mred\ra.wav\udce9"),
    ),
)
def test_what_the_user_can_mend_is_told_in_one_line(body, code, line):
    ended = end(body)
    assert ended.returncode == code
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


@pytest.mark.parametrize("body", ("raise OSError(13, 'Permission denied')", "raise ValueError('a fault of ours')"))
def test_what_the_user_cannot_mend_keeps_its_traceback(body):
    ended = end(body)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


def test_a_good_end_is_silent():
    ended = end("pass")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
