"""Excerpts to listen to on a page: where to cut, how loud to play, and how to embed them."""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile

from timbre.audio.loudness import integrated_lufs

LISTEN_LUFS = -20.0
# Peaks stay under it: what would pass is left under -20 LUFS, and its neighbours on the card are turned down to it.
PEAK_LIMIT = 0.98
# Silence is not lifted into a roar of rounding noise.
LARGEST_GAIN_DB = 40.0


def loudest_start(audio: np.ndarray, length: int, rate_hz: int) -> int:
    """Where the loudest `length` samples of audio [samples] start, on a grid of 0.1 s; 0 where it is no longer."""
    if len(audio) <= length:
        return 0
    energy = np.append(0.0, np.cumsum(np.square(audio, dtype=np.float64)))
    starts = np.arange(0, len(audio) - length + 1, max(1, rate_hz // 10))
    # Rounded, so that stretches that are equal but for the last bits give the first of them.
    return int(starts[np.argmax(np.round(energy[starts + length] - energy[starts], 9))])


def listening_gain(audio: np.ndarray, rate_hz: int) -> tuple[float, float]:
    """The factor that brings audio [samples] to -20 LUFS or as near as its peaks allow; how many dB it stays under."""
    return gain_of(integrated_lufs(audio, rate_hz), float(np.abs(audio).max(initial=0.0)))


def gain_of(loudness_lufs: float, peak: float) -> tuple[float, float]:
    """As `listening_gain`, of a sound whose loudness and highest sample are known."""
    if not np.isfinite(loudness_lufs) or peak == 0.0:
        return 1.0, 0.0
    wanted_db = min(LISTEN_LUFS - loudness_lufs, LARGEST_GAIN_DB)
    allowed_db = 20.0 * np.log10(PEAK_LIMIT / peak)
    gain_db = min(wanted_db, allowed_db)
    return 10.0 ** (gain_db / 20.0), round(max(0.0, LISTEN_LUFS - loudness_lufs - gain_db), 2)


def flac_16_base64(samples: np.ndarray, rate_hz: int) -> str:
    """16-bit FLAC of samples [samples] as base64: lossless, and the same bytes every time, unlike Vorbis."""
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, rate_hz, format="FLAC", subtype="PCM_16")
    return base64.b64encode(encoded.getvalue()).decode("ascii")
