"""What a second pitch tracker makes of the recordings: a file on which the two disagree is worth listening to."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import soundfile

from timbre.errors import UserError

APART_CENTS = 50.0
# Percent of the frames voiced in both that lie apart, over which a file is doubtful.
DOUBTFUL_PERCENT = 10.0
# Fewer frames voiced in both say nothing.
LEAST_FRAMES = 8
# Heard before and after a piece: more than the network looks back and ahead (0.18 s).
CONTEXT_SECONDS = 0.5


def require(cross_check: str) -> None:
    """Raise a UserError where the package that does the cross-check is not installed."""
    if cross_check == "swift_f0" and importlib.util.find_spec("swift_f0") is None:
        raise UserError(
            "slice.cross_check: swift_f0 needs the package swift-f0, which is not installed. "
            "Run `pip install -e .[pitch]`, or write `cross_check: none`."
        )


def second_f0(source: Path, entry: dict, config: dict, first_frame: int, frames: int) -> np.ndarray:
    """Pitch in Hz by the second tracker at the times of an entry's frames, [frames]; 0 where it hears none.

    entry: as in the manifest; config: of the features. A frame's time is that of its window's middle.
    """
    rate, hop = config["sample_rate"], config["hop_samples"]
    frames = min(frames, entry["frames"] - first_frame)
    middles = (np.arange(first_frame, first_frame + frames) + 1) * hop - config["window_samples"] // 2
    context = round(CONTEXT_SECONDS * rate)
    begin, end = (int(np.clip(at, 0, entry["samples"])) for at in (middles[0] - context, middles[-1] + context))
    with soundfile.SoundFile(source / entry["file"]) as file:
        file.seek(entry["start_samples"] + begin)
        audio = file.read(end - begin, dtype="float32", always_2d=True).mean(axis=1)
    if len(audio) == 0:
        return np.zeros(frames)
    seconds, f0_hz = swift_f0(audio, rate)
    f0_hz = np.where((f0_hz >= config["f0_min_hz"]) & (f0_hz <= config["f0_max_hz"]), f0_hz, 0.0)
    return at_times((middles - begin) / rate, seconds, f0_hz)


def swift_f0(audio: np.ndarray, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """Times in seconds and pitch in Hz (0: none) every 16 ms (Nieradzik 2025, SwiftF0). audio: [samples] float32."""
    from swift_f0 import SwiftF0

    # One thread: files go in parallel, and sums fall the same way everywhere.
    found = SwiftF0(threads=1, spin=False).detect(audio, rate_hz)
    return found.timestamps, np.where(found.confidence >= 0.5, found.pitch_hz, 0.0)


def at_times(wanted: np.ndarray, seconds: np.ndarray, f0_hz: np.ndarray) -> np.ndarray:
    """A track read at other times: on a straight line of log f0 between two voiced points, 0 elsewhere."""
    voiced = f0_hz > 0.0
    if len(f0_hz) < 2:
        return np.zeros(len(wanted))
    left = np.clip(np.searchsorted(seconds, wanted, side="right") - 1, 0, len(seconds) - 2)
    inside = (wanted >= seconds[0]) & (wanted <= seconds[-1])
    log_hz = np.log2(np.where(voiced, f0_hz, 1.0))
    return np.where(inside & voiced[left] & voiced[left + 1], 2.0 ** np.interp(wanted, seconds, log_hz), 0.0)


class Agreement:
    """How far apart two trackers are on each file."""

    def __init__(self) -> None:
        self._counts: dict[int, np.ndarray] = {}

    def add(self, file: int, f0_hz: np.ndarray, voiced: np.ndarray, second_hz: np.ndarray) -> None:
        """Count frames of a file (by its place in the manifest); all [frames], second_hz 0 where it is unvoiced."""
        both = (voiced > 0.5) & (second_hz > 0.0)
        cents = 1200.0 * np.abs(np.log2(f0_hz[both] / second_hz[both]))
        counts = np.array([both.sum(), (cents > APART_CENTS).sum()])
        self._counts[file] = self._counts.get(file, np.zeros(2, dtype=np.int64)) + counts

    def apart_percent(self, file: int) -> float | None:
        """Percent of the frames voiced in both that lie more than 50 cents apart; None where they are too few."""
        both, apart = self._counts[file]
        return round(100.0 * float(apart) / float(both), 2) if both >= LEAST_FRAMES else None


def doubtful(files: list[dict]) -> list[str]:
    """Names of the files, worst first, of which any part has too many frames apart; files: of the manifest."""
    worst: dict[str, float] = {}
    for entry in files:
        worst[entry["file"]] = max(worst.get(entry["file"], 0.0), entry["f0_apart_percent"] or 0.0)
    return sorted((name for name in worst if worst[name] > DOUBTFUL_PERCENT), key=lambda name: (-worst[name], name))
