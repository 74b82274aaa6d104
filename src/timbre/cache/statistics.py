"""What the training files' pitch and loudness are like, gathered in histograms so that memory stays flat."""

from __future__ import annotations

import numpy as np

from timbre.features.loudness import FLOOR_DB

LOUDNESS_EDGES_DB = np.arange(FLOOR_DB, 20.05, 0.1)
# What lies under this is a rest, or a tone's last breath, and no part of how loud something is played.
SOUNDING_DB = -60.0
PITCH_EDGES_MIDI = np.arange(0.0, 140.05, 0.1)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Statistics:
    """Quantiles of pitch (voiced frames) and loudness (from -60 dB on), to a tenth of a semitone and dB."""

    def __init__(self) -> None:
        self.frames = self.voiced = 0
        self.loudness = np.zeros(len(LOUDNESS_EDGES_DB) - 1, dtype=np.int64)
        self.pitch = np.zeros(len(PITCH_EDGES_MIDI) - 1, dtype=np.int64)

    def add(self, features: dict[str, np.ndarray]) -> None:
        """Count frames; features: f0_hz, voiced, loudness_db, each [frames]."""
        voiced = features["voiced"] > 0.5
        self.frames += len(voiced)
        self.voiced += int(voiced.sum())
        midi = 12.0 * np.log2(features["f0_hz"][voiced] / 440.0) + 69.0
        self.pitch += np.histogram(midi, PITCH_EDGES_MIDI)[0]
        sounding = features["loudness_db"][features["loudness_db"] >= SOUNDING_DB]
        self.loudness += np.histogram(sounding, LOUDNESS_EDGES_DB)[0]

    def summary(self) -> dict:
        """Share of voiced frames and quantiles (5, 25, 50, 75, 95 %); null where there is nothing to take them of."""
        midi = _quantiles(self.pitch, PITCH_EDGES_MIDI)
        return {
            "voiced_share": round(self.voiced / max(1, self.frames), 4),
            "f0_hz": None if midi is None else [round(440.0 * 2.0 ** ((note - 69.0) / 12.0), 2) for note in midi],
            "loudness_db": _quantiles(self.loudness, LOUDNESS_EDGES_DB),
            "quantiles": list(QUANTILES),
        }


def _quantiles(counts: np.ndarray, edges: np.ndarray) -> list[float] | None:
    total = counts.sum()
    if total == 0:
        return None
    where = np.searchsorted(np.cumsum(counts), np.asarray(QUANTILES) * total)
    return [round(float(0.5 * (edges[index] + edges[index + 1])), 2) for index in np.minimum(where, len(counts) - 1)]
