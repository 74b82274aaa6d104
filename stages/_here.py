"""What all stages begin with: no arguments, and this checkout's own src first.

So the copies that `dvc exp run --temp` and the queue make run their own code.
"""

import sys
from pathlib import Path

import __main__

if len(sys.argv) > 1:
    told = "It takes no arguments: params.yaml has its settings, and `dvc repro` runs it in its turn."
    if sys.argv[1] in ("-h", "--help"):
        print(f"{__main__.__doc__} {told}")
        sys.exit()
    sys.exit(f"error: {' '.join(sys.argv)}: {told}")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
try:
    import pydantic  # noqa: F401
except ModuleNotFoundError:
    sys.exit(
        f"error: {sys.executable} does not have timbre's packages. "
        "Run `make run` once, then `source .venv/bin/activate`, and try again."
    )
