"""A foreign sound through the model, measured against itself and against the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timbre.audio.excerpts import loudest_start
from timbre.evaluation.anchors import untrained_render
from timbre.evaluation.items import Item
from timbre.evaluation.levels import level_dbfs
from timbre.evaluation.measure import Figures, Heard, hear, mean_figures, named, of_draws, transfer_figures
from timbre.evaluation.metrics.artefacts import buzz_db, can_buzz
from timbre.evaluation.metrics.kad import Timbre, bandwidth_of, joined, kad
from timbre.evaluation.metrics.ltas import ltas_db_within, mean_powers
from timbre.evaluation.metrics.variety import outline_db
from timbre.evaluation.reconstruction import Reconstructed
from timbre.evaluation.renders import LONG_BLOCK_SAMPLES
from timbre.evaluation.response import LINEARITY_SECONDS, level_linearity_db
from timbre.evaluation.scratch import Stored
from timbre.evaluation.session import Session, Shown

# The control whose 1 lets only the harmonics through.
BALANCE = "harmonic_noise_balance"
# RMS over which an input counts as a sound.
AUDIBLE_DBFS = -60.0


@dataclass
class Transferred:
    """What a foreign sound gave: its row of figures, what a page shows, and what the model's own figures need.

    nearest: the held-out recording whose pitch lies nearest, None where there is none. outlines: of input and output
    where it is shown, None for a silent input. loudest: its loudest 4 s, [channels, samples].
    """

    item: Item
    row: dict
    shown: Shown
    seconds: float
    nearest: Reconstructed | None
    outlines: tuple[np.ndarray, np.ndarray] | None
    loudest: np.ndarray


class TargetSet:
    """The held-out recordings as what a transfer should sound like."""

    def __init__(self, recordings: list[Reconstructed]) -> None:
        self.recordings = recordings
        powers, seconds = [each.powers for each in recordings], [each.seconds for each in recordings]
        self.powers = mean_powers(powers, seconds) if recordings else None
        timbres = [each.timbres["input"].known for each in recordings]
        self.windows = joined(each.timbres["input"] for each in recordings).known
        self.bandwidth = bandwidth_of(self.windows)
        within = {"ltas_db": ltas_db_within(powers, seconds), "kad_mfcc": self._kad_within(timbres)}
        # How far its own recordings lie from each other, by the keys of the transfers' figures.
        self.within: Figures = {key: value for key, value in within.items() if value is not None}

    def nearest(self, median_f0_hz: float | None) -> Reconstructed | None:
        """The recording whose median pitch in Hz lies nearest; the first where either side has none."""
        pitched = [each for each in self.recordings if each.median_f0_hz is not None]
        if median_f0_hz is None or not pitched:
            return self.recordings[0] if self.recordings else None
        return min(pitched, key=lambda each: abs(np.log2(each.median_f0_hz / median_f0_hz)))

    def _kad_within(self, timbres: list[np.ndarray]) -> float | None:
        """Mean distance of each recording's windows from those of all others; of one recording that of its halves."""
        if len(timbres) == 1:
            half = len(timbres[0]) // 2
            return kad(timbres[0][:half], timbres[0][half:], self.bandwidth)
        distances = []
        for index, windows in enumerate(timbres):
            others = np.concatenate([each for place, each in enumerate(timbres) if place != index])
            distances.append(kad(others, windows, self.bandwidth))
        known = [distance for distance in distances if distance is not None]
        return float(np.mean(known)) if known else None


def transfer(session: Session, item: Item, target: TargetSet) -> Transferred:
    """Play a foreign sound with the controls as they start, and neutral where that is not the same, and measure it.

    Raises: UnreadableError, UserError where the model gives samples that are no numbers.
    """
    rate, renderer, model = session.rate_hz, session.renderer, session.model
    original = renderer.read(item)
    draws = [renderer.rendered(original, {}, draw, heard=draw == 0) for draw in range(renderer.draws)]
    sides = {"output": draws[0]}
    if model.adapts:
        sides["unadapted"] = renderer.rendered(original, model.neutral)
    first = session.hear(original, *original.stretches(rate)[0])
    nearest = target.nearest(first.tracks.median_f0_hz)
    take = None if nearest is None else renderer.read(nearest.item)
    harmonics: Stored | None = None
    shown = Shown(rate, session.params.evaluate.page_seconds)
    figures: list[tuple[float, Figures]] = []
    timbres: dict[str, list[Timbre]] = {}
    for start, end in original.stretches(rate):
        heard = first if start == 0 else session.hear(original, start, end)
        played = [session.hear(draw, start, end) for draw in draws]
        anchors = {"identity": heard}
        if "unadapted" in sides:
            anchors["unadapted"] = session.hear(sides["unadapted"], start, end)
        if session.untrained is not None:
            before = untrained_render(session.untrained, original.part(start, end), rate)
            anchors["untrained"] = hear(before, session.extractor, begins=start == 0)
        compared = anchors | ({} if take is None else {"target": session.hear_looped(take, start, end - start)})
        part = transfer_figures(heard, played, compared, rate, target.powers, session.tolerance)
        part["buzz_db"] = None
        if BALANCE in model.defaults and can_buzz(heard.tracks):
            harmonics = harmonics or renderer.rendered(original, {BALANCE: 1.0}, heard=False)
            part["buzz_db"] = _buzz_db(session, heard, harmonics.part(start, end))
        figures.append((end - start, part))
        for name, each in named(played, anchors).items():
            timbres.setdefault(name, []).append(each.timbre)
        unadapted = {side: anchors[side] for side in ("unadapted",) if side in anchors}
        shown.offer(start, {"input": heard, "output": played[0], **unadapted})
    row = {"input_file_gain_db": session.write(item, "input", original)}
    row |= {f"{side}_file_gain_db": session.write(item, side, sound) for side, sound in sides.items()}
    row |= shown.levels() | mean_figures(figures)
    row |= kad_figures({name: joined(parts) for name, parts in timbres.items()}, target)
    loudest = _loudest(original, shown, rate, LINEARITY_SECONDS)
    row["level_linearity_db"] = level_linearity_db(renderer.player, loudest, LONG_BLOCK_SAMPLES, model.neutral)
    outlines = None
    if level_dbfs(loudest) > AUDIBLE_DBFS:
        outlines = tuple(outline_db(shown.sides[side].audio, rate) for side in ("input", "output"))
    return Transferred(item, row, shown, original.samples / rate, nearest, outlines, loudest)


def kad_figures(timbres: dict[str, Timbre], target: TargetSet) -> Figures:
    """The kernel distance of a transfer's windows, and of its anchors', from those of the target."""
    found = {name: kad(target.windows, timbre.known, target.bandwidth) for name, timbre in timbres.items()}
    return of_draws("kad_mfcc", found)


def _buzz_db(session: Session, heard: Heard, harmonics: np.ndarray) -> float | None:
    return buzz_db(heard.audio, harmonics.mean(axis=0), heard.tracks, session.extractor.hop, session.extractor.window)


def _loudest(sound: Stored, shown: Shown, rate_hz: int, seconds: float) -> np.ndarray:
    """The loudest part, of so many seconds, of the stretch that is shown. [channels, samples]"""
    length = round(seconds * rate_hz)
    start = shown.start + loudest_start(shown.sides["input"].audio, length, rate_hz)
    return sound.part(start, start + length)
