"""Takes that went wrong in known ways, so that an audit of the corpus has something to find."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from timbre.demo.bowed_string import SAMPLE_RATE_HZ

FAULT_SECONDS = 12.0
CLIPPING_DB = 12.0
DC_OFFSET = 0.05
QUIET_DB = -38.0
LOW_RATE_HZ = 16_000
KEPT_PART = 0.6
LARGEST_SAMPLE = 1 - 2**-23
DUPLICATE_SOURCE = "session_a/take_01.flac"


@dataclass(frozen=True)
class FaultyTake:
    """A file name, what is wrong with it, and audio of shape (samples,) or (samples, channels)."""

    name: str
    fault: str
    detail: str
    audio: np.ndarray
    kept_part: float = 1.0
    """Share of the file's bytes that is kept."""


FAULTS_ON_OWN_TAKES = 7
"""How many takes `damage` needs; the duplicate copies a good one."""


def damage(takes: Iterator[np.ndarray], duplicated: np.ndarray) -> Iterator[FaultyTake]:
    """Turn fresh takes, each of shape (samples,), into faulty ones, and a good one into a duplicate."""
    clipped = np.clip(next(takes) * 10 ** (CLIPPING_DB / 20), -1, LARGEST_SAMPLE)
    yield FaultyTake("clipped.flac", "clipped", f"{CLIPPING_DB:g} dB of gain into full scale", clipped)
    shifted = next(takes) + DC_OFFSET
    yield FaultyTake("dc_offset.flac", "dc_offset", f"{DC_OFFSET:g} of full scale added", shifted)
    both = np.stack([next(takes)] * 2, axis=1)
    yield FaultyTake("dual_mono.wav", "dual_mono", "two identical channels", both)
    opposed = next(takes)[:, None] * [1, -1]
    yield FaultyTake("inverted_phase.flac", "inverted_phase", "right is minus left", opposed)
    yield FaultyTake(
        "upsampled_from_16k.flac",
        "upsampled",
        f"resampled to {LOW_RATE_HZ} Hz and back: nothing above {LOW_RATE_HZ // 2} Hz",
        limit_band(next(takes)),
    )
    quiet = next(takes) * 10 ** (QUIET_DB / 20)
    yield FaultyTake("very_quiet.flac", "very_quiet", f"{QUIET_DB:g} dB of gain", quiet)
    yield FaultyTake(
        "truncated.flac", "truncated", f"file cut after {KEPT_PART:.0%} of its bytes", next(takes), KEPT_PART
    )
    copied_from = f"same samples as {DUPLICATE_SOURCE}"
    yield FaultyTake("duplicate_of_take_01.flac", "duplicate", copied_from, duplicated)


def limit_band(audio: np.ndarray) -> np.ndarray:
    """Return audio, shape (samples,), as it comes back from a trip through a low sample rate."""
    low = soxr.resample(audio, SAMPLE_RATE_HZ, LOW_RATE_HZ, quality="HQ")
    back = soxr.resample(low, LOW_RATE_HZ, SAMPLE_RATE_HZ, quality="HQ")
    return np.pad(back, (0, max(0, len(audio) - len(back))))[: len(audio)]


def write_faulty(path: Path, take: FaultyTake) -> None:
    """Write a faulty take as 24-bit PCM and cut the file where the fault says so."""
    soundfile.write(path, take.audio, SAMPLE_RATE_HZ, subtype="PCM_24")
    if take.kept_part < 1:
        content = path.read_bytes()
        path.write_bytes(content[: int(take.kept_part * len(content))])
