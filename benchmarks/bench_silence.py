"""What silence costs: CPU time of a block of it, and of inputs that die away, over that of a block of sound.

    python benchmarks/bench_silence.py [--model models/export/model.ts ...] [--rounds 10]

Numbers under 1e-38 (denormal) are slow on most CPUs, and what dies away within a network would become such numbers.
Four copies of each file take turns, block by block: one hears a sound, the others, after that sound, silence, the sound
fading by 600 dB (to 1e-31) again and again, and noise at 1e-30. Without --model: untrained RAVE networks and a DDSP
network of params.yaml. One thread, medians, in torch's inference mode.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine
from streaming import make_sound, save_as_hosts_get_it, untrained
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.features.extractor import feature_config
from timbre.params import Params, load

LEAST_BLOCK_SAMPLES = 512
SOUND_BLOCKS = 64
FADE_BLOCKS = 40
FADE_DB = -600.0
FAINT = 1e-30
# Of recordings as they might be, for the adaptation within a DDSP model.
STATISTICS = {"f0_hz": [150.0, 220.0, 300.0, 400.0, 600.0], "loudness_db": [-45.0, -30.0, -24.0, -20.0, -16.0]}


def untrained_ddsp(params: Params) -> torch.nn.Module:
    """The DDSP network of the default size, with its reverb."""
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    cache = {"features": features, "channels": 1, "statistics": STATISTICS}
    network = models.build(models.describe("ddsp", params.sizes.default.ddsp.model_dump(), cache, 0)).eval()
    network.fold()
    return network


def inputs(block: int, rate: int) -> dict[str, list[Tensor]]:
    """The blocks of each input; the first sound in all of them."""
    sound = list(make_sound(rate, (SOUND_BLOCKS + 1) * block / rate).split(block, dim=2))[:SOUND_BLOCKS]
    gains = 10.0 ** (torch.linspace(0.0, FADE_DB, FADE_BLOCKS * block, dtype=torch.float64) / 20.0)
    tone = torch.cat(sound[:FADE_BLOCKS], dim=2)
    faint = FAINT * torch.randn(1, 1, block, generator=torch.Generator().manual_seed(0))
    return {
        "sound": sound,
        "silence": [torch.zeros(1, 1, block)],
        "fade": list((tone * gains).to(torch.float32).split(block, dim=2)),
        "1e-30": [faint],
    }


@torch.inference_mode()
def costs(path: Path, rounds: int) -> tuple[int, dict[str, np.ndarray]]:
    """The block, and the CPU seconds of each block of each input, after one stretch of sound."""
    copies = {}
    block = LEAST_BLOCK_SAMPLES
    for name in ("sound", "silence", "fade", "1e-30"):
        copies[name] = torch.jit.load(path).eval()
        block = max(block, int(copies[name].hop))
    heard = inputs(block, int(copies["sound"].sample_rate))
    for module in copies.values():
        for part in heard["sound"]:
            module(part.expand(-1, module.channels, -1))
    seconds = {name: np.empty(rounds * FADE_BLOCKS) for name in copies}
    for number in range(rounds * FADE_BLOCKS):
        for name, module in copies.items():
            part = heard[name][number % len(heard[name])].expand(-1, module.channels, -1)
            begun = time.process_time()
            module(part)
            seconds[name][number] = time.process_time() - begun
    return block, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, nargs="+", help="exported TorchScript files")
    parser.add_argument("--rounds", type=int, default=10, help=f"of {FADE_BLOCKS} blocks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(describe_machine(), end="\n\n")
    print("| model | block | sound, CPU ms | silence | fade | last eighth of it | 1e-30 |")
    print("|---" * 7 + "|")
    with tempfile.TemporaryDirectory() as folder:
        paths = options.model
        if paths is None:
            params, paths = load(Path(__file__).resolve().parent.parent / "params.yaml"), []
            for size in ("tiny", "small", "low_latency"):
                network = untrained(size, params)
                network.fold()
                paths.append(save_as_hosts_get_it(network, Path(folder) / f"rave_{size}.ts"))
            paths.append(save_as_hosts_get_it(untrained_ddsp(params), Path(folder) / "ddsp_default.ts"))
        for path in paths:
            block, seconds = costs(path, options.rounds)
            sound = np.median(seconds["sound"])
            late = np.arange(len(seconds["fade"])) % FADE_BLOCKS >= FADE_BLOCKS * 7 // 8
            ratios = [np.median(seconds[name]) / sound for name in ("silence", "fade")]
            ratios += [np.median(seconds["fade"][late]) / sound, np.median(seconds["1e-30"]) / sound]
            print(f"| {path.stem} | {block} | {1000.0 * sound:.2f} | {' | '.join(f'{each:.2f}' for each in ratios)} |")


if __name__ == "__main__":
    main()
