"""Where a training step of DDSP spends its time: CPU seconds of one thread, part by part.

    python benchmarks/profile_training.py [--size tiny] [--rounds 9]

Forward and backward of each part by itself on a batch as the preset takes it, then whole steps. Medians; a busy machine
makes all of them longer, so compare the shares.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from bench_sizes import STATISTICS, random_crops
from machine import describe_machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.dsp.spectral import multi_scale_spectral_loss
from timbre.features.extractor import feature_config
from timbre.params import SIZE_NAMES, load


def cost(work: Callable[[], torch.Tensor], rounds: int) -> tuple[float, float]:
    """Median CPU seconds of what `work` does, and of differentiating what it returns."""
    forward, backward = [], []
    for _ in range(rounds + 1):
        begun = time.process_time()
        result = work()
        between = time.process_time()
        result.backward()
        forward.append(between - begun)
        backward.append(time.process_time() - between)
    return statistics.median(forward[1:]), statistics.median(backward[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="tiny", choices=[size for size in SIZE_NAMES if size != "low_latency"])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    params = load()
    preset = getattr(params.sizes, options.size).ddsp.model_dump()
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    config = models.describe("ddsp", preset, {"features": features, "channels": 1, "statistics": STATISTICS}, 0)
    network = models.build(config)
    task = models.task_of(network, preset, config)
    crops = random_crops(task, preset["batch"])
    heard = [crops[name] for name in ("f0_hz", "voiced", "loudness_db")]
    near = task.lead_frames - 1
    with torch.no_grad():
        amplitudes, bands = (control[:, near:] for control in network.decoder(heard))
        sound = network.resynthesise(heard, task.lead_frames, crops["position_samples"])
    audio, state = crops["audio"].squeeze(1), network.synthesiser.initial_state(preset["batch"])

    def synthesised(tone: bool) -> torch.Tensor:
        made = [(amplitudes * tone).requires_grad_(tone), (bands * (not tone)).requires_grad_(not tone)]
        return network.synthesiser.step(heard[0][:, near:], made, state)[0].sum()

    parts = {
        "network": lambda: sum(control.sum() for control in network.decoder(heard)),
        "synthesis, gradient of the tone": lambda: synthesised(True),
        "synthesis, gradient of the noise": lambda: synthesised(False),
        "spectral loss": lambda: multi_scale_spectral_loss(sound.clone().requires_grad_(), audio, task.fft_sizes),
        "loudness in the loss": lambda: task.loudness_error_db(sound.clone().requires_grad_(), audio),
    }
    print(describe_machine(), end="\n\n")
    print(f"{options.size}: {preset['batch']} crops of {preset['crop_seconds']:g} s\n")
    print("| part | forward, ms | backward, ms |\n|---|---|---|")
    for name, work in parts.items():
        forward, backward = cost(work, options.rounds)
        print(f"| {name} | {1000 * forward:.0f} | {1000 * backward:.0f} |", flush=True)
    optimiser = torch.optim.Adam(network.parameters(), fused=True)
    steps = []
    for step in range(options.rounds + 1):
        begun = time.process_time()
        optimiser.zero_grad()
        task.training_step(crops, step)[1].backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), params.train.gradient_clip)
        optimiser.step()
        steps.append(time.process_time() - begun)
    print(f"\nA whole step: {statistics.median(steps[1:]):.3f} CPU s, the shortest {min(steps):.3f}.")


if __name__ == "__main__":
    main()
