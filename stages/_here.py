"""Put this checkout's own src first, so that the copies `dvc exp run --temp` and the queue make run their own code."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
try:
    import pydantic  # noqa: F401
except ModuleNotFoundError:
    sys.exit(
        f"error: {sys.executable} does not have timbre's packages. "
        "Run `make run` once, then `source .venv/bin/activate`, and try again."
    )
