"""Whether to bring the recordings to one level, and how."""

from __future__ import annotations

import numpy as np
import pandas as pd

from timbre.audit.advice.entry import entry, known
from timbre.audit.recordings import Recordings, percentile_spread

# Of the spread of all files, the share within folders up to which the folders explain it.
WITHIN_SHARE = 0.5
# How many dB the noise floor rises for each dB of loudness: about none where the player made the difference, about one
# where the gain did. It takes some files to tell.
PLAYED_SLOPE, GAIN_SLOPE = 0.25, 0.6
LEAST_FLOORS = 5
# The default of normalize.target_lufs, and how near to it nothing much is left to do.
USUAL_LUFS, NEAR_LU = -20.0, 2.0


def advise_on_level(recordings: Recordings) -> dict:
    """normalize.mode: `dataset` where levels belong together, `group` where folders differ but not within, else `file`.

    Loudness that differs more than `loudness_spread_lu` was either played or set at the preamplifier; where pauses are
    heard, their noise tells which, since it rises with the gain alone.
    """
    training, limit = recordings.training, recordings.limits.loudness_spread_lu
    loudness = training["loudness_lufs"]
    spread, median = recordings.loudness_spread_lu, float(loudness.median())
    folders = recordings.folders[training.index]
    middles = loudness.groupby(folders).median()
    within = percentile_spread(loudness - folders.map(middles))
    between = float(middles.max() - middles.min()) if len(middles) > 1 else float("nan")
    slope = _floor_slope(training)
    figures = {
        "median_lufs": median, "spread_lu": spread, "within_folders_lu": within, "between_folders_lu": between,
        "folders": len(middles), "floor_slope": slope,
    }  # fmt: skip
    if not known(spread):
        return entry("dataset", f"One training recording, at {median:.1f} LUFS: one gain is all there is.", **figures)
    choose = _choice(spread, within, len(middles), slope, limit)
    why = {
        "dataset": "One gain for all keeps these differences, and the model learns them as dynamics.",
        "group": f"The {len(middles)} folders lie up to {between:.1f} LU apart, the files of each within {within:.1f}: "
        "one gain for each folder evens out the sessions and keeps what was played.",
        "file": "The folders do not explain it, so each file gets a gain of its own. If these differences were played, "
        "keep dataset.",
    }[choose]
    if spread > limit and choose == "dataset":
        why = f"The noise in their pauses hardly rises with it ({slope:.1f} dB for each dB), so it was played. {why}"
    elif choose == "file" and slope > GAIN_SLOPE:
        why = f"The noise in their pauses rises with it ({slope:.1f} dB for each dB), so it was the gain. {why}"
    elif choose == "dataset" and abs(median - USUAL_LUFS) < NEAR_LU:
        why += f" They lie near the usual {USUAL_LUFS:g} LUFS already, so that normalising changes little."
    text = f"The recordings' loudness differs by {spread:.1f} LU (median {median:.1f} LUFS). {why}"
    # The default needs no command.
    command = "" if choose == "dataset" else f"dvc exp run -S normalize.mode={choose}"
    return entry(choose, text, **figures) | {"command": command}


def _choice(spread: float, within: float, folders: int, slope: float, limit: float) -> str:
    if spread <= limit or slope < PLAYED_SLOPE:
        return "dataset"
    return "group" if folders > 1 and within <= WITHIN_SHARE * spread else "file"


def _floor_slope(training: pd.DataFrame) -> float:
    """dB by which the noise floor rises for each LU of loudness (least squares); NaN where too few have a floor."""
    known_floor = training[np.isfinite(training["noise_floor_dbfs"])]
    if len(known_floor) < LEAST_FLOORS or known_floor["loudness_lufs"].std() < 1.0:
        return float("nan")
    return float(np.polyfit(known_floor["loudness_lufs"], known_floor["noise_floor_dbfs"], 1)[0])
