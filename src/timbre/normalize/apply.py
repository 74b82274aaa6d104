"""Writing the recordings with their gains, in bounded memory, and measuring what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from timbre.audio.channels import to_mono
from timbre.audio.io import UnreadableError, blocks, header, write_flac_blocks
from timbre.audio.loudness import LoudnessMeter, PeakMeter
from timbre.audio.resample import resample_blocks
from timbre.errors import UserError
from timbre.normalize.plan import Item


@dataclass(frozen=True)
class Written:
    """What one written file measures, after gain."""

    duration_seconds: float
    loudness_lufs: float
    true_peak_dbtp: float
    clipped_samples: int


def write_item(raw: Path, folder: Path, item: Item, rate_hz: int) -> Written:
    """Write one recording below `folder`: one channel, DC out, `rate_hz`, gain, 24-bit FLAC.

    DC out is the mean of the whole sound subtracted: exact, and it leaves every other frequency alone.
    Raises: UserError where the recording no longer reads as it did in the audit.
    """
    source = raw / item.source
    try:
        offset = _mean(source, item.channel_plan)
        from_hz = header(source).sample_rate_hz
        centred = (to_mono(block, item.channel_plan) - offset for block in blocks(source))
        meters = _Meters(rate_hz)
        gain = np.float32(10.0 ** (item.gain_db / 20.0))
        scaled = (gain * block for block in resample_blocks(centred, from_hz, rate_hz))
        write_flac_blocks(folder / item.file, meters.through(scaled), rate_hz, channels=1)
    except UnreadableError as error:
        raise UserError(f"{source} {error}, but it did not in the audit. Run `dvc repro` again.") from None
    return meters.result()


def _mean(path: Path, plan: str) -> np.float32:
    total, samples = 0.0, 0
    for block in blocks(path):
        total += float(to_mono(block, plan).sum(dtype=np.float64))
        samples += len(block)
    return np.float32(total / samples)


class _Meters:
    """Measures a stream of mono blocks while it passes."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._loudness, self._peak = LoudnessMeter(rate_hz, 1), PeakMeter(rate_hz, 1)
        self._samples = self._clipped = 0

    def through(self, stream: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in stream:
            self._loudness.add(block[:, None])
            self._peak.add(block[:, None])
            self._samples += len(block)
            self._clipped += int((np.abs(block) > 1.0).sum())
            yield block

    def result(self) -> Written:
        return Written(
            duration_seconds=self._samples / self._rate_hz,
            loudness_lufs=self._loudness.integrated_lufs(np.ones(1)),
            true_peak_dbtp=float(self._peak.peaks_dbtp()[0]),
            clipped_samples=self._clipped,
        )
