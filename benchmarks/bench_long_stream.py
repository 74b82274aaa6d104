"""Ten minutes of an exported DDSP model without a pause: cost, memory, and whether it has drifted.

    python benchmarks/bench_long_stream.py [--model models/export/model.ts] [--minutes 10]

Blocks of 512 samples, one thread. Prints the real-time factor (CPU seconds for a second of sound), the growth of the
process's memory after the first minute, whether anything carries a gradient, and the largest difference in the last
second from a freshly loaded model that hears nothing but the last seconds, continued from the same phase, sample index
and memory (of adaptation and network, whose slowest units remember more than ten seconds).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
import torch
from machine import describe_machine
from streaming import make_sound

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre.files import read_json
from timbre.models.ddsp.network import ADAPTATION_STATE, PHASE_STATE

# What adaptation and network remember: the network's place follows on the adaptation's.
MEMORY = (*ADAPTATION_STATE, ADAPTATION_STATE.stop)
BLOCK_SAMPLES = 512
LOOP_SECONDS = 10.0
# What a fresh model hears before the second that is compared: its network must have forgotten its cold start.
LEAD_SECONDS = 9.0


def play(model: torch.jit.ScriptModule, blocks: list[torch.Tensor], count: int) -> torch.Tensor:
    """Output of so many blocks, the given ones again and again. [samples]; the last 20 s at most."""
    played: list[torch.Tensor] = []
    for index in range(count):
        played.append(model(blocks[index % len(blocks)])[0, 0])
        del played[: -round(20.0 * 48000 / BLOCK_SAMPLES)]
    return torch.cat(played)


def take_over(fresh: torch.jit.ScriptModule, model: torch.jit.ScriptModule, places: Iterable[int]) -> None:
    """Put parts of a model's state in the place of another's."""
    state = list(fresh.state)
    for place in places:
        state[place] = model.state[place].clone()
    fresh.state = state


def main() -> None:
    """Print the findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/export/model.ts"))
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rate = read_json(options.model.with_suffix(".json"))["sample_rate_hz"]
    model, fresh = torch.jit.load(options.model), torch.jit.load(options.model)
    sound = make_sound(rate, LOOP_SECONDS)
    sound = sound[:, :, : sound.shape[2] // BLOCK_SAMPLES * BLOCK_SAMPLES]
    blocks = list(sound.split(BLOCK_SAMPLES, dim=2))
    print(describe_machine())
    process, begun = psutil.Process(), time.process_time()
    minute = round(60.0 * rate / BLOCK_SAMPLES)
    rest = round(LEAD_SECONDS * rate / BLOCK_SAMPLES)
    total = round(options.minutes * 60.0 * rate / BLOCK_SAMPLES) // len(blocks) * len(blocks)
    play(model, blocks, minute // len(blocks) * len(blocks))
    after_a_minute = process.memory_info().rss
    play(model, blocks, total - minute // len(blocks) * len(blocks) - len(blocks))
    last = [blocks[index % len(blocks)] for index in range(len(blocks))]
    play(model, last[:-rest], len(last) - rest)
    second = -(-rate // BLOCK_SAMPLES)
    # Once its windows are full the fresh one is given the memory, and in the end where the oscillators are.
    for each in (model, fresh):
        play(each, last[-rest : second - rest], second)
    take_over(fresh, model, MEMORY)
    for each in (model, fresh):
        play(each, last[second - rest : -second - 1], rest - 2 * second - 1)
    take_over(fresh, model, PHASE_STATE)
    ends = [play(each, last[-second - 1 :], second + 1)[BLOCK_SAMPLES:] for each in (model, fresh)]
    seconds = time.process_time() - begun
    played_seconds = (total + rest) * BLOCK_SAMPLES / rate
    print(f"played: {played_seconds / 60.0:.1f} minutes, real-time factor {seconds / played_seconds:.3f}")
    print(f"memory after {options.minutes:g} minutes less that after one: "
          f"{(process.memory_info().rss - after_a_minute) / 2**20:+.1f} MiB")  # fmt: skip
    print(f"carries a gradient: {any(part.requires_grad for part in [*model.state, *ends])}")
    print(f"largest difference in the last second: {(ends[0] - ends[1]).abs().max():.1e}")


if __name__ == "__main__":
    main()
