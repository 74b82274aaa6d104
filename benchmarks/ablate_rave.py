"""What each choice of the `tiny` RAVE is worth: it is trained with one thing changed at a time, and evaluated.

    python benchmarks/ablate_rave.py [--steps 1000] [--only NAME ...]

Needs data/cache, data/normalized and data.test_inputs (`dvc repro slice`). Prints a table: held-out recordings (pitch
within 50 cents, loudness error, multi-scale spectral error), transfer (distance to the target's average spectrum), and
CPU minutes of training. Every run has the same steps, so that choices that make a step dearer show it in the last.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import yaml
from machine import describe_machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.evaluation import evaluate
from timbre.export.run import export_model
from timbre.params import Params, parse
from timbre.training.run import train_model

ROOT = Path(__file__).resolve().parent.parent
LATENT = "timbre.models.rave.latent.SPREAD_LOGIT"
# Changes of the preset, and constants of the code to put something else in place of.
VARIANTS: dict[str, tuple[dict, dict]] = {
    "as it is": ({}, {}),
    "without waveform term": ({"waveform_weight": 0.0}, {}),
    "waveform_weight 10": ({"waveform_weight": 10.0}, {}),
    "latent spread 0.7 at first": ({}, {LATENT: 0.0}),
    "without noise head": ({"noise": False}, {}),
    "without adversarial phase": ({"adversarial_share": 0.0}, {}),
    "without augmentations": ({"augmentations": []}, {}),
    "latent_size 8": ({"latent_size": 8}, {}),
    "latent_size 32": ({"latent_size": 32}, {}),
    "ratio 64": ({"ratios": [2, 2]}, {}),
    "ratio 256": ({"ratios": [4, 4]}, {}),
    "capacity 16": ({"capacity": 16}, {}),
    "regularisation_weight 0.01": ({"regularisation_weight": 0.01}, {}),
    "looking ahead": ({"no_latency": False}, {}),
}


def run(params: Params, data: Path, folder: Path) -> tuple[dict, float]:
    """Metrics of a training, export and evaluation below `folder`, and the CPU seconds of the training.

    data: the folder of `cache` and `normalized`.
    """
    begun = time.process_time()
    train_model(params, data / "cache", folder / "train", folder / "curves")
    seconds = time.process_time() - begun
    export_model(params, folder / "train", folder / "export")
    metrics = evaluate.run(
        params,
        export=folder / "export",
        manifest=data / "cache/manifest.json",
        normalized=data / "normalized",
        reports=folder / "evaluation",
        untrained=models.untrained(folder / "train"),
    )
    return metrics, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="training steps of each run, 1000 by default")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    arguments = parser.parse_args()
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"model": "rave", "size": "tiny"}
    raw["data"]["test_inputs"] = str(ROOT / raw["data"]["test_inputs"])
    print(describe_machine(), end="\n\n")
    print("| changed | pitch within 50 cents | loudness error | spectral error | colour | CPU minutes |")
    print("|---|---|---|---|---|---|")
    for name in arguments.only:
        changes, constants = VARIANTS[name]
        changed = copy.deepcopy(raw)
        changed["sizes"]["tiny"]["rave"] |= {"steps": arguments.steps} | changes
        patches = [mock.patch(target, value) for target, value in constants.items()]
        with tempfile.TemporaryDirectory() as folder:
            for patch in patches:
                patch.start()
            try:
                metrics, seconds = run(parse(changed), ROOT / "data", Path(folder))
            finally:
                mock.patch.stopall()
        held_out, transfer = metrics["reconstruction"], metrics["transfer"]
        print(
            f"| {name} | {held_out['f0_within_50_cents']:.1%} | {held_out['loudness_l1_db']:.2f} dB | "
            f"{held_out['mss']:.2f} | {transfer['ltas_db']:.1f} dB | {seconds / 60:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
