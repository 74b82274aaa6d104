"""Weights in eight bits: a quarter of the bytes to read per block, which is what playing a large network costs.

Dynamic quantisation (activations in eight bits as they come, weights once): symmetric, with a scale for each output.
As a process of its own, `python -m timbre.export.int8 QUANTISED WHOLE SOUNDS`, it compares two files.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from timbre.dsp.spectral import level_distances_db, magnitudes
from timbre.errors import UserError, stage_main
from timbre.export.make import run_module
from timbre.nn.conv import FoldedLinear, Weighted
from timbre.playing.load import load_player
from timbre.playing.render import render

# Smaller layers gain nothing, and what they lose adds up.
LEAST_WEIGHTS = 65_536
BLOCK_SAMPLES = 2048
FFT_SIZE = 2048


def quantise(network: nn.Module, least_weights: int = LEAST_WEIGHTS) -> int:
    """Quantise the large matrices of a folded network in place; returns how many weights that were.

    Raises: UserError where there is nothing so large.
    """
    for module in network.modules():
        if isinstance(module, Weighted) and weights_of(module) >= least_weights:
            module.weighted = FoldedLinear(module.weighted)
    large = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, (nn.Linear, nn.GRU)) and weights_of(module) >= least_weights
    }
    if not large:
        raise UserError(
            f"export.precision is int8, but no layer of this model has {least_weights:,} weights or more, so that "
            "nothing would become faster. Write fp32, or choose a larger size."
        )
    count = sum(weights_of(module) for module in large.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is to be replaced by a package whose modules hosts cannot load
        how = dict.fromkeys(large, torch.ao.quantization.per_channel_dynamic_qconfig)
        torch.ao.quantization.quantize_dynamic(network, how, dtype=torch.qint8, inplace=True)
    return count


def weights_of(module: nn.Module) -> int:
    """How many numbers a layer's largest matrix holds."""
    return max(parameter.numel() for parameter in module.parameters())


def prove_int8(path: Path, whole: Path, sounds: dict[str, np.ndarray], limit_db: float) -> dict:
    """Compare what two exported files make of sounds, the quantised one and that in single precision.

    sounds: [channels, samples] by name. Returns: the mean log-spectral distance in dB, the largest and its sound.
    Raises: UserError where the largest is over `limit_db`.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        np.savez(Path(scratch) / "sounds.npz", *sounds.values())
        printed = run_module("timbre.export.int8", str(path), str(whole), str(Path(scratch) / "sounds.npz"))
    distances = dict(zip(sounds, json.loads(printed), strict=True))
    worst = max(distances, key=lambda name: distances[name])
    if distances[worst] > limit_db:
        raise UserError(
            f"in eight bits the model plays {worst} {distances[worst]:.2f} dB from what it should (log-spectral "
            f"distance), over the {limit_db:g} dB of export.int8_max_distance_db. Write export.precision: fp32, or a "
            "higher limit if it sounds right to you."
        )
    mean = sum(distances.values()) / len(distances)
    return {"distance_db": round(mean, 2), "largest_distance_db": round(distances[worst], 2), "largest_at": worst}


def spectral_distance_db(reference: np.ndarray, output: np.ndarray) -> float:
    """Mean log-spectral distance of two sounds [channels, samples] in dB, from 80 dB under the highest bin up."""
    a, b = (
        magnitudes(torch.from_numpy(sound), FFT_SIZE).transpose(1, 2).flatten(0, 1) for sound in (reference, output)
    )
    return float(level_distances_db(a, b, max(float(a.max()) * 1e-4, 1e-7)).mean())


def main() -> None:
    """Print the distance of each of SOUNDS (npz) as QUANTISED and WHOLE play it, as JSON."""
    quantised, whole = load_player(Path(sys.argv[1])), load_player(Path(sys.argv[2]))
    sounds = np.load(sys.argv[3])
    both = [[render(player, sounds[name], BLOCK_SAMPLES) for player in (whole, quantised)] for name in sounds]
    print(json.dumps([spectral_distance_db(*pair) for pair in both]))


if __name__ == "__main__":
    stage_main(main)
