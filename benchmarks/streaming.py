"""What a block of sound costs a host: exported models of each kind and their peers, in turn in one run.

    python benchmarks/streaming.py [--sizes default small low_latency] [--peer-python PEER/bin/python] [--rounds 30]
    python benchmarks/streaming.py --model models/export/model.ts [--blocks 512 2048]

Untrained RAVE networks of params.yaml, in the files that the export stage writes of them: `fp32` and `int8`
(TorchScript), `onnx` (onnxruntime, one hop a call). With the same weights: `conv1d`, the same network of torch's own
convolutions (conv1d_twin.py), scripted, checked to play the same. Of the same widths: `peer`, a file that acids-rave
2.3.1 exports, in a virtual environment of its own (peer_export.py, training.py). `weights` is no model: a
matrix with as many weights times a vector, the time that it takes to read them once, which no model of one stream can
beat. With --model: files of one's own instead.

One thread, in torch's inference mode as hosts play. The variants take turns in bursts of a few blocks, of which the
first, with another's weights in the cache, is not counted. Medians; RTF is the real-time factor, CPU time of a block
over the block's own; the ratio is of CPU time to that of fp32 (or the first file). Operators are those that TorchScript
calls for a block, or the nodes of ONNX graphs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from conv1d_twin import twin_of
from machine import describe_machine
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from timbre import models
from timbre.export.archive import save_scripted
from timbre.export.int8 import quantise
from timbre.export.nn_tilde import scripted_for_nn_tilde
from timbre.export.onnx.target import write as write_onnx
from timbre.export.two_part_effect import effect_of
from timbre.features.extractor import feature_config
from timbre.params import SIZE_NAMES, Params, load
from timbre.playing.load import load_player

SIZES = [size for size in SIZE_NAMES if size != "fast"]  # that one is of ddsp only
BLOCKS = {"small": [512, 2048], "low_latency": [128, 512]}
DEFAULT_BLOCKS = [2048]
VARIANTS = ("fp32", "int8", "onnx", "conv1d", "peer", "weights")
BURST_BLOCKS = 4
WARM_UP_BLOCKS = 8
SOUND_BLOCKS = 32
LEAST_SNR_DB = 100.0
COLUMNS = 1024  # of the matrix that is read


@dataclass
class Variant:
    """One way to play: takes a block [1, channels, samples]. What is not known of it is None."""

    name: str
    play: Callable[[Tensor], Tensor]
    parameters: int | None = None
    file_bytes: int | None = None
    delay_samples: int | None = None
    count_operators: Callable[[Tensor], int] | None = None
    reset: Callable[[], None] | None = None
    wall_seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


def make_sound(rate: int, seconds: float) -> Tensor:
    """A tone with vibrato that swells and fades, over a little noise. [1, 1, samples]."""
    at = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(220.0 * (1.0 + 0.02 * np.sin(2 * np.pi * 5.5 * at))) / rate
    tone = sum(np.sin(number * phase) / number for number in range(1, 9))
    noise = np.random.default_rng(0).standard_normal(len(at))
    audio = 0.1 * (0.6 + 0.4 * np.sin(2 * np.pi * 0.5 * at)) * tone + 0.001 * noise
    return torch.from_numpy(audio.astype(np.float32))[None, None]


def operators(module: torch.jit.ScriptModule, block: Tensor) -> int:
    """How many operators TorchScript calls for a block, not counting those that they call."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        module(block)
    return sum(
        event.name.startswith("aten::") and (event.cpu_parent is None or not event.cpu_parent.name.startswith("aten::"))
        for event in profiled.events()
    )


