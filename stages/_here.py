"""What all stages begin with: no arguments but those that a docstring names, and this checkout's own src first.

So the copies that `dvc exp run --temp` and the queue make run their own code.
"""

import sys
from pathlib import Path

import __main__

given, about = " ".join(sys.argv[1:]), __main__.__doc__
if given and f"{Path(sys.argv[0]).name} {given}`" not in about:
    told = "Settings are in params.yaml, and `dvc repro` runs every stage in its turn."
    if given in ("-h", "--help"):
        print(f"{about} {told}")
        sys.exit()
    sys.exit(f"error: {' '.join(sys.argv)}: there is no such argument. {told}")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
try:
    import pydantic  # noqa: F401
except ModuleNotFoundError:
    sys.exit(
        f"error: {sys.executable} does not have timbre's packages. "
        "Run `make run` once, then `source .venv/bin/activate`, and try again."
    )
