"""How the channels of a recording belong together, and which of them stand for it in mono."""

from __future__ import annotations

import numpy as np

from timbre.audio.loudness import decibels
from timbre.audit.meters.meter import Block

# A channel that never comes up to this, or lies that far under the loudest one, carries nothing but noise.
SILENT_DBFS = -60.0
SILENT_BELOW_DB = 40.0
FAINTEST_POWER = 1e-12


class ChannelMeter:
    """What the channels of a file with several have to do with each other; a pass of its own, before all others."""

    def __init__(self, channels: int) -> None:
        self._channels, self._samples = channels, 0
        self._sums, self._products = np.zeros(channels), np.zeros((channels, channels))
        self._loudest = np.zeros(channels)

    def add(self, rows: np.ndarray) -> None:
        """Take the next samples [channels, samples]."""
        wide = rows.astype(np.float64)
        self._samples += rows.shape[1]
        self._sums += wide.sum(axis=1)
        self._products += wide @ wide.T
        self._loudest = np.maximum(self._loudest, np.maximum(rows.max(axis=1), -rows.min(axis=1)))

    def plan(self, inverted_correlation: float) -> str:
        """What stands for the file in mono: `mono`, `left` under that correlation of two channels, else `mean`."""
        if self._channels == 1:
            return "mono"
        return "left" if self._correlation() < inverted_correlation else "mean"

    def result(self) -> dict:
        """What the channels say of each other.

        silent_channels: how many carry nothing. channel_correlation: see `_correlation`. channel_difference_db: power
        of the loudest channel over that of the faintest, no less than -120 dBFS. mono_loss_db: of two channels, mean
        power of them over that of their mean: 0 where both are the same, 3 where they are unrelated or one is dead, no
        end where they cancel each other, but the mix is taken as no less than -120 dBFS.
        """
        if self._channels == 1:
            missing = float("nan")
            return {
                "silent_channels": 0, "channel_correlation": missing, "channel_difference_db": missing,
                "mono_loss_db": missing,
            }  # fmt: skip
        covariance = self._covariance()
        powers = np.maximum(np.diag(covariance), FAINTEST_POWER)
        silent = decibels(self._loudest) < SILENT_DBFS
        silent |= powers < powers.max() * 10.0 ** (-SILENT_BELOW_DB / 10.0)
        both, mix = powers.mean(), max(covariance.mean(), FAINTEST_POWER)
        loss = max(0.0, 10.0 * np.log10(both / mix)) if self._channels == 2 else float("nan")
        return {
            "silent_channels": int(silent.sum()),
            "channel_correlation": self._correlation(),
            "channel_difference_db": float(10.0 * np.log10(powers.max() / powers.min())),
            "mono_loss_db": float(loss),
        }

    def _covariance(self) -> np.ndarray:
        means = self._sums / self._samples
        return self._products / self._samples - np.outer(means, means)

    def _correlation(self) -> float:
        """Pearson's correlation of two channels; NaN for any other number, and where one of them is constant."""
        if self._channels != 2:
            return float("nan")
        covariance = self._covariance()
        spread = np.sqrt(np.maximum(np.diag(covariance), 0.0)).prod()
        return float(np.clip(covariance[0, 1] / spread, -1.0, 1.0)) if spread > 1e-12 else float("nan")


def mono_of(rows: np.ndarray, plan: str) -> np.ndarray:
    """The mono sound [samples] of rows [channels, samples]; see `timbre.audio.channels.to_mono`."""
    return rows.mean(axis=0) if plan == "mean" else rows[0]


def block_of(samples: np.ndarray, plan: str) -> Block:
    """What meters are fed with, from decoded samples [samples, channels]."""
    rows = np.ascontiguousarray(samples.T)
    return Block(rows, mono_of(rows, plan))
