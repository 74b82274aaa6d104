"""What each DDSP size costs: parameters, a training step, and playing in real time.

    python benchmarks/bench_sizes.py [--sizes SIZE ...] [--synth harmonic_noise | noise_bands]

Step time is wall time with all cores; the real-time factor (RTF) is CPU time of one thread for a second of sound,
48 kHz, blocks of 512 samples. Medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
from machine import describe_machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.export.two_part_effect import effect_of
from timbre.features.extractor import feature_config
from timbre.params import SIZE_NAMES, SYNTH_NAMES, load

SIZES = [size for size in SIZE_NAMES if size not in ("low_latency", "fast")]  # of RAVE only, and of the tests

# Of recordings as they might be: the adaptation within the model works with them, and its cost counts.
STATISTICS = {"f0_hz": [150.0, 220.0, 300.0, 400.0, 600.0], "loudness_db": [-45.0, -30.0, -24.0, -20.0, -16.0]}
STEPS = 3
STREAM_SECONDS = 5.0
BLOCK_SAMPLES = 512


def random_crops(task: torch.nn.Module, batch: int) -> dict[str, torch.Tensor]:
    """Noise with the features of a tone, as a cache would give them."""
    network = task.network
    frames = task.lead_frames + task.crop_frames
    return {
        "audio": 0.1 * torch.randn(batch, 1, task.crop_frames * network.extractor_config["hop_samples"]),
        "f0_hz": torch.full([batch, frames], 330.0),
        "voiced": torch.ones(batch, frames),
        "loudness_db": torch.full([batch, frames], -20.0),
        "clarity": torch.ones(batch, frames),
        "position_samples": torch.arange(batch) * network.sample_rate,
    }


def step_seconds(task: torch.nn.Module, batch: int) -> float:
    """Median seconds of a training step on random crops."""
    crops = random_crops(task, batch)
    optimiser = torch.optim.Adam(task.network.parameters())
    times = []
    for step in range(STEPS + 1):
        begun = time.perf_counter()
        optimiser.zero_grad()
        task.training_step(crops, step)[1].backward()
        optimiser.step()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


def real_time_factor(network: torch.nn.Module) -> float:
    """CPU seconds of one thread for a second of sound, as a host plays it; the median second."""
    if hasattr(network, "fold"):
        network.fold()
    effect = torch.jit.script(effect_of(network).eval())
    block = 0.1 * torch.randn(1, 1, BLOCK_SAMPLES)
    per_second = round(network.sample_rate / BLOCK_SAMPLES)
    for _ in range(per_second):
        effect(block)
    costs = []
    for _ in range(round(STREAM_SECONDS)):
        begun = time.process_time()
        for _ in range(per_second):
            effect(block)
        costs.append((time.process_time() - begun) / (per_second * BLOCK_SAMPLES / network.sample_rate))
    return statistics.median(costs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES, choices=SIZES, help="all by default")
    parser.add_argument("--synth", default="harmonic_noise", choices=SYNTH_NAMES)
    options = parser.parse_args()
    params = load()
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    cache = {"features": features, "channels": 1, "statistics": STATISTICS}
    threads = torch.get_num_threads()
    print(describe_machine(), end="\n\n")
    print("| size | parameters | steps x crops x seconds | s per step | whole training, hours | RTF |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        preset = getattr(params.sizes, size).ddsp.model_dump()
        config = models.describe("ddsp", preset, cache, 0, options.synth)
        network = models.build(config)
        seconds = step_seconds(models.task_of(network, preset, config), preset["batch"])
        torch.set_num_threads(1)
        factor = real_time_factor(network)
        torch.set_num_threads(threads)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        budget = f"{preset['steps']} x {preset['batch']} x {preset['crop_seconds']:g}"
        hours = preset["steps"] * seconds / 3600
        print(f"| {size} | {parameters:,} | {budget} | {seconds:.2f} | {hours:.1f} | {factor:.3f} |", flush=True)


if __name__ == "__main__":
    main()