def of_file(name: str, path: Path, parameters: int | None = None) -> Variant:
    """A file of any format."""
    size = path.stat().st_size
    if path.suffix == ".ts":
        module = torch.jit.load(path).eval()
        delay = int(module.delay_samples) if hasattr(module, "delay_samples") else None
        if parameters is None:
            parameters = sum(parameter.numel() for parameter in module.parameters())
        reset = module.reset if hasattr(module, "reset") else None
        return Variant(name, module, parameters, size, delay, lambda block: operators(module, block), reset)
    player = load_player(path)
    count = None
    if path.suffix == ".onnx":
        import onnx as graphs

        nodes = len(graphs.load(path).graph.node)
        count = lambda block: nodes * (block.shape[2] // player.block_samples)  # noqa: E731
    play = lambda block: torch.from_numpy(player.process(block[0].numpy()))[None]  # noqa: E731
    return Variant(name, play, parameters, size, player.delay_samples, count, player.reset)


def save_as_hosts_get_it(network: torch.nn.Module, path: Path) -> Path:
    """Script a network that is folded, or needs no folding, and write it as the export stage does."""
    scripted = scripted_for_nn_tilde(effect_of(network))
    scripted(torch.zeros(1, scripted.channels, 4 * scripted.hop))
    scripted.reset()
    save_scripted(scripted, path)
    return path


def untrained(size: str, params: Params) -> torch.nn.Module:
    """The RAVE network of a size."""
    features = feature_config(params.data.sample_rate, params.features.model_dump())
    cache = {"features": features, "channels": params.data.channels, "statistics": {}}
    preset = getattr(params.sizes, size).rave.model_dump()
    return models.build(models.describe("rave", preset, cache, seed=0)).eval()


def variants_of(size: str, params: Params, names: list[str], peer_python: str | None, folder: Path) -> list[Variant]:
    """The variants of a size."""
    parameters = sum(parameter.numel() for parameter in untrained(size, params).parameters())
    folded = untrained(size, params)
    folded.fold()
    variants = [of_file("fp32", save_as_hosts_get_it(folded, folder / "fp32.ts"), parameters)]
    if "int8" in names:
        quantised = untrained(size, params)
        quantised.fold()
        quantise(quantised)
        variants.append(of_file("int8", save_as_hosts_get_it(quantised, folder / "int8.ts"), parameters))
    if "onnx" in names:
        write_onnx(untrained(size, params), folder, params)
        variants.append(of_file("onnx", folder / "model.onnx", parameters))
    if "conv1d" in names:
        twin = save_as_hosts_get_it(twin_of(untrained(size, params)), folder / "conv1d.ts")
        variants.append(of_file("conv1d", twin, parameters))
    if "peer" in names and peer_python is not None:
        script = Path(__file__).resolve().with_name("peer_export.py")
        told = [peer_python, "-W", "ignore", str(script), str(folder), "--sizes", size]
        subprocess.run([*told, "--rate", str(params.data.sample_rate)], check=True, capture_output=True)
        variants.append(of_file("peer", folder / f"{size}_streaming.ts"))
    if "weights" in names:
        matrix, vector = torch.randn(-(-parameters // COLUMNS), COLUMNS), torch.randn(COLUMNS)
        variants.append(Variant("weights", lambda _: torch.mv(matrix, vector), parameters))
    return variants


def snr_db(signal: Tensor, other: Tensor) -> float:
    """Power of a signal over that of another's difference from it, in dB."""
    error = (signal - other).double().square().sum().clamp(min=1e-30)
    return float(10.0 * torch.log10(signal.double().square().sum() / error))


def check_equal(variants: list[Variant], sound: Tensor, block: int) -> None:
    """Raise where one with the same weights plays something else than the first."""
    same = [variant for variant in variants if variant.name in ("fp32", "onnx", "conv1d")]
    for variant in same:
        variant.reset()
    played = [torch.cat([variant.play(part) for part in sound.split(block, dim=2)], dim=2) for variant in same]
    for variant, other in zip(same[1:], played[1:], strict=True):
        if snr_db(played[0], other) < LEAST_SNR_DB:
            raise SystemExit(f"{variant.name} plays something else: {snr_db(played[0], other):.1f} dB")


def measure(variants: list[Variant], sound: Tensor, block: int, rounds: int) -> None:
    """Play in turn, and note what each block took."""
    blocks = list(sound.split(block, dim=2))
    for variant in variants:
        variant.wall_seconds, variant.cpu_seconds = [], []
        for part in blocks[:WARM_UP_BLOCKS]:
            variant.play(part)
    for number in range(rounds):
        # Every other round backwards, so that each follows either neighbour.
        for variant in variants[:: 1 if number % 2 == 0 else -1]:
            for place in range(BURST_BLOCKS + 1):
                part = blocks[(number * BURST_BLOCKS + place) % len(blocks)]
                wall, cpu = time.perf_counter(), time.process_time()
                variant.play(part)
                took = time.perf_counter() - wall, time.process_time() - cpu
                if place > 0:
                    variant.wall_seconds.append(took[0])
                    variant.cpu_seconds.append(took[1])


def print_rows(title: str, variants: list[Variant], sound: Tensor, block: int, rate: int) -> None:
    """A row of the table for each variant."""
    reference = np.median(variants[0].cpu_seconds)
    for variant in variants:
        wall, cpu = 1000.0 * np.median(variant.wall_seconds), np.median(variant.cpu_seconds)
        count = variant.count_operators(sound[:, :, :block]) if variant.count_operators else None
        weight = variant.file_bytes / variant.parameters if variant.file_bytes and variant.parameters else None
        cells = [
            title, str(block), variant.name, f"{wall:.2f}", f"{1000.0 * cpu:.2f}",
            f"{1000.0 * np.percentile(variant.wall_seconds, 99):.2f}", f"{cpu * rate / block:.3f}",
            f"{cpu / reference:.2f}", _known(count, "d"), _known(variant.delay_samples, "d"), _known(weight, ".2f"),
        ]  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)


def _known(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["default", "small", "low_latency"], choices=SIZES)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS, help="fp32 is always there")
    parser.add_argument("--blocks", type=int, nargs="+", help="samples; by default what the size is meant for")
    parser.add_argument("--peer-python", help="python of the environment with acids-rave")
    parser.add_argument("--model", type=Path, nargs="+", help="exported files of one model")
    parser.add_argument("--rounds", type=int, default=30, help=f"of {BURST_BLOCKS} blocks each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    params = load(Path(__file__).resolve().parent.parent / "params.yaml")
    print(f"{describe_machine()}, {options.rounds} rounds of {BURST_BLOCKS} blocks", end="\n\n")
    print("| model | block | variant | ms | CPU ms | 99 % ms | RTF | ratio | operators | delay | bytes a parameter |")
    print("|---" * 11 + "|")
    for size in [None] if options.model else options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            if size is None:
                variants = [of_file(path.name, path) for path in options.model]
            else:
                variants = variants_of(size, params, options.variants, options.peer_python, Path(folder))
            player = load_player(options.model[0] if size is None else Path(folder) / "fp32.ts")
            for block in options.blocks or BLOCKS.get(size, DEFAULT_BLOCKS):
                if block % player.block_samples != 0:
                    print(f"a block of {block} is not legal, only multiples of {player.block_samples} are")
                    continue
                sound = make_sound(player.sample_rate_hz, SOUND_BLOCKS * block / player.sample_rate_hz)
                sound = sound.expand(-1, player.channels, -1).contiguous()
                with torch.inference_mode():
                    check_equal(variants, sound[:, :, : WARM_UP_BLOCKS * block], block)
                    measure(variants, sound, block, options.rounds)
                    print_rows(size or options.model[0].parent.name, variants, sound, block, player.sample_rate_hz)


if __name__ == "__main__":
    main()
