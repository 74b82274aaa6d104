"""What each RAVE size is: parameters, multiply-adds, weights, receptive field, delay. streaming.py times them.

    python benchmarks/bench_rave_sizes.py [--sizes SIZE ...] [--channels 1]

Multiply-adds (MACs) are counted by torch over a second of sound, encoder and decoder without the filter bank.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from machine import describe_machine
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.features.extractor import feature_config
from timbre.params import SIZE_NAMES, load

SIZES = [size for size in SIZE_NAMES if size != "fast"]  # that one is of ddsp only


@torch.no_grad()
def macs_per_second(network: torch.nn.Module) -> float:
    """Multiply-adds of encoder and decoder for a second of sound."""
    samples = -(-network.sample_rate // network.hop) * network.hop
    bands = network.analysis(torch.zeros(1, network.channels, samples))
    with FlopCounterMode(display=False) as counter:
        z = network.latent.mean(network.encoder(bands))
        network.decoder(z, torch.zeros(1, dtype=torch.int64))
    return counter.get_total_flops() / 2 * network.sample_rate / samples


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
    print("| size | parameters | GMAC per second | weights | receptive field | samples a frame | delay |")
    print("|---|---|---|---|---|---|---|")
    for size in arguments.sizes:
        preset = getattr(params.sizes, size).rave.model_dump()
        network = models.build(models.describe("rave", preset, cache, 0)).eval()
        rate = network.sample_rate
        parameters = sum(parameter.numel() for parameter in network.parameters())
        macs = macs_per_second(network)
        delay = network.delay
        print(
            f"| `{size}` | {parameters:,} | {macs / 1e9:.2f} | {4 * parameters / 1e6:.1f} MB | "
            f"{1000 * network.receptive_samples / rate:.0f} ms | {network.hop} | "
            f"{delay} samples, {1000 * delay / rate:.1f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()
