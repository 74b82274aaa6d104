"""What is in a recording beside the sound: noise, hum, clicks, rumble, a shifted middle."""

from __future__ import annotations

import pandas as pd

from timbre.audit.checks.check import FileCheck
from timbre.audit.recordings import Recordings


def _long_enough(recordings: Recordings) -> pd.Series:
    """An offset, or what lies under 10 Hz, of one short sound is often part of it."""
    return recordings.table["duration_seconds"] >= recordings.limits.short_seconds


def _told_floor(row: dict, recordings: Recordings) -> str:
    floor = row["noise_floor_dbfs"]
    return f"Its pauses are at {floor:.0f} dBFS." if floor == floor else ""


def _told_hum(row: dict, recordings: Recordings) -> str:
    hertz = row["hum_hz"]
    return f"At {hertz:.0f} Hz and its multiples." if hertz == hertz else ""


CHECKS = (
    FileCheck(
        "noisy", "warning", "Noisy",
        "The noise becomes part of the timbre and never stops. Record closer, quieter or with more gain, or clean it "
        "with a denoiser and listen to what that costs.",
        "the sound is {value:.0f} dB over its noise (least {limit:g})", "snr_db", "under", step=6.0,
        value="snr_db", at="longest_pause_at_seconds", told=_told_floor, serious=True, remedy="redo", picture="level",
    ),
    FileCheck(
        "noise_floor", "warning", "Noisy pauses",
        "The model learns this noise too. Record with less of it, or gate the pauses.",
        "{value:.0f} dBFS in its pauses (limit {limit:g})", "noise_floor_dbfs", step=6.0,
        value="noise_floor_dbfs", at="longest_pause_at_seconds", unless=("noisy",), serious=True, remedy="listen",
        picture="level",
    ),
    FileCheck(
        "hum", "warning", "Mains hum",
        "The model takes it for part of the sound. Mend the cable or the ground loop and record again, or filter the "
        "lines out.",
        "{value:.0f} dB over its neighbourhood (limit {limit:g})", "hum_db", step=6.0,
        value="hum_db", at="longest_pause_at_seconds", told=_told_hum, serious=True, remedy="redo", picture="hum",
    ),
    FileCheck(
        "clicks", "warning", "Clicks",
        "They come from dropped buffers, bad edits or a loose contact, and the model crackles where they were. Repair "
        "them, or record again with a larger buffer.",
        "{value:.1f} a minute (limit {limit:g})", "clicks_per_minute",
        value="clicks_per_minute", at="click_at_seconds", serious=True, remedy="redo", picture="click",
    ),
    FileCheck(
        "dc_offset", "warning", "Off centre (DC offset)",
        "normalize removes it. It points to a faulty interface or plug-in.",
        "{value:.1f} dBFS (limit {limit:g})", "dc_offset_dbfs", step=6.0,
        value="dc_offset_dbfs", where=_long_enough, at="longest_pause_at_seconds", picture="offset",
    ),
    FileCheck(
        "low_frequency", "warning", "Rumble under 10 Hz",
        "Wind, steps or handling: nobody hears it, but it eats headroom and bends what the model measures. Use a "
        "high-pass filter, and a low cut at the microphone next time.",
        "{value:.1f} dBFS (limit {limit:g})", "low_frequency_dbfs", step=6.0,
        value="low_frequency_dbfs", where=_long_enough, remedy="listen", picture="slow",
    ),
)  # fmt: skip
