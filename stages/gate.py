"""Stop the line where the audit found what audit.fail_on names."""

from pathlib import Path

import _here  # noqa: F401
from timbre.audit.gate import run
from timbre.errors import stage_main
from timbre.params import load

if __name__ == "__main__":
    stage_main(lambda: run(load(), Path("reports/audit/audit.json"), Path("reports/gate.json")))
