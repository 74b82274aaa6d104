"""Where a file comes from: its rate, its bits, what a converter or an encoder took off."""

from __future__ import annotations

import pandas as pd

from timbre.audit.checks.check import FileCheck
from timbre.audit.meters.bits import PCM_BITS
from timbre.audit.recordings import Recordings

# What ends higher than this is the filter of a converter from 44.1 kHz, where nothing is missing.
HIGHEST_LOSSY_HZ = 21_000.0
USUAL_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100)


def _wanted_rate_hz(recordings: Recordings) -> float:
    return recordings.limits.bandwidth_share * recordings.params.data.sample_rate


def _wanted_bandwidth_hz(recordings: Recordings) -> float:
    return 0.5 * _wanted_rate_hz(recordings)


def _was_cut(recordings: Recordings) -> pd.Series:
    """A spectrum that ends so steeply below half the file's own rate has lost what was above."""
    return recordings.table["bandwidth_drop_db"] >= recordings.limits.upsampled_drop_db


def _ends_high(recordings: Recordings) -> pd.Series:
    return recordings.table["bandwidth_hz"].between(_wanted_bandwidth_hz(recordings), HIGHEST_LOSSY_HZ)


def _bits(recordings: Recordings) -> pd.Series:
    """Bits that ever change, and no more than the coding has: eight bits on a bent scale are noisy too."""
    coded = recordings.table["subtype"].map(PCM_BITS).fillna(24).astype(float)
    return recordings.table["effective_bits"].astype(float).fillna(24.0).clip(upper=coded)


def _told_source(row: dict, recordings: Recordings) -> str:
    drop, twice = row["bandwidth_drop_db"], 2.0 * row["bandwidth_hz"]
    # A converter's filter ends a little under half the rate that it converts from.
    rate = next((rate for rate in USUAL_RATES_HZ if 0.92 * rate <= twice <= 1.02 * rate), None)
    source = f"a rate of {rate / 1000:g} kHz" if rate else "a lower rate"
    what = f"its spectrum falls by {drop:.0f} dB there" if drop < 1000.0 else "above is a mirror image of what is below"
    return f"It was converted from {source}, or coded with few bits: {what}."


CHECKS = (
    FileCheck(
        "upsampled", "warning", "Treble cut off",
        "The model learns a duller sound. Find the original, or train at a lower `data.sample_rate` if all are like "
        "this.",
        "nothing above {value:.0f} Hz (wanted: {limit:.0f} Hz)", _wanted_bandwidth_hz, "under",
        value="bandwidth_hz", where=_was_cut,
        told=_told_source,
        # Not serious: a telephone's recordings are dull all alike, and a dull effect may be what is wanted.
        remedy="redo", picture="spectrum",
    ),
    FileCheck(
        "low_rate", "warning", "Low sample rate",
        "It has no treble above half its own rate, and converting it adds none. Prefer the original recording.",
        "{value:.0f} Hz (wanted: {limit:.0f} Hz)", _wanted_rate_hz, "under",
        value="sample_rate_hz", unless=("upsampled",), remedy="redo", picture="spectrum",
    ),
    FileCheck(
        "coarse", "warning", "Coarse samples",
        "So few bits are noisy, and the noise moves with the sound. Prefer the original recording.",
        "{value:.0f} bits (least {limit:.0f})", "effective_bits", "under", step=2.0,
        value=_bits, at="longest_pause_at_seconds", serious=True, remedy="redo", picture="waveform",
    ),
    FileCheck(
        "lossy", "info", "Maybe an mp3 once",
        "A lossy encoder may have cut off the very top. It is usable; prefer the original if there is one.",
        "falls by {value:.0f} dB (limit {limit:g})", "lossy_drop_db", "at least", step=12.0,
        value="bandwidth_drop_db", where=_ends_high, unless=("upsampled",),
        told=lambda row, _: f"Its spectrum ends at {row['bandwidth_hz'] / 1000:.1f} kHz.",
        picture="spectrum",
    ),
    FileCheck(
        "short", "info", "Very short",
        "It is used as it is. Many very short files slow nothing down, but hold little to learn.",
        "{value:.2f} s (limit {limit:g} s)", "short_seconds", "under",
        value="duration_seconds",
    ),
)  # fmt: skip
