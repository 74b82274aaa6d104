"""The page of a comparison: one HTML file with its sounds, pictures, players and blind test inside."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from pathlib import Path

from timbre.audio.excerpts import LISTEN_LUFS
from timbre.audio.table import counted
from timbre.comparing.differences import (
    BETTER,
    LEVEL,
    WORSE,
    Difference,
    Row,
    figure_rows,
    judged,
    sources,
)
from timbre.comparing.gather import Evaluation
from timbre.comparing.parameters import ABSENT, differing, with_preset
from timbre.comparing.sounds import EXCERPT_SECONDS, Clip, Comparison
from timbre.evaluation.catalogue import MINUS, formatted
from timbre.evaluation.excerpts import gains
from timbre.evaluation.intervals import CONFIDENCE
from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.measure import rca_key, within_key
from timbre.evaluation.page.strips import mel_strip
from timbre.evaluation.plots import BANDS
from timbre.files import write_text
from timbre.pages.templates import environment

TEMPLATES = Path(__file__).parent / "templates"
TITLES = {
    TRANSFER: "Transfer: your inputs through the models",
    RECONSTRUCTION: "Reconstruction: held-out recordings of the target",
}
# Half the width of the picture of differences, and the height that a model takes in it.
HALF_WIDTH, LANE = 100.0, 16.0
MOST_DECIMALS = 4
STRIP_PIXELS = (360, BANDS)


@dataclass(frozen=True)
class Voice:
    """A sound on a row of the page: what its button says, the model it is of (None: no model), and the sound itself."""

    label: str
    model: int | None
    clip: Clip
    sound: str


def write_page(path: Path, evaluations: list[Evaluation], comparisons: list[Comparison], rate_hz: int) -> None:
    """Write the page; the first of the evaluations is what the others are measured against. rate_hz: of the players."""
    same = {(each.kind, each.name) for each in comparisons if all(clip is not None for clip in each.outputs)}
    rows = figure_rows(evaluations, same)
    names = [evaluation.name for evaluation in evaluations]
    target = next((each for each in comparisons if each.kind == RECONSTRUCTION and all(each.outputs)), None)
    sounds: dict[str, str] = {}
    listed = {kind: [_listed(each, evaluations, target, sounds) for each in comparisons if each.kind == kind]
              for kind in TITLES}  # fmt: skip
    html = (
        environment(TEMPLATES)
        .get_template("page.html.j2")
        .render(
            models=[_model(evaluation, index) for index, evaluation in enumerate(evaluations)],
            names=names,
            lines=[_line(rows, index, name, names[0]) for index, name in enumerate(names) if index > 0],
            warnings=_warnings(evaluations, comparisons),
            figures=[(TITLES[kind], [_figure(row) for row in rows if row.entry.section == kind]) for kind in TITLES],
            facts=_facts(rows, evaluations),
            params=_apart([with_preset(evaluation.params) for evaluation in evaluations]),
            sources=_apart([sources(evaluation.lock) for evaluation in evaluations]),
            sections=[(kind, TITLES[kind], listed[kind]) for kind in TITLES if listed[kind]],
            test=[_trial(row) for kind in TITLES for row in listed[kind] if row["testable"]],
            sounds=sounds,
            sample_rate_hz=rate_hz,
            listen_lufs=f"{LISTEN_LUFS:g}".replace("-", MINUS),
            excerpt_seconds=f"{EXCERPT_SECONDS:g}",
            confidence=f"{100 * CONFIDENCE:g}",
            lane=LANE,
        )
    )
    write_text(path, html)


def _model(evaluation: Evaluation, index: int) -> dict:
    params = evaluation.params
    kind = params.get("model", ABSENT)
    about = [f"{kind}, {params['synth']}" if kind == "ddsp" and "synth" in params else kind, params.get("size", ABSENT)]
    return {"name": evaluation.name, "commit": evaluation.commit, "about": about, "index": index}


def _line(rows: list[Row], index: int, name: str, first: str) -> dict:
    """What the differences of a model come to, in a sentence."""
    found = judged(rows, index)
    better, worse, level = found[BETTER], found[WORSE], found[LEVEL]
    grade = (
        "mixed" if better and worse else "better" if better else "worse" if worse else "level" if level else "unknown"
    )
    told = [f"Clearly {word}: {' · '.join(names)}" for word, names in (("better", better), ("worse", worse)) if names]
    if level:
        told.append(f"No clear difference in {'the other ' if told else ''}{counted(len(level), 'figure')}")
    return {
        "grade": grade,
        "word": {"level": "no clear difference", "unknown": "not known"}.get(grade, grade),
        "name": name,
        "index": index,
        "first": first,
        "told": told or ["Too few inputs in common to tell"],
    }


def _warnings(evaluations: list[Evaluation], comparisons: list[Comparison]) -> list[str]:
    """What a reader must know before believing a difference."""
    told = []
    lonely = [each for each in comparisons if not all(clip is not None for clip in each.outputs)]
    for kind, what in ((TRANSFER, "inputs"), (RECONSTRUCTION, "held-out recordings")):
        apart = [each.file for each in lonely if each.kind == kind]
        if apart:
            shared = sum(each.kind == kind for each in comparisons) - len(apart)
            told.append(
                f"Not all models have had the same {what}: {len(apart)} differ or are missing in some "
                f"({', '.join(apart[:4])}{', …' if len(apart) > 4 else ''}). Differences are taken over the "
                f"{shared} that all have, values over all that a model had."
            )
    code = differing([sources(evaluation.lock, "evaluate") for evaluation in evaluations])
    changed = [path for path, _ in code if path.startswith(("src/", "stages/"))]
    if changed:
        told.append(
            f"The figures were taken by different versions of the code ({', '.join(changed)}), which may be all that "
            "sets them apart. Run `dvc repro evaluate` with one version for each before you trust small differences."
        )
    contents = [evaluation.metrics for evaluation in evaluations]
    for index, content in enumerate(contents):
        if content in contents[:index]:
            twin = evaluations[contents.index(content)].name
            told.append(f"{evaluations[index].name} and {twin} have the same figures to the last digit.")
    return told


def _apart(contents: list[dict]) -> tuple[list, list]:
    """What differs, and what some lack altogether: rows of (key, values)."""
    rows = differing(contents)
    return [row for row in rows if ABSENT not in row[1]], [row for row in rows if ABSENT in row[1]]


def _figure(row: Row) -> dict:
    """What the template needs of a figure."""
    key, summary = row.entry.key, row.summaries[0]
    cells = []
    for value, told, difference in zip(row.values, row.summaries, row.differences, strict=True):
        ends = [told.get(end) for end in ("low", "high")]
        cells.append(
            {
                "value": formatted(key, value),
                "interval": "" if None in ends else " to ".join(formatted(key, end) for end in ends),
                "share": told.get("share"),
                "change": difference and change_told(key, difference),
                "outcome": difference and difference.outcome,
            }
        )
    return {
        "name": row.entry.name,
        "key": f"{row.entry.section}.{key}",
        "better": row.entry.better,
        "meaning": row.entry.meaning,
        "anchors": [
            (label, formatted(key, summary["anchors"][name]))
            for label, name in row.entry.anchors
            if summary.get("anchors", {}).get(name) is not None
        ],
        "cells": cells,
        "forest": forest(row),
    }


def forest(row: Row) -> list[dict]:
    """Where the differences of a figure lie in its picture: zero in the middle, better to the right."""
    sign = 1.0 if row.entry.better == "higher" else -1.0
    known = [(index, each) for index, each in enumerate(row.differences) if each is not None]
    ends = [abs(end) for _, each in known for end in (each.value, each.low, each.high) if end is not None]
    scale = 0.92 * HALF_WIDTH / max(ends, default=1.0) if max(ends, default=0.0) > 0.0 else 0.0
    marks = []
    for lane, (index, each) in enumerate(known):
        ends = [] if each.low is None else sorted(sign * scale * end for end in (each.low, each.high))
        marks.append(
            {
                "index": index,
                "y": round((lane + 0.5) * LANE, 1),
                "x": round(HALF_WIDTH + sign * scale * each.value, 1),
                "ends": [round(HALF_WIDTH + end, 1) for end in ends],
            }
        )
    return marks


def change_told(key: str, difference: Difference) -> tuple[str, str]:
    """A difference with sign and unit, and its interval; digits enough that the largest of them has two."""
    if not any((difference.value, difference.low, difference.high)):
        return "same", ""
    percent = formatted(key, 1.0).endswith("%")
    factor = 100.0 if percent else 1.0
    unit = "points" if percent else formatted(key, 2.0).partition(" ")[2]
    numbers = [factor * each for each in (difference.value, difference.low, difference.high) if each is not None]
    largest = max(abs(number) for number in numbers)
    decimals = 0 if largest == 0.0 else min(MOST_DECIMALS, max(0, 1 - math.floor(math.log10(largest))))
    # An end that is not zero does not read as if it were: it is what makes the difference clear.
    while decimals < MOST_DECIMALS and any(number != 0.0 == round(number, decimals) for number in numbers[1:]):
        decimals += 1

    def signed(number: float) -> str:
        text = f"{number:+.{decimals}f}".replace("-", MINUS)
        return text if float(f"{number:.{decimals}f}") != 0.0 else text[1:]

    interval = "" if len(numbers) == 1 else f"{signed(numbers[1])} to {signed(numbers[2])}"
    return f"{signed(numbers[0])} {unit}".rstrip(), interval


def _facts(rows: list[Row], evaluations: list[Evaluation]) -> tuple[list, list]:
    """Figures of the models themselves, which have no items: rows of (name, values) that differ, and that do not."""
    told = [
        (row.entry.name, [_fact(row.entry.key, *each) for each in zip(row.values, evaluations, strict=True)])
        for row in rows
        if row.entry.section not in TITLES
    ]
    return [row for row in told if len(set(row[1])) > 1], [row for row in told if len(set(row[1])) == 1]


def _fact(key: str, value: float | None, evaluation: Evaluation) -> str:
    rate_hz = evaluation.params.get("data", {}).get("sample_rate")
    milliseconds = f", {1000.0 * value / rate_hz:.1f} ms" if key.endswith("_samples") and value and rate_hz else ""
    return f"{formatted(key, value)}{milliseconds}"


def _listed(each: Comparison, evaluations: list[Evaluation], target: Comparison | None, sounds: dict[str, str]) -> dict:
    """What the template needs of an input; its sounds are added to `sounds`."""
    first = "Input" if each.kind == TRANSFER else "Original"
    voices = [Voice(first, None, each.original, _sound_of(each))]
    if target is not None and each.kind == TRANSFER and each.playable and target.playable:
        voices.append(Voice("Target", None, target.original, _sound_of(target)))
    voices += [
        Voice(evaluation.name, index, clip, _sound_of(each, index))
        for index, (evaluation, clip) in enumerate(zip(evaluations, each.outputs, strict=True))
        if clip is not None
    ]
    highest = max(float(voice.clip.mel.max()) for voice in voices)
    ids = []
    for voice in voices:
        if each.playable:
            sounds.setdefault(voice.sound, voice.clip.flac_base64)
        ids.append(f"s{list(sounds).index(voice.sound)}" if each.playable else "")
    figures = [_item_figures(evaluation, each) for evaluation in evaluations]
    best = _best(figures)
    end = each.start_seconds + each.seconds
    whole = each.seconds >= each.whole_seconds - 0.05
    return {
        "kind": each.kind,
        "file": each.file,
        "stretch": f"{each.seconds:.1f} s"
        if whole
        else f"{each.start_seconds:.1f} to {end:.1f} s of {each.whole_seconds:.1f} s",
        "seconds": round(each.seconds, 4),
        "spread_db": each.spread_db,
        "playable": each.playable,
        "chosen": next(index for index, voice in enumerate(voices) if voice.model is not None),
        "voices": [
            {
                "label": voice.label,
                "model": voice.model,
                "sound": sound,
                "gain": gain,
                "silent": voice.clip.silent,
                "strip": base64.b64encode(mel_strip(voice.clip.mel, highest, STRIP_PIXELS)).decode("ascii"),
                "figures": []
                if voice.model is None
                else [
                    (name, value, (voice.model, place) in best)
                    for place, (name, value, _, _) in enumerate(figures[voice.model])
                ],
            }
            for voice, sound, gain in zip(
                voices, ids, gains([voice.clip.below_target_db for voice in voices]), strict=True
            )
        ],
        "testable": each.playable
        and sum(clip is not None and not clip.silent for clip in each.outputs) == len(evaluations),
    }


def _sound_of(each: Comparison, model: int | None = None) -> str:
    """What a sound goes by: the original of an input, or what a model made of it."""
    return f"{each.kind}/{each.file}/{'original' if model is None else model}"


def _item_figures(evaluation: Evaluation, each: Comparison) -> list[tuple[str, str, float | None, bool]]:
    """(name, value, number, whether higher is better) of what stands below a model's sound."""
    tolerance = evaluation.params.get("evaluate", {}).get("f0_tolerance_cents", 50.0)
    if each.kind == TRANSFER:
        keys = [(rca_key(tolerance), "Pitch kept", True), ("loudness_r", "Dynamics kept", True),
                ("onset_f", "Onsets kept", True), ("ltas_db", "Colour off by", False)]  # fmt: skip
    else:
        keys = [("mss", "Spectral error", False), (within_key(tolerance), "Pitch right", True),
                ("loudness_l1_db", "Loudness error", False), ("mcd_db", "Tone colour error", False)]  # fmt: skip
    table = evaluation.items
    row = table[(table["kind"] == each.kind) & (table["name"] == each.name)]
    found = []
    for key, name, higher in keys:
        value = row[key].iloc[0] if len(row) and key in row else math.nan
        number = None if math.isnan(value) else float(value)
        found.append((name, formatted(key, number), number, higher))
    return found


def _best(figures: list[list[tuple[str, str, float | None, bool]]]) -> set[tuple[int, int]]:
    """(model, place) of the figures that no model betters and some model falls short of."""
    best = set()
    for place in range(min(len(each) for each in figures)):
        known = [(index, each[place]) for index, each in enumerate(figures) if each[place][2] is not None]
        if len({shown for _, (_, shown, _, _) in known}) > 1:
            top = (max if known[0][1][3] else min)(figure[2] for _, figure in known)
            best |= {(index, place) for index, figure in known if figure[2] == top}
    return best


def _trial(row: dict) -> dict:
    """What the blind test needs of an input: nothing that a figure or a picture could give away."""
    voices = row["voices"]
    plain = [{key: voice[key] for key in ("label", "model", "sound", "gain")} for voice in voices]
    return {
        "kind": row["kind"],
        "file": row["file"],
        "seconds": row["seconds"],
        "references": [voice for voice in plain if voice["model"] is None],
        "outputs": [voice for voice in plain if voice["model"] is not None],
    }
