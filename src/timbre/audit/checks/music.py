"""Recordings that are played otherwise than the rest of the set."""

from __future__ import annotations

import pandas as pd

from timbre.audit.checks.check import FileCheck
from timbre.audit.recordings import Recordings


def _among_pitched(recordings: Recordings) -> pd.Series:
    """All rows, where most of what sounds in training has a pitch."""
    pitched = recordings.training_mean("pitched_percent") >= recordings.limits.pitched_percent
    return pd.Series(pitched, index=recordings.table.index)


def _among_single_notes(recordings: Recordings) -> pd.Series:
    """All rows, where training is pitched and plays one note at a time."""
    single = recordings.training_mean("polyphony") <= recordings.limits.polyphony
    return _among_pitched(recordings) & single


CHECKS = (
    FileCheck(
        "chords", "info", "Several notes at once",
        "The others play single notes. harmonic_noise follows one note and learns wrong pitches here; leave it out for "
        "ddsp. For rave it is welcome.",
        "about {value:.1f} notes at once (limit {limit:g})", "polyphony", step=0.5,
        value="polyphony", where=_among_single_notes, remedy="listen", picture="tones",
    ),
    FileCheck(
        "unpitched", "info", "No clear pitch among pitched recordings",
        "harmonic_noise plays noise from it. Listen whether it belongs to the set.",
        "{value:.0f} % with a clear pitch (limit {limit:g} %)", "unpitched_percent", "under", step=10.0,
        value="pitched_percent", where=_among_pitched, remedy="listen", picture="tones",
    ),
)  # fmt: skip
