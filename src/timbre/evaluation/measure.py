"""All figures of one stretch of an item, and of the whole item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from timbre.evaluation.metrics.artefacts import leap_frames
from timbre.evaluation.metrics.harmonics import harmonics_l1_db
from timbre.evaluation.metrics.kad import Timbre, timbre_of
from timbre.evaluation.metrics.ltas import band_powers, ltas_db
from timbre.evaluation.metrics.onsets import APART_SECONDS, onset_f, onsets_seconds
from timbre.evaluation.metrics.spectra import mss, spectral_distances
from timbre.evaluation.metrics.tracks import (
    Tracks,
    f0_median_cents,
    f0_rca,
    f0_within_cents,
    loudness_l1_db,
    loudness_r,
    tracks_of,
    voicing_recall,
)
from timbre.features.extractor import FeatureExtractor

Figures = dict[str, float | None]
# Of these a whole item has the most of its stretches, and a whole evaluation the most of its items.
WORST = ("buzz_db", "leap_frames")
DRAW = "draw "


@dataclass(frozen=True)
class Heard:
    """A sound as it is measured, the mean of its channels [samples], with what is taken of it once."""

    audio: np.ndarray
    tracks: Tracks
    onsets_seconds: np.ndarray
    timbre: Timbre


def hear(audio: np.ndarray, extractor: FeatureExtractor, begins: bool = True) -> Heard:
    """Take the mean of audio [channels, samples], its tracks, onsets and timbre.

    begins: whether it is the beginning of its sound; what it starts with is no onset otherwise.
    """
    rate_hz = int(extractor.sample_rate)
    mean = np.ascontiguousarray(audio.mean(axis=0))
    onsets = onsets_seconds(mean, rate_hz)
    onsets = onsets if begins else onsets[onsets >= APART_SECONDS]
    return Heard(mean, tracks_of(mean, extractor), onsets, timbre_of(mean, rate_hz))


def reconstruction_figures(
    reference: Heard, draws: Sequence[Heard], anchors: dict[str, Heard], extractor: FeatureExtractor, tolerance: float
) -> Figures:
    """Figures of a held-out recording against what the model made of it, and against each anchor, `<figure>_<anchor>`.

    draws: of the model, which differ by chance; a figure is their mean. extractor: of the tracks. tolerance: in cents.
    """
    rate_hz = int(extractor.sample_rate)
    sounds = [*draws, *anchors.values()]
    partials = harmonics_l1_db(
        reference.audio,
        np.stack([sound.audio for sound in sounds]),
        reference.tracks,
        rate_hz,
        extractor.hop,
        extractor.window,
    )

    def against(rendered: Heard, harmonics: float | None) -> Figures:
        return {
            "mss": mss(reference.audio, rendered.audio, rate_hz),
            **spectral_distances(reference.audio, rendered.audio, rate_hz),
            within_key(tolerance): f0_within_cents(reference.tracks, rendered.tracks, tolerance),
            rca_key(tolerance): f0_rca(reference.tracks, rendered.tracks, tolerance),
            "f0_median_cents": f0_median_cents(reference.tracks, rendered.tracks),
            "voicing_recall": voicing_recall(reference.tracks, rendered.tracks),
            "loudness_l1_db": loudness_l1_db(reference.tracks, rendered.tracks),
            "harmonics_l1_db": harmonics,
            "onset_f": onset_f(reference.onsets_seconds, rendered.onsets_seconds),
        }

    found = [against(sound, harmonics) for sound, harmonics in zip(sounds, partials, strict=True)]
    figures = mean_figures([(1.0, each) for each in found[: len(draws)]])
    for name, each in zip(anchors, found[len(draws) :], strict=True):
        figures |= suffixed(each, name)
    return figures


def transfer_figures(
    original: Heard,
    draws: Sequence[Heard],
    anchors: dict[str, Heard],
    rate_hz: int,
    target_powers: np.ndarray | None,
    tolerance: float,
) -> Figures:
    """Figures of a foreign sound against its transfer, and against each anchor, `<figure>_<anchor>`.

    draws: as above. target_powers: mean band powers of the held-out set, None where there is none.
    """

    def against(rendered: Heard) -> Figures:
        distance = None if target_powers is None else ltas_db(band_powers(rendered.audio, rate_hz), target_powers)
        return {
            rca_key(tolerance): f0_rca(original.tracks, rendered.tracks, tolerance),
            "loudness_r": loudness_r(original.tracks, rendered.tracks),
            "onset_f": onset_f(original.onsets_seconds, rendered.onsets_seconds),
            "ltas_db": distance,
            "leap_frames": leap_frames(original.tracks, rendered.tracks),
        }

    figures = mean_figures([(1.0, against(each)) for each in draws])
    for name, each in anchors.items():
        figures |= suffixed(against(each), name)
    # A take of the target is read against for its content alone: how far takes lie apart is known of all of them.
    for key in ("ltas_db_target", "leap_frames_target"):
        figures.pop(key, None)
    return figures


def named(draws: Sequence[Any], anchors: dict[str, Any]) -> dict[str, Any]:
    """Draws and anchors under names of their own."""
    return {f"{DRAW}{index}": each for index, each in enumerate(draws)} | anchors


def of_draws(key: str, found: dict[str, float | None]) -> Figures:
    """A figure by the names of `named` as figures of an item: the mean of the draws, and the anchors'."""
    draws = [(1.0, {key: value}) for name, value in found.items() if name.startswith(DRAW)]
    anchors = {f"{key}_{name}": value for name, value in found.items() if not name.startswith(DRAW)}
    return mean_figures(draws) | anchors


def suffixed(figures: Figures, anchor: str) -> Figures:
    """Figures under the names that they have as an anchor's."""
    return {f"{key}_{anchor}": value for key, value in figures.items()}


def mean_figures(weighted: Iterable[tuple[float, Figures]]) -> Figures:
    """Means of figures by name, weighted (of stretches by their seconds) where they are known; of faults the worst."""
    parts = list(weighted)
    means: Figures = {}
    for key in dict.fromkeys(key for _, figures in parts for key in figures):
        known = [(weight, figures[key]) for weight, figures in parts if figures.get(key) is not None]
        if not known:
            means[key] = None
        elif key.startswith(WORST):
            means[key] = max(value for _, value in known)
        else:
            # A mean of equal numbers is that number, whatever the weights round to.
            weights, values = (np.array(column, dtype=np.float64) for column in zip(*known, strict=True))
            means[key] = float(values[0] + np.average(values - values[0], weights=weights))
    return means


def excess_ratio(trained: float | None, untrained: float | None, floor: float | None) -> float | None:
    """(trained - floor) / (untrained - floor) of spectral errors: 1 before training, 0 where only noise differs.

    None where the untrained model is itself no worse than the floor.
    """
    if trained is None or untrained is None or floor is None or untrained <= floor:
        return None
    return (trained - floor) / (untrained - floor)


def within_key(tolerance_cents: float) -> str:
    """The name of raw pitch accuracy at a tolerance: it says how wide it is, so two settings are never compared."""
    return f"f0_within_{tolerance_cents:g}_cents"


def rca_key(tolerance_cents: float) -> str:
    """The name of raw chroma accuracy at a tolerance in cents."""
    return f"f0_rca{tolerance_cents:g}"
