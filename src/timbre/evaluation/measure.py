"""All figures of one item, and their means over the items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.metrics.artefacts import leap_frames
from timbre.evaluation.metrics.harmonics import harmonics_l1_db
from timbre.evaluation.metrics.ltas import band_powers, ltas_db
from timbre.evaluation.metrics.onsets import onset_f, onsets_seconds
from timbre.evaluation.metrics.spectra import lsd_db_noise_floor, mss, mss_noise_floor, pieces, spectral_distances
from timbre.evaluation.metrics.tracks import (
    Tracks,
    f0_median_cents,
    f0_rca,
    f0_within_cents,
    loudness_l1_db,
    loudness_r,
    tracks_of,
)
from timbre.features.extractor import FeatureExtractor

Figures = dict[str, float | None]
DECIMALS = 6
# What the figures of a transfer are read against: itself, then the input unchanged and the controls left neutral.
ANCHORS = ("", "_identity", "_unadapted")


@dataclass(frozen=True)
class Heard:
    """A sound as it is measured, the mean of its channels [samples], with its tracks and onsets, taken of it once."""

    audio: np.ndarray
    tracks: Tracks
    onsets_seconds: np.ndarray


def hear(audio: np.ndarray, extractor: FeatureExtractor) -> Heard:
    """Take the mean of audio [channels, samples], its tracks and its onsets."""
    mean = audio.mean(axis=0)
    return Heard(mean, tracks_of(mean, extractor), onsets_seconds(mean, int(extractor.sample_rate)))


def reconstruction_figures(
    reference: Heard, output: Heard, untrained: Heard | None, extractor: FeatureExtractor, tolerance_cents: float
) -> Figures:
    """Figures of a held-out recording against what the model made of it, each with its `_untrained` anchor.

    extractor: of the tracks.
    `mss_silence` is what digital silence in place of the output would come to.
    `mss_excess_ratio` is (mss - floor) / (untrained mss - floor): 1 before training, 0 where only noise differs.
    """

    rate_hz = int(extractor.sample_rate)

    def against(rendered: Heard) -> Figures:
        return {
            "mss": mss(reference.audio, rendered.audio, rate_hz),
            **spectral_distances(reference.audio, rendered.audio, rate_hz),
            within_key(tolerance_cents): f0_within_cents(reference.tracks, rendered.tracks, tolerance_cents),
            "f0_median_cents": f0_median_cents(reference.tracks, rendered.tracks),
            "loudness_l1_db": loudness_l1_db(reference.tracks, rendered.tracks),
            "harmonics_l1_db": harmonics_l1_db(
                reference.audio, rendered.audio, reference.tracks, rate_hz, extractor.hop, extractor.window
            ),
            "onset_f": onset_f(reference.onsets_seconds, rendered.onsets_seconds),
        }

    figures = against(output)
    floor = mss_noise_floor(rate_hz)
    figures["mss_noise_floor"] = floor
    figures["lsd_db_noise_floor"] = lsd_db_noise_floor()
    figures["mss_silence"] = mss(reference.audio, np.zeros_like(reference.audio), rate_hz)
    figures["mss_excess_ratio"] = None
    if untrained is not None:
        before = against(untrained)
        figures |= {f"{key}_untrained": value for key, value in before.items()}
        figures["mss_excess_ratio"] = excess_ratio(figures["mss"], before["mss"], floor)
    return figures


def excess_ratio(trained: float | None, untrained: float | None, floor: float | None) -> float | None:
    """(trained - floor) / (untrained - floor); None where the untrained model is itself no worse than the floor."""
    if trained is None or untrained is None or floor is None or untrained <= floor:
        return None
    return (trained - floor) / (untrained - floor)


def untrained_render(module: nn.Module, audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """What an offline, aligned model makes of audio [channels, samples], in pieces of 10 s; the same shape."""
    output = np.zeros(audio.shape, dtype=np.float32)
    with torch.no_grad():
        for start, end in pieces(audio.shape[1], rate_hz):
            given = module(torch.from_numpy(np.ascontiguousarray(audio[:, start:end]))[None])[0].numpy()
            output[:, start : start + given.shape[1]] = given[:, : end - start]
    return output


def transfer_figures(
    original: Heard,
    output: Heard,
    unadapted: Heard | None,
    rate_hz: int,
    target_powers: np.ndarray | None,
    tolerance_cents: float,
) -> Figures:
    """Figures of a foreign sound against its transfer, each with its `_identity` anchor (output = input).

    unadapted: the transfer with every control neutral, for the anchors `_unadapted`; None where it would be the same.
    target_powers: mean band powers of the held-out set, None where there is none.
    """

    def against(rendered: Heard) -> Figures:
        distance = None if target_powers is None else ltas_db(band_powers(rendered.audio, rate_hz), target_powers)
        return {
            rca_key(tolerance_cents): f0_rca(original.tracks, rendered.tracks, tolerance_cents),
            "loudness_r": loudness_r(original.tracks, rendered.tracks),
            "ltas_db": distance,
            "onset_f": onset_f(original.onsets_seconds, rendered.onsets_seconds),
            "leap_frames": leap_frames(original.tracks, rendered.tracks),
        }

    figures = against(output) | {f"{key}_identity": value for key, value in against(original).items()}
    if unadapted is not None:
        figures |= {f"{key}_unadapted": value for key, value in against(unadapted).items()}
    return figures


def within_key(tolerance_cents: float) -> str:
    """The name of raw pitch accuracy at a tolerance: it says how wide it is, so two settings are never compared."""
    return f"f0_within_{tolerance_cents:g}_cents"


def rca_key(tolerance_cents: float) -> str:
    """The name of raw chroma accuracy at a tolerance in cents."""
    return f"f0_rca{tolerance_cents:g}"


def summary(
    rows: list[dict], model: Figures, ltas_db_target: float | None, rate_hz: int, tolerance_cents: float
) -> dict:
    """The content of metrics.json: plain means over the items to which a measure applies, None where it is none.

    Of `buzz_db` and `leap_frames` the largest.
    rows: dicts with "kind", "name" and figures, one for each item that was rendered.
    """
    within, rca = within_key(tolerance_cents), rca_key(tolerance_cents)
    measures = ["mss", "lsd_db", "mcd_db", "logmel_l1", within, "f0_median_cents", "loudness_l1_db",
                "harmonics_l1_db", "onset_f"]  # fmt: skip
    held_out = [row for row in rows if row["kind"] == RECONSTRUCTION]
    transferred = [row for row in rows if row["kind"] == TRANSFER]
    reconstruction = _means(held_out, [*measures, *(f"{key}_untrained" for key in measures), "mss_silence"])
    floor = mss_noise_floor(rate_hz)
    reconstruction |= {"mss_noise_floor": floor, "lsd_db_noise_floor": lsd_db_noise_floor()}
    # From the means, so that the ratio is that of the figures beside it.
    reconstruction["mss_excess_ratio"] = excess_ratio(reconstruction["mss"], reconstruction["mss_untrained"], floor)
    anchored = [rca, "loudness_r", "ltas_db", "onset_f"]
    transfer: dict = _means(transferred, [f"{key}{anchor}" for anchor in ANCHORS for key in anchored])
    # A fault counts where it is worst: a mean would hide it behind the inputs that do not provoke it.
    for key in ("buzz_db", "leap_frames", "leap_frames_unadapted"):
        transfer[key] = max(_known(transferred, key).values(), default=None)
    transfer["ltas_db_target"] = ltas_db_target
    for key in (rca, "buzz_db", "leap_frames"):
        transfer[f"{key}_by_input"] = _known(transferred, key)
    return rounded({"reconstruction": reconstruction, "transfer": transfer, "model": model})


def rounded(value):
    """Numbers in nested dicts rounded to 6 decimals."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, DECIMALS) if isinstance(value, float) else value


def _means(rows: list[dict], keys: Iterable[str]) -> Figures:
    return {key: float(np.mean(known)) if (known := list(_known(rows, key).values())) else None for key in keys}


def _known(rows: list[dict], key: str) -> dict[str, float]:
    """A figure by the name of the item, of the items to which it applies."""
    return {row["name"]: row[key] for row in rows if row.get(key) is not None}
