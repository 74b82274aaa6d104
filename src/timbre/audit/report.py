"""The page of the audit, and its advice in plain words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from timbre.audio.table import used
from timbre.audit.checks import ADVICE, SEVERITIES, loudness_spread_lu, pitched_percent
from timbre.params import Params, Thresholds

TEMPLATE = Path(__file__).with_name("report.html.j2")
# RAVE's authors ask for 2 to 3 hours of sound of one kind.
RAVE_MINUTES = 120.0
SHOWN_FILES = 5
MINUS = "\N{MINUS SIGN}"

# Check: its name for a musician, and how its value reads (with the value's and the limit's place).
TITLES = {
    "unreadable": ("Cannot be opened", ""),
    "silent": ("Only silence", ""),
    "almost_silent": ("Almost silent", ""),
    "leak": ("In training and in the test folder", ""),
    "duplicate": ("Exact copies", ""),
    "clipping": ("Clipped", "{value:.2f} % of the samples (limit {limit:g} %)"),
    "clipped_runs": ("A few clipped peaks", "{value:.1f} a minute (limit {limit:g})"),
    "true_peak": ("Peaks at full scale", "{value:+.1f} dBTP (limit {limit:g})"),
    "quiet": ("Quiet", "{value:.1f} LUFS (limit {limit:g})"),
    "loud": ("Very loud", "{value:.1f} LUFS (limit {limit:g})"),
    "no_dynamics": ("Hardly any dynamics", "loudness range {value:.1f} LU (least {limit:g})"),
    "wide_dynamics": ("Very wide dynamics", "loudness range {value:.1f} LU (limit {limit:g})"),
    "dc_offset": ("Off centre (DC offset)", "{value:.1f} dBFS (limit {limit:g})"),
    "silence": ("Long pauses", "{value:.0f} % silent (limit {limit:g} %)"),
    "inverted": ("Left and right cancel each other", "correlation {value:.2f} (limit {limit:g})"),
    "silent_channel": ("A silent channel", "{value:.0f} of its channels"),
    "dual_mono": ("Mono in a stereo file", "correlation {value:.4f}"),
    "surround": ("More than two channels", "{value:.0f} channels"),
    "low_rate": ("Low sample rate", "{value:.0f} Hz (model: {limit:.0f} Hz)"),
    "coarse": ("Coarse samples", "{value:.0f} bits (least {limit:.0f})"),
    "short": ("Very short", "{value:.2f} s (limit {limit:g} s)"),
    "small_dataset": ("Little material", "{value:.1f} minutes (wanted: {limit:g} or more)"),
    "loudness_spread": ("The files differ much in level", "spread {value:.1f} LU (limit {limit:g})"),
    "synth_mismatch": (
        "The synthesiser does not suit the material",
        "{value:.0f} % with a clear pitch (limit {limit:g} %)",
    ),
    "other_formats": ("Files in other formats", ""),
}
SEVERITY_WORDS = {"error": "problem", "warning": "warning", "info": "note"}


def advise(table: pd.DataFrame, params: Params) -> dict[str, str]:
    """One or two sentences with figures on each of: model, amount, level, rates, held_out."""
    kept = table[used(table)]
    training, held_out = kept[~kept["held_out"]], kept[kept["held_out"]]
    return {
        "model": _model(training, params.audit.thresholds),
        "amount": _amount(training["duration_seconds"].sum() / 60.0, params.audit.thresholds.ddsp_minutes),
        "level": _level(training["loudness_lufs"], params.audit.thresholds.loudness_spread_lu),
        "rates": _rates(kept["sample_rate_hz"], params.data.sample_rate),
        "held_out": f"{len(held_out)} of {len(kept)} recordings lie below a folder named test: the model never learns "
        "from them, and evaluation plays them."
        if len(held_out)
        else "No folder is named test: the slice stage keeps a share of the recordings for evaluation by itself.",
    }


def page(table: pd.DataFrame, audit: dict) -> str:
    """The HTML page: the verdict, advice, warnings worst first, all files. It needs nothing from outside itself."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    groups = _groups(audit["warnings"])
    return template.render(
        verdict=_verdict(groups),
        summary=audit["summary"],
        advice=audit["advice"],
        groups=groups,
        shown=SHOWN_FILES,
        files=[_file(row) for row in table.to_dict("records")],
    )


def _model(training: pd.DataFrame, limits: Thresholds) -> str:
    percent, hours = pitched_percent(training), training["duration_seconds"].sum() / 3600.0
    if not np.isfinite(percent):
        return "Nothing sounds in the training recordings, so that no model suits them."
    told = f"{percent:.0f} % of what sounds has a clear pitch."
    if percent >= limits.pitched_percent:
        told += " `model: ddsp` with `synth: harmonic_noise` suits single notes such as these."
    elif percent < limits.unpitched_percent:
        told += (
            " Percussion, effects or noise: `model: ddsp` with `synth: noise_bands` suits them "
            "(`dvc exp run -S synth=noise_bands`); harmonic_noise would play tones where there are none."
        )
    else:
        told += (
            " With `model: ddsp`, `synth: harmonic_noise` follows the pitched part and leaves the rest to filtered "
            "noise; `synth: noise_bands` follows level and colour of everything but holds no pitch "
            "(`dvc exp run -S synth=noise_bands`). Try both."
        )
    wanted = RAVE_MINUTES / 60.0
    have = f" (here are {hours:.1f})" if hours >= wanted else ""
    return f"{told} `model: rave` learns chords and any other sound from {wanted:g} hours or more of it{have}."


