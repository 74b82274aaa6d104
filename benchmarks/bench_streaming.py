"""Cost of the exported model as a host plays it: CPU time of one thread, block by block."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine


def make_sound(rate: int, seconds: float) -> torch.Tensor:
    """A tone with vibrato that swells and fades, over a little noise. [1, 1, samples]."""
    at = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(220.0 * (1.0 + 0.02 * np.sin(2 * np.pi * 5.5 * at))) / rate
    tone = sum(np.sin(number * phase) / number for number in range(1, 9))
    noise = np.random.default_rng(0).standard_normal(len(at))
    audio = 0.1 * (0.6 + 0.4 * np.sin(2 * np.pi * 0.5 * at)) * tone + 0.001 * noise
    return torch.from_numpy(audio.astype(np.float32))[None, None]


def block_seconds(model: torch.jit.ScriptModule, audio: torch.Tensor, block: int) -> np.ndarray:
    """CPU seconds of each block of a stream, after a run to warm up."""
    whole = audio.shape[2] // block * block
    blocks = audio[:, :, :whole].split(block, dim=2)
    model.reset()
    for part in blocks[: max(50, 50_000 // block)]:
        model(part)
    model.reset()
    took = np.empty(len(blocks))
    for index, part in enumerate(blocks):
        begun = time.process_time()
        model(part)
        took[index] = time.process_time() - begun
    return took


def main() -> None:
    """Print a table, one row for each block size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", type=Path, default=Path("models/export/model.ts"), help="file (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the sound (default: %(default)s)")
    parser.add_argument(
        "--blocks", type=int, nargs="+", default=[128, 512, 2048], help="samples (default: %(default)s)"
    )
    options = parser.parse_args()
    if not options.model.exists():
        sys.exit(f"{options.model} is missing. Run `make run` first, or name another file with --model.")
    torch.set_num_threads(1)
    described = options.model.with_suffix(".json")
    told = json.loads(described.read_text()) if described.exists() else {}
    rate = told.get("sample_rate_hz", 48000)
    model = torch.jit.load(options.model).eval()
    audio = make_sound(rate, options.seconds)
    print(describe_machine())
    print(
        f"{options.model}: {told.get('parameters', 'unknown')} parameters, {rate} Hz, {options.seconds:g} s of sound\n"
    )
    print("block  lasts ms  median ms  99th percentile ms  CPU seconds per second  times real time")
    for block in options.blocks:
        took = block_seconds(model, audio, block)
        share = took.sum() / (len(took) * block / rate)
        print(
            f"{block:5}  {1000 * block / rate:8.2f}  {1000 * np.median(took):9.3f}  "
            f"{1000 * np.percentile(took, 99):18.3f}  {share:22.4f}  {1 / share:15.1f}"
        )
    print("\nCPU time of the process. Blocks shorter than the model's hop wait for it: most of them cost nothing, and")
    print("the 99th percentile is what a host must have time for.")


if __name__ == "__main__":
    main()
