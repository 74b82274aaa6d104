"""How long the export of every preset takes, and how large its files are.

    python benchmarks/export_presets.py [--models ddsp rave] [--sizes SIZE ...] [--targets TARGET ...]

Untrained networks at the rate of params.yaml, each written and proved as the export stage does it, the SDK's own speed
benchmark left out; wall seconds with all cores. Bytes per parameter are those over one megabyte for all else that a
file holds (code, filters, tables, sounds), so that 4 is a bare weight in single precision.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from bench_sizes import STATISTICS
from machine import describe_machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.export.proof import test_signal
from timbre.export.run import export_model
from timbre.features.extractor import feature_config
from timbre.params import Params, load

REST_BYTES = 1_000_000


def presets(wanted: list[str], sizes: list[str] | None, params: Params) -> list[tuple[str, str, str]]:
    """Model, synth and size of every preset that is asked for."""
    found = []
    for size, entry in params.sizes:
        for model, synth in (("ddsp", "harmonic_noise"), ("ddsp", "noise_bands"), ("rave", "harmonic_noise")):
            if model in wanted and getattr(entry, model, None) is not None and (not sizes or size in sizes):
                found.append((model, synth, size))
    return [preset for preset in found if preset[2] != "fast"]  # that one is for 16 kHz


def export(params: Params, preset: tuple[str, str, str], targets: list[str], inputs: Path) -> tuple[dict, float]:
    """Export an untrained network of a preset. Returns: model.json and the seconds it took."""
    model, synth, size = preset
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    cache = {"features": features, "channels": 1, "statistics": STATISTICS | {"voiced_share": 0.9}}
    config = models.describe(model, getattr(getattr(params.sizes, size), model).model_dump(), cache, 0, synth)
    raw = params.model_dump()
    raw["export"]["targets"], raw["data"]["test_inputs"] = targets, str(inputs)
    with tempfile.TemporaryDirectory() as scratch:
        network = models.build(config)
        models.save(Path(scratch) / "train", config, network.state_dict())
        begun = time.perf_counter()
        described = export_model(Params.model_validate(raw), Path(scratch) / "train", Path(scratch) / "export")
        return described, time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    params = load()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["ddsp", "rave"], choices=["ddsp", "rave"])
    parser.add_argument("--sizes", nargs="+", help="all by default")
    parser.add_argument("--targets", nargs="+", default=["torchscript", "neutone", "onnx"], help="all by default")
    arguments = parser.parse_args()
    print(describe_machine(), end="\n\n")
    print(
        "| preset | parameters | seconds | "
        + " | ".join(f"{name}: MB, bytes a parameter" for name in arguments.targets)
    )
    print("|---|---|---|" + "---|" * len(arguments.targets))
    with tempfile.TemporaryDirectory() as inputs:
        rate = params.data.sample_rate
        soundfile.write(Path(inputs) / "sound.wav", np.ascontiguousarray(test_signal(rate).T), rate)
        for preset in presets(arguments.models, arguments.sizes, params):
            described, seconds = export(params, preset, arguments.targets, Path(inputs))
            cells = []
            for name in arguments.targets:
                size = described["targets"][name]["bytes"]
                cells.append(f"{size / 1e6:.1f}, {max(0, size - REST_BYTES) / described['parameters']:.2f}")
            name = " ".join(part for part in preset if part != "harmonic_noise")
            print(f"| {name} | {described['parameters']:,} | {seconds:.0f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
