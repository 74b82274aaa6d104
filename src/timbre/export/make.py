"""Write one file of an export: `python -m timbre.export.make FOLDER FILE FIDELITY PRECISION`.

A process of its own, since TorchScript numbers its classes by what was scripted before and writes a class's constants
in the order of a Python set, which the hash seed decides. Both would change the bytes of the same model.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from timbre.errors import UserError, stage_main


def make_in_new_process(models_folder: Path, target: Path, fidelity: float, precision: str = "fp32") -> None:
    """Write the scripted model of a training folder to `target`; fidelity: as `timbre.models.load` takes it.

    Raises: UserError with what the other process said, where it failed.
    """
    run_module("timbre.export.make", str(models_folder), str(target), str(fidelity), precision)


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
    from timbre.export.int8 import quantise
    from timbre.export.nn_tilde import scripted_for_nn_tilde
    from timbre.export.two_part_effect import effect_of

    models_folder, target, fidelity, precision = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    network = models.load(models_folder, fidelity)
    network.fold()
    if precision == "int8":
        quantise(network)
    scripted = scripted_for_nn_tilde(effect_of(network))
    # A first run finds what only shows at run time; the reset leaves nothing of it in the file.
    sound = torch.zeros(1, scripted.channels, 4 * scripted.hop)
    scripted(sound)
    for first, second in (("encode", "decode"), ("features", "controls")):
        if hasattr(scripted, first):
            getattr(scripted, second)(getattr(scripted, first)(sound))
    scripted.reset()
    save_scripted(scripted, target)


if __name__ == "__main__":
    stage_main(main)
