"""Excerpts to listen to and to look at: cut, brought to one loudness, encoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timbre.audio.excerpts import flac_16_base64, listening_gain, loudest_start
from timbre.evaluation.metrics.tracks import Tracks, middles_samples
from timbre.evaluation.plots import mel_db


@dataclass(frozen=True)
class Excerpt:
    """A stretch of one sound, gain applied: its level against -20 LUFS in dB, FLAC, and what a picture needs.

    mel_db: [bands, frames]. f0_hz (NaN where unvoiced), loudness_db (without the gain), frame_seconds (the middles):
    [feature frames].
    """

    seconds: float
    below_target_db: float
    flac_base64: str
    mel_db: np.ndarray
    frame_seconds: np.ndarray
    f0_hz: np.ndarray
    loudness_db: np.ndarray


def cut_of(audio: np.ndarray, rate_hz: int, seconds: float) -> tuple[int, int]:
    """Start and end in samples of the loudest stretch of at most so many seconds of audio [samples]."""
    length = min(len(audio), round(seconds * rate_hz))
    start = loudest_start(audio, length, rate_hz)
    return start, start + length


def gains(below_target_db: list[float]) -> list[float]:
    """Factors that turn sounds, by their levels under -20 LUFS in dB, down to the one that is the least loud."""
    least = max(below_target_db)
    return [round(10.0 ** ((level - least) / 20.0), 5) for level in below_target_db]


def excerpt_of(audio: np.ndarray, tracks: Tracks, cut: tuple[int, int], rate_hz: int, hop: int, window: int) -> Excerpt:
    """Cut audio [samples], bring it to -20 LUFS (lower where its peaks would clip) and encode it.

    hop, window: of the tracks in samples; what a frame holds is drawn at the middle of its window.
    """
    start, end = cut
    stretch = audio[start:end].astype(np.float64)
    gain, below_target_db = listening_gain(stretch, rate_hz)
    middles = middles_samples(len(tracks.f0_hz), hop, window)
    inside = (middles >= start) & (middles < end)
    return Excerpt(
        seconds=len(stretch) / rate_hz,
        below_target_db=below_target_db,
        flac_base64=flac_16_base64(stretch * gain, rate_hz),
        mel_db=mel_db(stretch * gain, rate_hz),
        frame_seconds=(middles[inside] - start) / rate_hz,
        f0_hz=np.where(tracks.voiced, tracks.f0_hz, np.nan)[inside],
        loudness_db=tracks.loudness_db[inside],
    )