def _amount(minutes: float, wanted: float) -> str:
    told, rave = f"{minutes:.1f} minutes of training material.", f"{RAVE_MINUTES / 60:g} hours or more"
    if round(minutes, 1) < wanted:
        return f"{told} ddsp wants {wanted:g} minutes or more, rave {rave}."
    if minutes < RAVE_MINUTES:
        return f"{told} That is enough for ddsp ({wanted:g} minutes or more); rave wants {rave}."
    return f"{told} That is enough for ddsp and for rave."


def _level(loudness: pd.Series, limit: float) -> str:
    spread = loudness_spread_lu(loudness)
    if not np.isfinite(spread):
        return f"One training recording, at {loudness.iloc[0]:.1f} LUFS: normalize.mode dataset suits it."
    told = f"The recordings' loudness differs by {spread:.1f} LU (median {loudness.median():.1f} LUFS)."
    if spread <= limit:
        return f"{told} normalize.mode dataset gives all of them one gain and keeps these differences."
    return (
        f"{told} If they were recorded at different gains, set normalize.mode to group (one gain for each folder) or "
        "file; if the differences are played, keep dataset."
    )


def _rates(rates: pd.Series, wanted: int) -> str:
    others = rates[rates != wanted].value_counts().sort_index()
    if others.empty:
        return f"All recordings have the model's sample rate, {wanted} Hz."
    told = " and ".join(f"{count} of {len(rates)} at {rate} Hz" for rate, count in others.items())
    low = min(others.index)
    loss = f" What was recorded at {low} Hz has nothing above {low / 2000:g} kHz." if low < wanted else ""
    return f"normalize converts recordings to the model's {wanted} Hz: {told}.{loss}"


def _verdict(groups: list[dict]) -> dict[str, str]:
    """The page's first sentence, and its colour."""
    count = {severity: sum(group["severity"] == severity for group in groups) for severity in SEVERITIES}
    for severity, before in (("error", "problem"), ("warning", "thing")):
        if count[severity]:
            things = f"{count[severity]} {before}{'' if count[severity] == 1 else 's'}"
            return {"severity": severity, "words": f"Usable, but look at {things} before you train."}
    return {"severity": "good", "words": "Ready to train."}


def _groups(warnings: list[dict]) -> list[dict]:
    """The warnings of each check together, in the order in which the checks first appear."""
    groups: dict[str, dict] = {}
    for warning in warnings:
        check, severity = warning["check"], warning["severity"]
        title, figure = TITLES[check]
        new = {"title": title, "severity": severity, "word": SEVERITY_WORDS[severity], "files": []}
        group = groups.setdefault(check, new | {"advice": ADVICE[check]})
        told = figure.format(**warning).replace("-", MINUS) if figure and warning["value"] is not None else ""
        # What the advice says of this file alone stands beside its name, the rest once for all.
        own = warning["advice"].removesuffix(ADVICE[check]).strip()
        group["files"].append({"name": warning["file"], "figure": told, "own": own})
    return list(groups.values())


def _file(row: dict) -> dict:
    """One row of the table of files: for each cell what is shown and what it is sorted by."""
    state = "left out" if row["refused"] or row["duplicate_of"] else "held out" if row["held_out"] else "training"
    why = row["refused_because"] or (f"same as {row['duplicate_of']}" if row["duplicate_of"] else "")
    cells = [
        _cell(row["duration_seconds"], _duration),
        _cell(row["sample_rate_hz"], lambda value: f"{value}"),
        _cell(row["channels"], lambda value: f"{value}"),
        _cell(row["loudness_lufs"], lambda value: f"{value:.1f}"),
        _cell(row["loudness_range_lu"], lambda value: f"{value:.1f}"),
        _cell(row["true_peak_dbtp"], lambda value: f"{value:+.1f}"),
        _cell(row["clipped_runs"], lambda value: f"{value}"),
        _cell(row["silence_percent"], lambda value: f"{value:.0f}"),
        _cell(row["pitched_percent"], lambda value: f"{value:.0f}"),
    ]
    return {"name": row["file"], "state": state, "why": why, "cells": cells}


def _cell(value: float, show: Callable[[float], str]) -> dict:
    if pd.isna(value):
        return {"text": "", "sort": ""}
    return {"text": show(value).replace("-", MINUS), "sort": f"{float(value):.6g}"}


def _duration(seconds: float) -> str:
    if seconds < 60.0:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02} h" if hours else f"{rest // 60}:{rest % 60:02} min"
