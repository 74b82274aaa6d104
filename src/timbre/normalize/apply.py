"""Measuring and writing the recordings with their gains, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from timbre.audio.channels import to_channels
from timbre.audio.io import Header, UnreadableError, blocks, header, write_flac_blocks
from timbre.audio.loudness import LoudnessMeter, PeakMeter
from timbre.audio.resample import resample_blocks
from timbre.errors import UserError
from timbre.normalize.limiter import Limiter
from timbre.normalize.plan import Item, limiter_of
from timbre.normalize.trim import PauseFinder, cut
from timbre.params import Normalize

# What is kept of a recording that is heard twice: 64 MiB of samples, six minutes of mono at 48 kHz.
KEPT_VALUES = 1 << 24

# The audit's table has four decimals.
LENGTH_TOLERANCE_SECONDS = 1e-4


@dataclass(frozen=True)
class Written:
    """What one written file measures, after gain: loudness over all channels, the highest of their true peaks.

    limited: where it was limited, as `Limiter.spans` tells it. unlimited_dbtp: its true peak before that, where it lay
    over the ceiling.
    """

    duration_seconds: float
    loudness_lufs: float
    true_peak_dbtp: float
    clipped_samples: int
    limited: tuple[tuple[float, float, float], ...] = ()
    unlimited_dbtp: float = float("-inf")


def survey(raw: Path, item: Item, channels: int, settings: Normalize) -> Item:
    """A recording as it will be written, where the audit has not heard it so: in stereo, or without its pauses.

    Stereo takes the first two of its channels, or its one channel in both; loudness (BS.1770-4, over both channels) and
    true peak (the higher of theirs) are measured anew, since the audit's are those of the mono sound. Of sides that
    cancel each other the left one goes into both, as in mono. What pauses are is decided before any gain.
    Raises: UserError as `write_item` does, and where the two channels hold no sound.
    """
    source = raw / item.source
    plan = "stereo" if channels == 2 and item.channel_plan == "mean" else item.channel_plan
    item = replace(item, channel_plan=plan)
    with _told(source):
        head = header(source)
        stream = (to_channels(block, plan, channels) for block in blocks(source))
        meters = _Meters(head.sample_rate_hz, channels) if channels == 2 else None
        pauses = PauseFinder(head.sample_rate_hz, channels) if settings.trim_silence else None
        for block in stream if meters is None else meters.through(stream):
            if pauses is not None:
                pauses.add(block)
    if meters is not None:
        found = meters.result()
        if not np.isfinite(found.loudness_lufs):
            raise UserError(
                f"{source}: its first two channels are silent, and stereo takes these. Export it as stereo."
            )
        item = replace(item, loudness_lufs=found.loudness_lufs, true_peak_dbtp=found.true_peak_dbtp)
    if pauses is not None:
        item = replace(item, sound=pauses.sound(settings.trim_padding_seconds))
    return item


def write_item(raw: Path, folder: Path, item: Item, rate_hz: int, channels: int, settings: Normalize) -> Written:
    """Write one recording below `folder`: 1 or 2 channels, DC out, pauses cut, `rate_hz`, one gain, 24-bit FLAC.

    DC out is the mean of each whole channel subtracted: exact, and it leaves every other frequency alone. Where the
    limiter is on, it holds what the gain lifts over the ceiling.
    Raises: UserError where the recording no longer reads as it did in the audit.
    """
    source = raw / item.source
    with _told(source):
        head = header(source)
        heard = _Heard(source, item, channels, head)
        offsets = _means(heard)
        stream = (block - offsets for block in heard)
        if item.sound is not None:
            stream = cut(stream, item.sound)
        meters = _Meters(rate_hz, channels)
        gain = np.float32(10.0 ** (item.gain_db / 20.0))
        stream = (gain * block for block in resample_blocks(stream, head.sample_rate_hz, rate_hz, channels))
        most_db = limiter_of(settings)
        limiter = Limiter(rate_hz, channels, settings.ceiling_dbtp, most_db) if most_db else None
        if limiter is not None:
            stream = limiter.through(stream)
        write_flac_blocks(folder / item.file, meters.through(stream), rate_hz, channels)
    written = meters.result()
    if limiter is not None:
        written = replace(written, limited=tuple(limiter.spans()), unlimited_dbtp=limiter.peak_dbtp)
    return written


@contextmanager
def _told(source: Path) -> Iterator[None]:
    try:
        yield
    except UnreadableError as error:
        raise UserError(f"{source} {error}, but it did not in the audit. Run `dvc repro` again.") from None


class _Heard:
    """The channels of a recording block by block, as often as wanted: decoded once where it is not too long to keep.

    Raises: UnreadableError where it is not as long as the audit found it.
    """

    def __init__(self, source: Path, item: Item, channels: int, head: Header) -> None:
        self._source, self._plan, self._channels = source, item.channel_plan, channels
        self._rate_hz, self._seconds = head.sample_rate_hz, item.duration_seconds
        self._kept: list[np.ndarray] | None = None
        self._keeps = head.samples * channels <= KEPT_VALUES

    def __iter__(self) -> Iterator[np.ndarray]:
        if self._kept is not None:
            yield from self._kept
            return
        kept, samples = [], 0
        for block in blocks(self._source):
            samples += len(block)
            chosen = to_channels(block, self._plan, self._channels)
            if self._keeps:
                kept.append(chosen)
            yield chosen
        seconds = samples / self._rate_hz
        if abs(seconds - self._seconds) > LENGTH_TOLERANCE_SECONDS:
            raise UnreadableError(f"lasts {seconds:.4f} s instead of {self._seconds:.4f} s")
        self._kept = kept if self._keeps else None


def _means(heard: Iterable[np.ndarray]) -> np.ndarray:
    """Mean of each channel of blocks [samples, channels], [channels]."""
    totals, samples = 0.0, 0
    for block in heard:
        rows = np.ascontiguousarray(block.T)
        totals = totals + np.array([float(row.sum(dtype=np.float64)) for row in rows])
        samples += len(block)
    return (totals / samples).astype(np.float32)


class _Meters:
    """Measures a stream of blocks [samples, channels] while it passes."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz, self._channels = rate_hz, channels
        self._loudness, self._peak = LoudnessMeter(rate_hz, channels), PeakMeter(rate_hz, channels)
        self._samples = self._clipped = 0

    def through(self, stream: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in stream:
            self._loudness.add(block)
            self._peak.add(block)
            self._samples += len(block)
            self._clipped += int((np.abs(block) > 1.0).sum())
            yield block

    def result(self) -> Written:
        return Written(
            duration_seconds=self._samples / self._rate_hz,
            loudness_lufs=self._loudness.integrated_lufs(np.ones(self._channels)),
            true_peak_dbtp=float(self._peak.peaks_dbtp().max()),
            clipped_samples=self._clipped,
        )
