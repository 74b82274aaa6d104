"""Loudness, true peak and offset."""

from __future__ import annotations

import numpy as np

from timbre.audio.loudness import MOMENTARY_SECONDS, SHORT_TERM_SECONDS, LoudnessMeter, PeakMeter, decibels
from timbre.audit.meters.meter import Block


class LoudnessOfMix:
    """Loudness of the mono sound."""

    def __init__(self, rate_hz: int) -> None:
        self._meter = LoudnessMeter(rate_hz, 1)

    def add(self, block: Block) -> None:
        self._meter.add(block.mono[:, None])

    def result(self) -> dict:
        one = np.ones(1)
        return {
            "loudness_lufs": self._meter.integrated_lufs(one),
            "loudness_range_lu": self._meter.loudness_range_lu(one),
            "momentary_max_lufs": self._meter.loudest_lufs(MOMENTARY_SECONDS, one),
            "short_term_max_lufs": self._meter.loudest_lufs(SHORT_TERM_SECONDS, one),
        }


class PeakOfAll:
    """True peak of the channels and of the mono sound, and the offset of the latter."""

    def __init__(self, rate_hz: int, channels: int, mixed: bool) -> None:
        self._channels = channels
        self._mixed = mixed
        self._peaks = PeakMeter(rate_hz, channels + mixed)
        self._sum, self._samples = 0.0, 0

    def add(self, block: Block) -> None:
        rows = np.concatenate([block.rows, block.mono[None]]) if self._mixed else block.rows
        self._peaks.add(rows.T)
        self._sum += float(block.mono.sum(dtype=np.float64))
        self._samples += len(block.mono)

    def result(self) -> dict:
        tops = self._peaks.peaks_dbtp()
        own = tops[: self._channels]
        return {
            "true_peak_dbtp": float(own.max()),
            "true_peak_at_seconds": float(self._peaks.seconds()[own.argmax()]),
            "mix_true_peak_dbtp": float(tops[-1] if self._mixed else tops[0]),
            "dc_offset_dbfs": float(decibels(self._sum / self._samples)),
        }
