"""Measure every recording below data.raw; change nothing."""

from pathlib import Path

import _here  # noqa: F401
from timbre.audit.run import run
from timbre.errors import stage_main
from timbre.params import load

if __name__ == "__main__":
    stage_main(lambda: run(load(), Path("reports/audit")))
