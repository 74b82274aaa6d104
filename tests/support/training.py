"""A training in a process of its own, or several: `python -m support.training JOB.json`.

The job holds raw params, and the folders of cache and results.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from timbre.errors import stage_main
from timbre.params import parse
from timbre.training.run import train_model

if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text())
    out = Path(job["folder"])
    stage_main(lambda: train_model(parse(job["params"]), Path(job["cache"]), out / "models", out / "reports"))
