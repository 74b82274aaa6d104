"""Script a trained network and write it: `python -m timbre.export.make FOLDER FILE`.

A process of its own, since TorchScript numbers its classes by what was scripted before and writes a class's constants
in the order of a Python set, which the hash seed decides. Both would change the bytes of the same model.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from timbre.errors import UserError, stage_main


def make_in_new_process(models_folder: Path, target: Path) -> None:
    """Write the scripted model of a training folder to `target`.

    Raises: UserError with what the other process said, where it failed.
    """
    run_module("timbre.export.make", str(models_folder), str(target))


def run_module(name: str, *arguments: str) -> str:
    """Run a module of this package in a new Python with a fixed hash seed and one thread; returns what it printed."""
    source = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    done = subprocess.run([sys.executable, "-m", name, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError(done.stderr.strip().removeprefix("error: ") or f"{name} ended with {done.returncode}.")
    return done.stdout


def main() -> None:
    """Read FOLDER, write FILE."""
    import torch

    from timbre import models
    from timbre.export.archive import save_scripted
    from timbre.export.effect import StreamingEffect

    models_folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    scripted = torch.jit.script(StreamingEffect(models.load(models_folder)).eval())
    # A first run finds what only shows at run time; the reset leaves nothing of it in the file.
    scripted(torch.zeros(1, 1, 4 * scripted.hop))
    scripted.reset()
    save_scripted(scripted, target)


if __name__ == "__main__":
    stage_main(main)
