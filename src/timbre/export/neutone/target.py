"""The target as the export stage calls it: write model.nm, prove it."""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from timbre.export.archive import described
from timbre.export.make import run_module
from timbre.export.neutone.texts import describe, knobs_of, warning_of
from timbre.export.proof import judged, kept, level_faults, offline, test_signal
from timbre.files import write_bytes, write_json
from timbre.models.control import Control, default_settings
from timbre.params import Params

# Neutone's website plays them; they are part of the file, 50 kB a second.
PAIRS = 2
PAIR_SECONDS = 1.5
# Of the proof: host blocks that divide the model's buffers, that do not, and longer ones.
HOST_BLOCKS_SAMPLES = (64, 480, 512, 2048, 3000, 4096)


def write(network: nn.Module, folder: Path, params: Params, sounds: list[np.ndarray]) -> dict:
    """Write `folder`/model.nm by Neutone's SDK, with all its checks. Returns: what model.json says of it.

    sounds: short inputs [channels, samples] at the network's rate, of which the file shows the first two.
    Raises: UserError that names the check which the SDK found failed.
    """
    if warning := warning_of(network):
        print(f"export: {warning}", file=sys.stderr)
    settings = params.export.neutone
    pairs = [signal for sound in sounds[:PAIRS] for signal in sample_pair(network, sound)]
    folded = copy.deepcopy(network).eval().requires_grad_(False)
    folded.settings = default_settings(network.controls)
    folded.fold()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        job = Path(scratch)
        torch.save(folded, job / "network.pt")
        np.savez(job / "sounds.npz", *pairs)
        texts = {"texts": describe(network, settings), "rate": network.sample_rate, "benchmark": settings.benchmark}
        write_json(job / "job.json", texts)
        made = json.loads(run_module("timbre.export.neutone.make", scratch))
        content = (job / "model.nm").read_bytes()
    for line in made.pop("benchmark"):
        print(f"export: neutone_sdk: {line}")
    write_bytes(folder / "model.nm", content)
    knobs = {
        f"p{number}": {"control": control.name, "least": control.knob[0], "most": control.knob[1]}
        for number, control in enumerate(knobs_of(network), start=1)
    }
    return described(folder / "model.nm", network.delay) | made | {"knobs": knobs}


def prove(path: Path, network: nn.Module, params: Params) -> dict:
    """Have a new process play model.nm as the plug-in does (see `timbre.export.neutone.verify`) and judge it.

    Raises: UserError that lists every promise the file does not keep.
    """
    blocks = [str(block) for block in HOST_BLOCKS_SAMPLES]
    found = judged("timbre.export.neutone.verify", path, reference_of(network), blocks)
    return kept(path, found, broken_promises(found, network.delay, params.export.min_snr_db))


def reference_of(network: nn.Module) -> dict[str, np.ndarray]:
    """What `timbre.export.neutone.verify` compares with."""
    rate = network.sample_rate
    # The middle of the test signal has all that tries a model; knobs are tried on a sound that dies away, for the gate.
    audio = test_signal(rate, network.channels)[:, rate : 3 * rate]
    short = audio[:, : rate // 2] * np.logspace(0.0, -3.0, rate // 2, dtype=np.float32)
    defaults = default_settings(network.controls)
    reference = {
        "audio": audio,
        "offline": offline(network, audio, defaults),
        "short": short,
        "short_offline": offline(network, short, defaults),
    }
    for number, control in enumerate(knobs_of(network), start=1):
        ends = [offline(network, short, turned(network, control, knob)) for knob in (0, 1)]
        knob = int(np.argmax([np.abs(end - reference["short_offline"]).max() for end in ends]))
        reference |= {f"p{number}": ends[knob], f"p{number}_knob": np.array(knob)}
    return reference | {"tail": np.array(network.tail_samples)}


def broken_promises(findings: dict, delay: int, min_snr_db: float) -> list[str]:
    """One line for each thing that model.nm must do and does not."""
    wanted = f"{min_snr_db:g} (export.min_snr_db)"
    faults = [
        f"host blocks of {block}: streaming equals offline to {snr:.1f} dB of {wanted}"
        for block, snr in findings["snr_db"].items()
        if snr < min_snr_db
    ]
    faults += [
        f"host blocks of {block}: its delay is {findings['measured_delay_samples'][block]} samples, {told} are reported"
        for block, told in findings["delay_samples"].items()
        if told != findings["measured_delay_samples"][block]
    ]
    if findings["model_delay_samples"] != delay:
        faults.append(f"it reports {findings['model_delay_samples']} samples for the delay of the model, not {delay}")
    faults += [
        f"knob {knob} at its end: the sound equals that of its control to {snr:.1f} dB of {wanted}"
        for knob, snr in findings["knob_snr_db"].items()
        if snr < min_snr_db
    ]
    if not findings["first_run_equals_reset_run"]:
        faults.append("after reset() it does not play the bits of a freshly loaded file")
    return faults + level_faults(findings)


def turned(network: nn.Module, control: Control, knob: int) -> torch.Tensor:
    """Settings with the knob of a control at its left end, 0, or its right one, 1, and the others at their defaults."""
    settings = default_settings(network.controls)
    settings[[other.name for other in network.controls].index(control.name)] = control.knob[knob]
    return settings


def sample_pair(network: nn.Module, sound: np.ndarray) -> list[np.ndarray]:
    """The beginning of a sound and what the network makes of it, neither over full scale."""
    sound = sound[:, : round(PAIR_SECONDS * network.sample_rate)]
    played = offline(network, sound, default_settings(network.controls))
    return [signal / max(1.0, np.abs(signal).max()) for signal in (sound, played)]
