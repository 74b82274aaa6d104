"""A sound file as a model wants to hear it: at its rate, in its channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from timbre.audio.channels import to_channels
from timbre.audio.io import read, read_part
from timbre.audio.resample import resample


def read_sound(path: Path, rate_hz: int, channels: int, part_samples: tuple[int, int] | None = None) -> np.ndarray:
    """A sound at a rate in Hz, in 1 or 2 channels: [channels, samples] float32.

    One channel is the mean of the file's; two are its first two, or its only one twice. part_samples: start and length
    of the part that is wanted, at the file's own rate.
    Raises: UnreadableError as `read` does.
    """
    samples, from_hz = read(path) if part_samples is None else read_part(path, *part_samples)
    plan = "stereo" if channels == 2 and samples.shape[1] > 1 else "mean"
    return np.ascontiguousarray(resample(to_channels(samples, plan, channels), from_hz, rate_hz).T, dtype=np.float32)
