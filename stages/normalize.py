"""Write every usable recording in the model's channels and at its rate, with its gain."""

from pathlib import Path

import _here  # noqa: F401
from timbre.errors import stage_main
from timbre.normalize.run import run
from timbre.params import load

if __name__ == "__main__":
    stage_main(lambda: run(load(), Path("reports/audit/files.csv"), Path("data/normalized")))
