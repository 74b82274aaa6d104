"""An exported model without a pause: cost, memory, and whether it has drifted.

    python benchmarks/bench_long_stream.py [--model models/export/model.ts] [--minutes 10] [--block 512]
        [--set loudness_match=0 ...]

The same ten seconds of sound again and again, one thread, in inference mode. Printed are, of the first minute and
of the last: level and strongest partial of the last ten seconds' output (the first loop, in which a model is still new
to the sound, left out), CPU time of a block; the growth of the process's memory in between; and the largest difference
in the last second from a freshly loaded model that hears nothing but the last seconds. That one is given what counts or
remembers for longer: of RAVE the frames heard; of DDSP adaptation and network, and where oscillators and noise are.
The adaptation of DDSP learns the sound's loudness for minutes: what it does to the level is no drift, and
loudness_match=0 leaves it out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import psutil
import torch
from machine import describe_machine
from streaming import make_sound
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre.models.ddsp.network import ADAPTATION_STATE, PHASE_STATE

# What adaptation and network remember: the network's place follows on the adaptation's.
MEMORY = (*ADAPTATION_STATE, ADAPTATION_STATE.stop)
# The same of noise bands.
BANDS_MEMORY = (2, 3, 4, 5)
LOOP_SECONDS = 10.0
# What a fresh model hears before the second that is compared: its network must have forgotten its cold start.
LEAD_SECONDS = 8.0


class Stream:
    """A model that hears the loop; `at` is the next block, `seconds` are those of CPU that each block took."""

    def __init__(self, path: Path, blocks: list[Tensor], settings: dict[str, float]) -> None:
        self.module = torch.jit.load(path).eval()
        for name, value in settings.items():
            self.module.set_control(name, value)
        self.settings, self.blocks, self.at, self.seconds = settings, blocks, 0, []

    def play(self, count: int) -> Tensor:
        """The output of so many blocks, its first channel. [samples]"""
        played = []
        for _ in range(count):
            block = self.blocks[self.at % len(self.blocks)]
            begun = time.process_time()
            played.append(self.module(block)[0, 0])
            self.seconds.append(time.process_time() - begun)
            self.at += 1
        return torch.cat(played) if played else torch.zeros(0)

    def take_over(self, other: Stream, places: Iterable[int]) -> None:
        """Put parts of another's state in the place of one's own."""
        state = list(self.module.state)
        for place in places:
            state[place] = other.module.state[place].clone()
        self.module.state = state


def last_seconds(stream: Stream, path: Path, second: int) -> tuple[Tensor, Tensor]:
    """Play the end: the last second of a stream, and that of a fresh one given what counts or remembers."""
    fresh = Stream(path, stream.blocks, stream.settings)
    fresh.at = stream.at
    counters = [place for place, part in enumerate(fresh.module.state) if part.dtype == torch.int64]
    rave = hasattr(fresh.module, "encode")
    pitched = not rave and "pitch_shift_semitones" in fresh.module.control_names
    lead = round((LEAD_SECONDS - 1.0) * second)
    if not pitched:
        fresh.take_over(stream, counters)
    for each in (stream, fresh):
        each.play(second)
    # Its windows are full: now what it remembers counts.
    if not rave:
        fresh.take_over(stream, MEMORY if pitched else BANDS_MEMORY)
    for each in (stream, fresh):
        each.play(lead)
    if pitched:
        fresh.take_over(stream, PHASE_STATE)
    ends = [each.play(second + 1)[-second * stream.blocks[0].shape[2] :] for each in (stream, fresh)]
    return ends[0], ends[1]


def level_dbfs(sound: Tensor) -> float:
    """RMS level in dB, full scale being 1."""
    return float(10.0 * torch.log10(sound.double().square().mean() + 1e-20))


def strongest_hz(sound: Tensor, rate: int) -> float:
    """Frequency of the strongest partial: the highest bin of a Hann window, between bins by a parabola through dB."""
    spectrum = torch.fft.rfft(sound.double() * torch.hann_window(len(sound), dtype=torch.float64)).abs()
    peak = int(spectrum[1:-1].argmax()) + 1
    below, top, above = (spectrum[peak - 1 : peak + 2] + 1e-20).log().tolist()
    return (peak + 0.5 * (below - above) / (below - 2.0 * top + above)) * rate / len(sound)


def main() -> None:
    """Print the findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/export/model.ts"), help="a TorchScript file")
    parser.add_argument("--minutes", type=float, default=10.0, help="three at least")
    parser.add_argument("--block", type=int, default=512, help="samples; a whole number of the model's hops is taken")
    parser.add_argument("--set", nargs="+", default=[], metavar="CONTROL=VALUE")
    options = parser.parse_args()
    if not options.model.exists():
        sys.exit(f"{options.model} is missing. Run `make run` first, or name another file with --model.")
    if options.minutes < 3.0:
        sys.exit("--minutes: three at least")
    torch.set_num_threads(1)
    told = torch.jit.load(options.model)
    rate, hop = int(told.sample_rate), int(told.hop)
    block = -(-options.block // hop) * hop
    loop = round(LOOP_SECONDS * rate / block)
    sound = make_sound(rate, LOOP_SECONDS + 1.0)[:, :, : loop * block].expand(-1, int(told.channels), -1)
    settings = {name: float(value) for name, value in (each.split("=") for each in options.set)}
    stream = Stream(options.model, [part.contiguous() for part in sound.split(block, dim=2)], settings)
    print(f"{describe_machine()}; {options.model}, blocks of {block}")
    with torch.inference_mode():
        minute = 6
        stream.play(loop)
        looped = []
        for _ in range(1, minute):
            looped = stream.play(loop)
        first = (level_dbfs(looped), strongest_hz(looped, rate), np.median(stream.seconds[loop:]))
        memory_after_a_minute = psutil.Process().memory_info().rss
        # Times are kept of the first minute and of the last alone: a list of them would be growth too.
        for _ in range(minute, round(options.minutes * 60.0 / LOOP_SECONDS) - minute):
            stream.seconds.clear()
            stream.play(loop)
        stream.seconds.clear()
        for _ in range(minute):
            looped = stream.play(loop)
        last = (level_dbfs(looped), strongest_hz(looped, rate), np.median(stream.seconds))
        growth = psutil.Process().memory_info().rss - memory_after_a_minute
        load_at_end = describe_machine().rsplit("load ", 1)[1]
        ends = last_seconds(stream, options.model, -(-rate // block))
    print(f"played: {stream.at * block / rate / 60.0:.1f} minutes, load {load_at_end} at the end")
    print(f"level: {first[0]:.4f} dBFS in the first minute, {last[0] - first[0]:+.5f} dB in the last")
    cents = 1200.0 * np.log2(last[1] / first[1])
    print(f"strongest partial: {first[1]:.3f} Hz in the first minute, {cents:+.4f} cents in the last")
    factors = first[2] * rate / block, last[2] * rate / block
    print(f"CPU time of a block: {1000.0 * first[2]:.3f} ms in the first minute, {1000.0 * last[2]:.3f} ms in the last")
    print(f"real-time factor: {factors[0]:.3f} in the first minute, {factors[1]:.3f} in the last")
    print(f"memory after the last minute less that after the first: {growth / 2**20:+.1f} MiB")
    print(f"carries a gradient: {any(part.requires_grad for part in [*stream.module.state, *ends])}")
    print(f"largest difference in the last second from a fresh model: {(ends[0] - ends[1]).abs().max():.1e}, "
          f"in a signal whose peak is {ends[0].abs().max():.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
