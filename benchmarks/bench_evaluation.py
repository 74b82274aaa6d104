"""What an evaluation costs besides playing the model: on the project's own export, with test inputs made up.

    python benchmarks/bench_evaluation.py [--minutes 10] [--inputs 20]

Needs what `dvc repro` left: models/export, models/train, data/normalized, data/cache/manifest.json. The inputs are as
many sounds of equal length, together so many minutes, beside the held-out recordings there are. The seconds spent
within the model are counted and taken off, whatever it is played for. Everything is written to a temporary folder.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import soundfile
from bench_preparation import RATE_HZ, make_sound
from machine import describe_machine

from timbre.evaluation.evaluate import run
from timbre.evaluation.items import held_out_items, seconds_of
from timbre.models import untrained
from timbre.params import load
from timbre.playing.torchscript import TorchScriptPlayer


def main() -> None:
    """Print one evaluation's seconds, in and beside the model, and the page's size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of test inputs (default: %(default)s)")
    parser.add_argument("--inputs", type=int, default=20, help="how many there are (default: %(default)s)")
    options = parser.parse_args()
    params = load()
    manifest, normalized = Path("data/cache/manifest.json"), Path("data/normalized")
    held_out = sum(seconds_of(item) for item in held_out_items(manifest, normalized))
    within = 0.0
    played = TorchScriptPlayer._play

    def counted(player: TorchScriptPlayer, block: object) -> object:
        nonlocal within
        begun = time.perf_counter()
        try:
            return played(player, block)
        finally:
            within += time.perf_counter() - begun

    TorchScriptPlayer._play = counted
    print(describe_machine())
    with tempfile.TemporaryDirectory() as scratch:
        inputs = Path(scratch) / "inputs"
        inputs.mkdir()
        for number in range(options.inputs):
            sound = make_sound(number, 60.0 * options.minutes / options.inputs)
            soundfile.write(inputs / f"{number:03}.flac", sound, RATE_HZ, "PCM_16")
        params = params.model_copy(update={"data": params.data.model_copy(update={"test_inputs": str(inputs)})})
        reports = Path(scratch) / "evaluation"
        begun, cpu = time.perf_counter(), time.process_time()
        run(params, Path("models/export"), manifest, normalized, reports, untrained(Path("models/train")))
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        page_bytes = (reports / "index.html").stat().st_size
    sound_seconds = 60.0 * options.minutes + held_out
    print(
        f"{options.inputs} inputs of {60.0 * options.minutes / options.inputs:.0f} s and {held_out:.0f} s held out: "
        f"{sound_seconds:.0f} s of sound\n"
        f"by the clock {wall:.0f} s (CPU {cpu:.0f} s), of which in the model {within:.0f} s\n"
        f"besides the model {(wall - within) / sound_seconds:.2f} x real time; page {page_bytes / 1e6:.2f} MB"
    )


if __name__ == "__main__":
    main()
