"""The two pitch trackers against known pitch: demo takes and inputs, hard synthetic tones, noise; and what they cost.

Run `make run` first (or `dvc repro data/demo/dvc.yaml`), or name the demo's folder with --demo.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import mir_eval
import numpy as np
import pandas as pd
import soundfile
import torch
from machine import describe_machine

from timbre.features.extractor import FeatureExtractor
from timbre.features.pitch import track_pitch

RATE, HOP, WINDOW, F0_MIN_HZ, F0_MAX_HZ = 48000, 512, 2048, 60.0, 2000.0
SHAPES = {
    "sine": lambda n: float(n == 1),
    "saw": lambda n: 1.0 / n,
    "odd harmonics": lambda n: (n % 2) / n,
    "strong octave": lambda n: {1: 0.4, 2: 1.0}.get(n, 0.0),
    "weak fundamental": lambda n: 0.02 if n == 1 else float(n <= 8) / n,
}
# Frames this near to a note are of its start or end.
EDGE_FRAMES = 12


def frame_seconds(samples: int) -> np.ndarray:
    """The middle of each frame's window."""
    return ((np.arange(samples // HOP) + 1) * HOP - WINDOW / 2) / RATE


def tone(f0_hz: np.ndarray, shape: str, snr_db: float = np.inf) -> np.ndarray:
    """A tone of partials, with white noise below it. [samples] -> [samples]."""
    phase = np.cumsum(f0_hz) / RATE
    numbers = [n for n in range(1, 41) if n * f0_hz.max() < 0.45 * RATE]
    audio = sum(SHAPES[shape](n) * np.sin(2 * np.pi * n * phase + n) for n in numbers)
    noise = np.random.default_rng(0).standard_normal(len(audio))
    return 0.1 * (audio / audio.std() + noise * 10 ** (-snr_db / 20))


def made_sounds() -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Audio and true pitch of each frame, by kind; pitches 98 to 1200 Hz with vibrato, a second each."""
    at = np.arange(RATE) / RATE
    vibrato = [f0_hz * 2 ** (0.5 / 12 * np.sin(2 * np.pi * 5.5 * at)) for f0_hz in (98, 220, 466, 1200)]
    kinds = {f"vibrato, {shape}": (shape, np.inf) for shape in SHAPES}
    kinds |= {f"vibrato, saw in noise, {snr} dB": ("saw", snr) for snr in (10, 0)}
    sounds = {}
    for kind, (shape, snr_db) in kinds.items():
        middle = np.maximum(0, np.round(frame_seconds(RATE) * RATE)).astype(int)
        sounds[kind] = [(tone(f0_hz, shape, snr_db), f0_hz[middle]) for f0_hz in vibrato]
    noise = 0.2 * np.random.default_rng(1).standard_normal(8 * RATE)
    sounds["white noise"] = [(noise, np.zeros(len(noise) // HOP))]
    return sounds


def demo_sounds(demo: Path) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """The same of the demo's recordings and inputs."""
    takes = [(demo / "raw" / path.relative_to(demo / "truth"), path) for path in (demo / "truth").rglob("take*.csv")]
    groups = {"demo takes": sorted(takes)}
    for name in ("flute", "voice", "glide"):
        groups[f"demo {name}"] = [(demo / "inputs" / name, demo / "inputs_truth" / f"{name}.csv")]
    sounds = {}
    for group, files in groups.items():
        sounds[group] = []
        for sound, truth in files:
            audio = soundfile.read(sound.with_suffix(".flac"))[0]
            table = pd.read_csv(truth)
            # The truth is 0 where nothing sounds, so the nearest of its points is taken, 5 ms away at most.
            nearest = np.round(frame_seconds(len(audio)) / table["time_seconds"][1]).astype(int)
            sounds[group].append((audio, table["f0_hz"].to_numpy()[np.clip(nearest, 0, len(table) - 1)]))
    sounds["demo drums"] = [(audio := soundfile.read(demo / "inputs" / "drums.flac")[0], np.zeros(len(audio) // HOP))]
    return sounds


def judge(extractor: FeatureExtractor, sounds: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Figures over all frames of some sounds."""
    found, shown, voiced, truth, near = [], [], [], [], []
    for audio, true_hz in sounds:
        x = torch.tensor(audio, dtype=torch.float32)[None]
        with torch.no_grad():
            features = extractor(x)
            shown_hz, _ = extractor.measure(x[:, : len(true_hz) * HOP], extractor.initial_state(1)[0])[:2]
        found.append(features[0][0].double().numpy())
        voiced.append(features[1][0].numpy() > 0.5)
        shown.append(shown_hz[0].double().numpy())
        truth.append(true_hz)
        near.append(true_hz if not true_hz.any() else nearby(true_hz))
    found, shown, voiced, truth, near = (np.concatenate(parts) for parts in (found, shown, voiced, truth, near))
    figures = {"unvoiced taken for voiced %": 100 * np.mean(voiced[near == 0]) if (near == 0).any() else np.nan}
    if not truth.any():
        return figures
    seconds = np.arange(len(truth)) * HOP / RATE
    gated = mir_eval.melody.evaluate(seconds, truth, seconds, np.where(voiced, found, 0.0))
    bare = mir_eval.melody.evaluate(seconds, truth, seconds, shown)
    cents = 1200 * np.log2(found / np.maximum(near, 1.0))
    asked = voiced & (near > 0)
    off = asked & (np.abs(cents) > 600)
    lengths = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], off, [0]]).astype(int))))[::2]
    return figures | {
        "pitch right %": 100 * gated["Raw Pitch Accuracy"],
        "ungated %": 100 * bare["Raw Pitch Accuracy"],
        "recall %": 100 * gated["Voicing Recall"],
        "median cents": float(np.median(np.abs(cents[voiced & (truth > 0)])))
        if (voiced & (truth > 0)).any()
        else np.nan,
        "frames an octave off": int(off.sum()),
        "of them in runs over 2": int(lengths[lengths > 2].sum()),
    }


def nearby(truth: np.ndarray) -> np.ndarray:
    """The truth with each note's first and last pitch continued for some frames, where its start and end ring."""
    sounding = np.flatnonzero(truth)
    frames = np.arange(len(truth))
    after = np.searchsorted(sounding, frames).clip(1, len(sounding) - 1)
    left, right = sounding[after - 1], sounding[after]
    nearest = np.where(np.abs(frames - left) <= np.abs(right - frames), left, right)
    return np.where(np.abs(frames - nearest) < EDGE_FRAMES, truth[nearest], 0.0)


def frame_microseconds(method: str) -> float:
    """CPU time of one frame, scripted, one thread: the median of 20 rounds."""
    frame = torch.tensor(tone(np.full(WINDOW, 220.0), "saw"), dtype=torch.float32)[None, None]
    scripted, took = torch.jit.script(track_pitch), []
    for _ in range(21):
        begun = time.process_time()
        for _ in range(100):
            scripted(frame, float(RATE), F0_MIN_HZ, F0_MAX_HZ, method)
        took.append((time.process_time() - begun) / 100)
    return 1e6 * float(np.median(took[1:]))


def main() -> None:
    """Print a table, a row for each kind of sound and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("data/demo"), help="folder (default: %(default)s)")
    options = parser.parse_args()
    if not (options.demo / "inputs").exists():
        sys.exit(f"{options.demo / 'inputs'} is missing. Run `make run` first, or name another folder with --demo.")
    torch.set_num_threads(1)
    rows = []
    for kind, sounds in (made_sounds() | demo_sounds(options.demo)).items():
        for method in ("yin", "mpm"):
            extractor = FeatureExtractor(RATE, HOP, WINDOW, F0_MIN_HZ, F0_MAX_HZ, 0.8, 0.6, method)
            rows.append({"sound": kind, "method": method} | judge(extractor, sounds))
    print(describe_machine())
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.2f}", na_rep=""))
    print(
        "\nPitch right: raw pitch accuracy of mir_eval within 50 cents, unvoiced frames being wrong; ungated: whatever"
    )
    print(
        "the clarity. An octave off: over 600 cents in frames that the extractor gives as voiced, note edges included."
    )
    for method in ("yin", "mpm"):
        print(f"{method}: {frame_microseconds(method):.0f} microseconds a frame of {WINDOW} samples, scripted")


if __name__ == "__main__":
    main()
