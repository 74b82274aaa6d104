"""A held-out recording of the target through the model, measured against itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timbre.audio.io import UnreadableError
from timbre.evaluation.anchors import mel_inversion, untrained_render
from timbre.evaluation.items import Item
from timbre.evaluation.measure import (
    Figures,
    Heard,
    excess_ratio,
    hear,
    mean_figures,
    named,
    of_draws,
    reconstruction_figures,
)
from timbre.evaluation.metrics.kad import Timbre, joined, paired_kad
from timbre.evaluation.metrics.ltas import band_powers, mean_powers
from timbre.evaluation.metrics.spectra import lsd_db_noise_floor, mss_noise_floor
from timbre.evaluation.scratch import Stored
from timbre.evaluation.session import Session, Shown


@dataclass
class Reconstructed:
    """What a held-out recording gave: its row of figures, what a page shows, and what the transfers need of it.

    powers: mean band powers; timbres: of the recording ("input"), each draw of the output, and each anchor.
    """

    item: Item
    row: dict
    shown: Shown
    seconds: float
    powers: np.ndarray
    median_f0_hz: float | None
    timbres: dict[str, Timbre]


def reconstruct(session: Session, item: Item, other: Item) -> Reconstructed:
    """Play a held-out recording with every control neutral, and measure it.

    other: the recording that stands in for the output as the anchor "target"; the item itself, half its length later,
    where there is no other that can be read.
    Raises: UnreadableError, UserError where the model gives samples that are no numbers.
    """
    rate, renderer = session.rate_hz, session.renderer
    original = renderer.read(item)
    another, shift = _another(session, original, item, other)
    draws = [
        renderer.rendered(original, session.model.neutral, draw, heard=draw == 0) for draw in range(renderer.draws)
    ]
    shown = Shown(rate, session.params.evaluate.page_seconds)
    figures: list[tuple[float, Figures]] = []
    powers: list[np.ndarray] = []
    timbres: dict[str, list[Timbre]] = {}
    for start, end in original.stretches(rate):
        reference = session.hear(original, start, end)
        heard = [session.hear(draw, start, end) for draw in draws]
        anchors = _anchors(session, original.part(start, end), start)
        anchors["target"] = session.hear_looped(another, start + shift, end - start)
        part = reconstruction_figures(reference, heard, anchors, session.extractor, session.tolerance)
        figures.append((end - start, part))
        powers.append(band_powers(reference.audio, rate))
        for name, each in {"input": reference, **named(heard, anchors)}.items():
            timbres.setdefault(name, []).append(each.timbre)
        shown.offer(start, {"input": reference, "output": heard[0]})
    lengths = [weight for weight, _ in figures]
    row = {
        "input_file_gain_db": session.write(item, "input", original),
        "output_file_gain_db": session.write(item, "output", draws[0]),
        **shown.levels(),
        **_with_floors(mean_figures(figures), rate),
    }
    return Reconstructed(
        item,
        row,
        shown,
        original.samples / rate,
        mean_powers(powers, lengths),
        shown.sides["input"].tracks.median_f0_hz,
        {name: joined(parts) for name, parts in timbres.items()},
    )


def kad_figures(timbres: dict[str, Timbre], bandwidth: float | None) -> Figures:
    """The kernel distance of a reconstruction and of its anchors. bandwidth: of the whole held-out set."""
    others = {name: timbre for name, timbre in timbres.items() if name != "input"}
    return of_draws("kad_mfcc", {name: paired_kad(timbres["input"], each, bandwidth) for name, each in others.items()})


def _another(session: Session, original: Stored, item: Item, other: Item) -> tuple[Stored, int]:
    """What stands in as another take, and from which of its samples on."""
    if other != item:
        try:
            return session.renderer.read(other), 0
        except UnreadableError:  # told when its own turn comes
            pass
    return original, original.samples // 2


def _anchors(session: Session, audio: np.ndarray, start: int) -> dict[str, Heard]:
    """What stands in place of the output for a stretch [channels, samples]."""
    rate, extractor = session.rate_hz, session.extractor
    sounds = {"silence": np.zeros_like(audio), "mel_inversion": mel_inversion(audio.mean(axis=0), rate)[None]}
    if session.untrained is not None:
        sounds["untrained"] = untrained_render(session.untrained, audio, rate)
    return {name: hear(sound, extractor, begins=start == 0) for name, sound in sounds.items()}


def _with_floors(figures: Figures, rate_hz: int) -> Figures:
    floor = mss_noise_floor(rate_hz)
    figures |= {"mss_noise_floor": floor, "lsd_db_noise_floor": lsd_db_noise_floor()}
    return figures | {"mss_excess_ratio": excess_ratio(figures["mss"], figures.get("mss_untrained"), floor)}
