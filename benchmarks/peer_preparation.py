"""What comes before training, beside acids-rave's: the same recordings through both in turn, and what each does of it.

    python benchmarks/peer_preparation.py --peer PEER --hours 0.25 --rounds 3

PEER is a virtual environment of its own with acids-rave 2.3.1, whose `rave preprocess` needs ffmpeg. It decodes the
recordings, converts them, cuts them and stores 16-bit samples; audit, normalize and slice do that too, and measure,
level and describe every frame. So a third row adds to the peer's what comes nearest with the packages that it installs:
per file, one process a core, the true peak (soxr, 4 times oversampled), pitch (`librosa.yin`, the same algorithm and
frames as slice's) and A-weighted loudness of every frame (librosa), and a levelled 24-bit FLAC file. That is less than
the stages do: no loudness after BS.1770, no faults, no copies, no warnings.

What each takes to start is measured on five files of a second, and subtracted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS = ("rave preprocess", "rave preprocess and librosa", "audit, normalize, slice")
RATE_HZ = 48000
WINDOW, HOP = 2048, 512


def describe(paths: tuple[Path, Path, Path]) -> None:
    """One recording as the usual packages describe it: raw, where its FLAC goes, where its features go."""
    import librosa
    import numpy as np
    import soundfile
    import soxr

    raw, level, features = paths
    audio, rate_hz = soundfile.read(raw, dtype="float32")
    audio = soxr.resample(audio, rate_hz, RATE_HZ)
    peak = np.abs(soxr.resample(audio, RATE_HZ, 4 * RATE_HZ, "HQ")).max()
    soundfile.write(level, audio * min(1.0, 0.89 / max(peak, 1e-6)), RATE_HZ, "PCM_24")
    f0_hz = librosa.yin(audio, fmin=60.0, fmax=2000.0, sr=RATE_HZ, frame_length=WINDOW, hop_length=HOP)
    power = np.abs(librosa.stft(audio, n_fft=WINDOW, hop_length=HOP)) ** 2
    weights = 10.0 ** (librosa.A_weighting(librosa.fft_frequencies(sr=RATE_HZ, n_fft=WINDOW)) / 10.0)
    np.save(features, np.stack([f0_hz, 10.0 * np.log10(weights @ power + 1e-10)]))


def describe_all(raw: Path, out: Path) -> None:
    """`describe` every recording below a folder, in a process on each core."""
    out.mkdir()
    work = [(path, out / f"{path.stem}.flac", out / f"{path.stem}.npy") for path in sorted(raw.rglob("*.flac"))]
    with multiprocessing.Pool() as pool:
        for _ in pool.imap_unordered(describe, work):
            pass


def main() -> None:
    """Print what each took in each round, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="virtual environment with acids-rave")
    parser.add_argument("--hours", type=float, default=0.25, help="length of the corpus (default: %(default)s)")
    parser.add_argument("--file-seconds", type=float, default=120.0, help="length of a file (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    options = parser.parse_args()
    from bench_preparation import STAGES, Cost, make_corpus, make_workspace, measure, stage_command
    from machine import describe_machine

    if shutil.which("ffmpeg") is None:
        sys.exit("error: rave preprocess needs ffmpeg: apt install ffmpeg")
    peer = options.peer.absolute() / "bin"
    version = subprocess.run([peer / "pip", "show", "acids-rave"], capture_output=True, text=True).stdout.splitlines()[
        1
    ]
    print(f"{describe_machine()}; acids-rave {version}; {options.hours:g} h in files of {options.file_seconds:g} s")

    def once(folder: Path, row: int) -> tuple[float, float]:
        """Seconds by the clock and of all cores."""
        for name in ("peer", "described", "reports", "data"):
            shutil.rmtree(folder / name, ignore_errors=True)
        rave = [str(peer / "rave"), "preprocess", "--input_path", "raw", "--output_path", "peer/data"]
        rave += ["--channels", "1", "--sampling_rate", str(RATE_HZ)]
        commands = {
            0: [rave],
            1: [rave, [str(peer / "python"), str(Path(__file__).absolute()), "--describe", "raw", "described"]],
            2: [stage_command(stage) for stage in STAGES],
        }[row]
        costs: list[Cost] = [measure(command, folder, dict(os.environ)) for command in commands]
        return sum(cost.wall_seconds for cost in costs), sum(cost.cpu_seconds for cost in costs)

    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        tiny, whole = Path(scratch) / "tiny", Path(scratch) / "whole"
        make_corpus(tiny / "raw", 5.0, 1.0)
        make_corpus(whole / "raw", 3600 * options.hours, options.file_seconds)
        start = []
        for folder in (tiny, whole):
            make_workspace(folder)
        for row in range(len(ROWS)):
            start.append(once(tiny, row))
            print(f"start-up {start[row][0]:6.1f} s, CPU {start[row][1]:5.1f} s  {ROWS[row]}", flush=True)
        taken: list[list[tuple[float, float]]] = [[] for _ in ROWS]
        for _ in range(options.rounds):
            for row in range(len(ROWS)):
                wall, cpu = once(whole, row)
                taken[row].append((wall - start[row][0], cpu - start[row][1]))
                print(f"{taken[row][-1][0]:15.1f} s, CPU {taken[row][-1][1]:5.1f} s  {ROWS[row]}", flush=True)
    print("\nmedians after start-up: s by the clock, CPU s an hour, times real time")
    for row, name in enumerate(ROWS):
        wall, cpu = (statistics.median(one[part] for one in taken[row]) for part in (0, 1))
        print(f"{wall:8.1f}  {cpu / options.hours:7.1f}  {3600 * options.hours / wall:6.0f}  {name}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--describe"]:
        describe_all(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
