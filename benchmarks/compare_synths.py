"""The synthesisers of DDSP on drums: both are trained on a kit made in code, exported and evaluated.

    python benchmarks/compare_synths.py [--steps 1200] [--minutes 4] [--only SYNTH ...]

Needs nothing else. Prints a table of the held-out minute: multi-scale spectral error (mss) before and after training,
that of silence in place of the output, loudness error, onsets found (F), log-mel error, CPU minutes of training; and
what mss of drums comes to where all is right but the noise, by two anchors: the same takes with every band of noise
drawn anew, and takes of the same kit whose strikes differ in nothing but their noise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from drums import make_drums
from machine import describe_machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.cache.build import build_cache
from timbre.evaluation import evaluate
from timbre.export.run import export_model
from timbre.params import SYNTH_NAMES, Params, parse
from timbre.training.run import train_model

ROOT = Path(__file__).resolve().parent.parent


def run(params: Params, data: Path, folder: Path) -> tuple[dict, float]:
    """Metrics of a training, export and evaluation below `folder`, and the CPU seconds of the training."""
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
    parser.add_argument("--steps", type=int, default=1200, help="training steps of each run, 1200 by default")
    parser.add_argument("--minutes", type=float, default=4.0, help="minutes of drums to train on, 4 by default")
    parser.add_argument("--only", nargs="+", choices=SYNTH_NAMES, default=list(SYNTH_NAMES), metavar="SYNTH")
    parser.add_argument("--keep", type=Path, help="folder for all that is made, which must not exist")
    arguments = parser.parse_args()
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"model": "ddsp", "size": "tiny"}
    raw["sizes"]["tiny"]["ddsp"] |= {"steps": arguments.steps}
    print(describe_machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as scratch:
        data = arguments.keep or Path(scratch)
        make_drums(data / "normalized", arguments.minutes, 1.0, raw["data"]["sample_rate"])
        raw["data"]["test_inputs"] = str(data / "normalized/test")
        build_cache(parse(raw), data / "normalized", data / "cache")
        print("| synth | mss | before | silence | loudness error | onsets F | log-mel | CPU minutes |")
        print("|---|---|---|---|---|---|---|---|")
        for synth in arguments.only:
            metrics, seconds = run(parse(raw | {"synth": synth}), data, data / synth)
            held_out = metrics["reconstruction"]
            figures = [held_out.get(name) for name in ("mss", "mss_untrained", "mss_silence", "loudness_l1_db")]
            figures += [held_out.get(name) for name in ("onset_f", "logmel_l1")]
            told = ["-" if value is None else f"{value:.2f}" for value in figures]
            print(f"| {synth} | {' | '.join(told)} | {seconds / 60:.1f} |", flush=True)


if __name__ == "__main__":
    main()
