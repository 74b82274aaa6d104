"""What a model adds that nobody played: a buzz where the input has no pitch, leaps of the pitch where notes begin."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from timbre.evaluation.metrics.tracks import MIN_FRAMES, Tracks, middles_samples

# A frame nearer than this to a voiced one still has the tone in its window.
APART_FRAMES = 2
LEAST_DB = -120.0
EDGE_FRAMES = 8
LEAP_CENTS = 1200.0


def unpitched_frames(tracks: Tracks) -> np.ndarray:
    """Which frames have a sound but no pitch: active, and 2 frames or more from any voiced one. [frames] bool"""
    return tracks.active & ~binary_dilation(tracks.voiced, np.ones(2 * APART_FRAMES - 1))


def can_buzz(tracks: Tracks) -> bool:
    """Whether a sound has enough frames without pitch for `buzz_db`."""
    return unpitched_frames(tracks).sum() >= MIN_FRAMES


def buzz_db(original: np.ndarray, harmonics: np.ndarray, tracks: Tracks, hop: int, window: int) -> float | None:
    """Energy of the model's harmonics where the input has no pitch, against the input's energy there: dB, from -120 up.

    original, harmonics: [samples], the input and what the model makes of it when only its harmonics are let through.
    tracks: of the input, in frames of `hop` samples that describe the middle of their window (samples): a frame stands
    for the hop around it. Tones under a breath or a consonant are heard as a buzz. None for fewer than 8 such frames.
    """
    frames = unpitched_frames(tracks)
    if not can_buzz(tracks):
        return None
    starts = np.round(middles_samples(len(frames), hop, window)[frames] - hop / 2.0).astype(int)
    inside = (starts[:, None] + np.arange(hop)).ravel()
    inside = inside[(inside >= 0) & (inside < len(original))]
    heard, added = (float(np.square(audio[inside], dtype=np.float64).sum()) for audio in (original, harmonics))
    if heard <= 0.0:
        return None
    return float(10.0 * np.log10(max(added / heard, 10.0 ** (LEAST_DB / 10.0))))


def leap_frames(original: Tracks, output: Tracks) -> int | None:
    """Frames of the longest leap at the start or end of a note: 0 where the pitch comes and goes as played.

    A leap is a run of frames of the input's melody, within 8 frames of where a voiced stretch of it starts or ends, in
    which the output is voiced more than an octave off. The octave that the model plays in is taken out first: the
    median distance in pitch over the melody, in whole octaves. None for an unpitched input.
    """
    if not original.pitched:
        return None
    both = original.melody & output.voiced
    if not both.any():
        return 0
    octaves = np.log2(output.f0_hz / original.f0_hz)
    away = np.abs(octaves - np.round(np.median(octaves[both]))) * 1200.0 > LEAP_CENTS
    edges = np.zeros(len(both), dtype=bool)
    for start, end in _runs(original.voiced):
        edges[start : min(start + EDGE_FRAMES, end)] = True
        edges[max(end - EDGE_FRAMES, start) : end] = True
    return max((end - start for start, end in _runs(both & away & edges)), default=0)


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each run of True in a mask [frames]."""
    turns = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(turns[::2], turns[1::2], strict=True))
