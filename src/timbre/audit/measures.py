"""What is measured on one recording, in one pass over its samples."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from timbre.audio.channels import to_mono
from timbre.audio.io import UnreadableError, as_text, blocks, header, is_held_out
from timbre.audio.loudness import LoudnessMeter, PeakMeter, decibels
from timbre.audit.clipping import ClipCounter
from timbre.audit.pitched import has_pitch

FRAMES_PER_SECOND = 20
SILENCE_DBFS = -60.0
LEAST_SECONDS = 0.005
PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "ULAW": 8, "ALAW": 8, "PCM_16": 16, "ALAC_16": 16}


def measure(path: Path, name: str, inverted_correlation: float) -> dict:
    """Measure one recording; a file that does not decode is a row too, with its reason.

    name: the file's path below the dataset's folder, with forward slashes.
    inverted_correlation: left-right correlation under which the left channel stands for the file instead of the mean.
    Returns: `file`, `readable`, `reason`, `held_out`, and where it is readable what was measured, under the column
    names of `timbre.audio.table`. Loudness, DC, silence, pitch and `mix_true_peak_dbtp` are those of the mono sound
    that `channel_plan` makes; `true_peak_dbtp` is the highest of the file's own channels. The PCM hash is the SHA-256
    of rate, channels and all samples as float32.
    """
    row = {"file": name, "readable": True, "reason": "", "held_out": is_held_out(name)}
    if as_text(name) != name:
        # No table could hold the name that the file system knows it by.
        return row | {"file": as_text(name), "readable": False, "reason": "has a name that is not UTF-8: rename it"}
    try:
        return row | _measure(path, inverted_correlation)
    except UnreadableError as error:
        return row | {"readable": False, "reason": str(error)}


def _measure(path: Path, inverted_correlation: float) -> dict:
    head = header(path)
    rate, channels = head.sample_rate_hz, head.channels
    several = channels > 1
    # Track 0 is the left channel, track 1 the mean: which of them stands for the file is known only at the end.
    loudness = LoudnessMeter(rate, 1 + several)
    frames = [FrameCounter(rate) for _ in range(1 + several)]
    peaks = PeakMeter(rate, channels + several)
    clips = [ClipCounter(2.0 ** (1 - PCM_BITS.get(head.subtype, 24))) for _ in range(channels)]
    digest = hashlib.sha256(f"{rate} {channels}\n".encode())
    samples, sums, products, loudest = 0, np.zeros(channels), np.zeros((channels, channels)), np.zeros(channels)
    for block in blocks(path):
        digest.update(np.ascontiguousarray(block, "<f4").data)
        rows = np.ascontiguousarray(block.T)
        tracks = np.stack([rows[0], to_mono(block, "mean")]) if several else rows
        loudness.add(tracks.T)
        peaks.add(np.concatenate([rows, tracks[1:]]).T)
        for counter, track in zip(frames, tracks, strict=True):
            counter.add(track)
        for counter, row in zip(clips, rows, strict=True):
            counter.add(row)
        samples += len(block)
        sums += rows.sum(axis=1, dtype=np.float64)
        if several:
            wide = rows.astype(np.float64)
            products += wide @ wide.T
        loudest = np.maximum(loudest, np.maximum(rows.max(axis=1), -rows.min(axis=1)))
    if samples < LEAST_SECONDS * rate:
        raise UnreadableError(f"lasts only {1000.0 * samples / rate:.2g} ms")
    correlation = _correlation(sums, products, samples) if channels == 2 else float("nan")
    plan = "mono" if not several else "left" if correlation < inverted_correlation else "mean"
    track = int(plan == "mean")
    runs, clipped = np.sum([counter.result() for counter in clips], axis=0)
    tops = peaks.peaks_dbtp()
    silence_percent, pitched_percent = frames[track].percents()
    return {
        "duration_seconds": samples / rate,
        "sample_rate_hz": rate,
        "channels": channels,
        "subtype": head.subtype,
        "loudness_lufs": loudness.integrated_lufs(np.eye(2)[track][: 1 + several]),
        "loudness_range_lu": loudness.loudness_range_lu(np.eye(2)[track][: 1 + several]),
        "true_peak_dbtp": float(tops[:channels].max()),
        "mix_true_peak_dbtp": float(tops[-1] if plan == "mean" else tops[0]),
        "clipped_runs": int(runs),
        "clipped_percent": 100.0 * int(clipped) / (samples * channels),
        "dc_offset_dbfs": float(decibels((sums.mean() if plan == "mean" else sums[0]) / samples)),
        "silence_percent": silence_percent,
        "pitched_percent": pitched_percent,
        "silent_channels": int(np.sum(decibels(loudest) < SILENCE_DBFS)),
        "channel_correlation": correlation,
        "channel_plan": plan,
        "pcm_sha256": digest.hexdigest(),
    }


class FrameCounter:
    """Shares of 50 ms frames in a stream; a last part frame counts as one.

    Silent is a frame whose RMS lies under -60 dBFS; of the others those with a clear pitch are counted.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame = max(1, round(rate_hz / FRAMES_PER_SECOND))
        self._rest = np.zeros(0, np.float32)
        self._frames, self._silent, self._pitched = 0, 0, 0

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples [samples]."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // self._frame * self._frame
        self._count(samples[:whole].reshape(-1, self._frame))
        self._rest = samples[whole:]

    def percents(self) -> tuple[float, float]:
        """End the stream; percent of silent frames, and of pitched ones among the others (NaN where there are none)."""
        if len(self._rest):
            self._count(self._rest[None])
            self._rest = self._rest[:0]
        active = self._frames - self._silent
        pitched = 100.0 * self._pitched / active if active else float("nan")
        return 100.0 * self._silent / max(1, self._frames), pitched

    def _count(self, frames: np.ndarray) -> None:
        power = np.einsum("fs,fs->f", frames, frames) / max(1, frames.shape[1])
        silent = power < 10.0 ** (SILENCE_DBFS / 10.0)
        self._frames += len(frames)
        self._silent += int(silent.sum())
        self._pitched += int(has_pitch(frames[~silent], self._rate_hz).sum())


def _correlation(sums: np.ndarray, products: np.ndarray, samples: int) -> float:
    """Pearson's correlation of the two channels; NaN where one of them is constant."""
    covariance = products / samples - np.outer(sums, sums) / samples**2
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0)).prod()
    return float(np.clip(covariance[0, 1] / spread, -1.0, 1.0)) if spread > 1e-12 else float("nan")
