"""What is measured on one recording: its samples pass once through every meter."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from timbre.audio.io import Header, UnreadableError, as_text, blocks, header, is_held_out
from timbre.audit.meters.bandwidth import Bandwidth
from timbre.audit.meters.bits import EffectiveBits
from timbre.audit.meters.channels import ChannelMeter, block_of
from timbre.audit.meters.clicks import Clicks
from timbre.audit.meters.clipping import Clipping
from timbre.audit.meters.events import Events
from timbre.audit.meters.hum import Hum
from timbre.audit.meters.level import LoudnessOfMix, PeakOfAll
from timbre.audit.meters.meter import Meter
from timbre.audit.meters.noise import NoiseFloor
from timbre.audit.meters.pauses import Pauses
from timbre.audit.meters.pile_up import PileUp
from timbre.audit.meters.pitched import Pitch
from timbre.audit.meters.polyphony import Polyphony
from timbre.audit.meters.rumble import Rumble
from timbre.audit.meters.sketch import Sketcher

LEAST_SECONDS = 0.005


def measure(path: Path, name: str, inverted_correlation: float) -> dict:
    """Measure one recording; a file that does not decode is a row too, with its reason.

    name: the file's path below the dataset's folder, with forward slashes.
    inverted_correlation: left-right correlation under which the left channel stands for the file instead of the mean.
    Returns: `file`, `readable`, `reason`, `held_out`, and where it is readable what was measured, under the column
    names of `timbre.audio.table`, and the `sketch` that compares it. Unless the column says otherwise it is of the
    mono sound that `channel_plan` makes; `true_peak_dbtp` is the highest of the file's own channels. The PCM hash
    is the SHA-256 of rate, channels and all samples as float32.
    """
    row = {"file": name, "readable": True, "reason": "", "held_out": is_held_out(name)}
    if as_text(name) != name:
        # No table could hold the name that the file system knows it by.
        return row | {"file": as_text(name), "readable": False, "reason": "has a name that is not UTF-8: rename it"}
    try:
        return row | _measure(path, inverted_correlation)
    except UnreadableError as error:
        return row | {"readable": False, "reason": str(error)}


def meters_of(head: Header, plan: str) -> list[Meter]:
    """All meters of a recording whose mono sound is made by `plan`."""
    rate, channels = head.sample_rate_hz, head.channels
    bits = EffectiveBits(channels, head.subtype)
    return [
        LoudnessOfMix(rate),
        PeakOfAll(rate, channels, mixed=plan == "mean"),
        Pauses(rate),
        bits,
        Clipping(rate, bits),
        PileUp(channels),
        Rumble(rate),
        NoiseFloor(rate),
        Hum(rate),
        Clicks(rate),
        Pitch(rate),
        Bandwidth(rate),
        Polyphony(rate, head.samples),
        Events(rate),
        Sketcher(rate),
    ]


def _measure(path: Path, inverted_correlation: float) -> dict:
    head = header(path)
    rate, channels = head.sample_rate_hz, head.channels
    together = ChannelMeter(channels)
    # Which channels stand for the file must be known before anything is measured on them: a pass of its own.
    for decoded in blocks(path) if channels > 1 else ():
        together.add(np.ascontiguousarray(decoded.T))
    plan = together.plan(inverted_correlation)
    meters = meters_of(head, plan)
    digest = hashlib.sha256(f"{rate} {channels}\n".encode())
    samples = 0
    for decoded in blocks(path):
        digest.update(np.ascontiguousarray(decoded, "<f4").data)
        block = block_of(decoded, plan)
        for meter in meters:
            meter.add(block)
        samples += len(decoded)
    if samples < LEAST_SECONDS * rate:
        raise UnreadableError(f"lasts only {1000.0 * samples / rate:.2g} ms")
    row = {
        "duration_seconds": samples / rate,
        "sample_rate_hz": rate,
        "channels": channels,
        "subtype": head.subtype,
        "channel_plan": plan,
        "pcm_sha256": digest.hexdigest(),
    }
    for meter in [together, *meters]:
        row |= meter.result()
    return row
