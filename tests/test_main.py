"""The command `timbre` as a whole: its help loads nothing that takes time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).resolve().parents[1] / "src")
COMMANDS = ("render", "compare", "table", "share", "fetch", "doctor")
HEAVY = {"torch", "torchaudio", "pandas", "numpy", "scipy", "dvc", "matplotlib", "psutil", "yaml"}


@pytest.mark.parametrize(
    "arguments", ([], *([command] for command in COMMANDS)), ids=lambda each: "-".join(each) or "all"
)
def test_help_is_printed_without_loading_a_package(arguments):
    script = f"""
import sys
from timbre.__main__ import main
sys.argv = ["timbre", *{arguments!r}, "--help"]
try:
    main()
finally:
    print("loaded:", *sorted({HEAVY!r} & sys.modules.keys()))
"""
    environment = os.environ | {"PYTHONPATH": SOURCE, "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("loaded:\n")
    told = arguments or COMMANDS
    assert all(command in done.stdout for command in told)
