"""What each RAVE size is and costs to play: parameters, multiply-adds, weights, receptive field, delay, real time.

    python benchmarks/bench_rave_sizes.py [--sizes SIZE ...] [--channels 1]

All but the last column is counted, not timed: multiply-adds (MACs) by torch's own counter over a second of sound,
encoder and decoder without the filter bank. The real-time factor (RTF) is CPU time of one thread for a second of sound
through the scripted effect, in the block named; medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
from machine import describe_machine
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.export.two_part_effect import effect_of
from timbre.features.extractor import feature_config
from timbre.params import SIZE_NAMES, load

SIZES = [size for size in SIZE_NAMES if size != "fast"]  # that one is of ddsp only

LEAST_BLOCK_SAMPLES = 512
STREAM_SECONDS = 4


@torch.no_grad()
def macs_per_second(network: torch.nn.Module) -> float:
    """Multiply-adds of encoder and decoder for a second of sound."""
    samples = -(-network.sample_rate // network.hop) * network.hop
    bands = network.analysis(torch.zeros(1, network.channels, samples))
    with FlopCounterMode(display=False) as counter:
        z = network.latent.mean(network.encoder(bands))
        network.decoder(z, torch.zeros(1, dtype=torch.int64))
    return counter.get_total_flops() / 2 * network.sample_rate / samples


def real_time_factor(network: torch.nn.Module, block: int) -> float:
    """CPU seconds of one thread for a second of sound, as a host plays it; the median second."""
    torch.set_num_threads(1)
    network.fold()
    effect = torch.jit.script(effect_of(network).eval())
    sound = 0.1 * torch.randn(1, network.channels, block)
    per_second = max(1, round(network.sample_rate / block))
    costs = []
    for _ in range(STREAM_SECONDS + 1):
        begun = time.process_time()
        for _ in range(per_second):
            effect(sound)
        costs.append((time.process_time() - begun) / (per_second * block / network.sample_rate))
    return statistics.median(costs[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES, choices=SIZES, help="all by default")
    parser.add_argument("--channels", type=int, default=1, choices=(1, 2))
    arguments = parser.parse_args()
    params = load()
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    cache = {"features": features, "channels": arguments.channels, "statistics": {}}
    print(describe_machine(), end="\n\n")
    print("| size | parameters | GMAC per second | weights | receptive field | samples a frame | delay | RTF (block) |")
    print("|---|---|---|---|---|---|---|---|")
    for size in arguments.sizes:
        preset = getattr(params.sizes, size).rave.model_dump()
        network = models.build(models.describe("rave", preset, cache, 0)).eval()
        rate = network.sample_rate
        parameters = sum(parameter.numel() for parameter in network.parameters())
        macs = macs_per_second(network)
        delay = network.delay + network.hop
        block = max(LEAST_BLOCK_SAMPLES, network.hop)
        factor = real_time_factor(network, block)
        print(
            f"| `{size}` | {parameters:,} | {macs / 1e9:.2f} | {4 * parameters / 1e6:.1f} MB | "
            f"{1000 * network.receptive_samples / rate:.0f} ms | {network.hop} | "
            f"{delay} samples, {1000 * delay / rate:.1f} ms | {factor:.2f} ({block}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
