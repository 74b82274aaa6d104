"""The export: write the file, prove it, describe it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from timbre import __version__, models
from timbre.errors import UserError
from timbre.export.latent_effect import effect_of
from timbre.export.make import make_in_new_process, run_module
from timbre.files import read_json, replaced_folder, write_json
from timbre.params import Export, Params

# Level that silence must stay under, and that a sound must have fallen to a second after its end and its reverb.
SILENCE_DBFS = -80.0


def export_model(params: Params, models_folder: Path, target: Path) -> dict:
    """Write `target`/model.ts and model.json from a training folder. Returns: the content of model.json.

    Raises: UserError, and writes nothing, where the file does not do what it promises.
    """
    network = models.load(models_folder, params.export.fidelity)
    effect = effect_of(network)
    with replaced_folder(target) as folder:
        path = folder / "model.ts"
        make_in_new_process(models_folder, path, params.export.fidelity)
        findings = verify(path, network, effect.delay_samples, params.export)
        description = {
            "model": read_json(models_folder / "config.json")["model"],
            "sample_rate_hz": network.sample_rate,
            "channels": effect.channels,
            "block_samples": 1,
            "delay_samples": effect.delay_samples,
            "tail_samples": network.tail_samples,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "latent_dimensions": getattr(network, "latent_dimensions", None),
            "controls": [asdict(control) for control in network.controls],
            "features": getattr(network, "extractor_config", None),
            "streaming_snr_db": round(min(findings["snr_db"].values()), 1),
            "silence_dbfs": round(max(findings["fresh_silence_dbfs"], findings["silence_after_sound_dbfs"]), 1),
            "targets": {
                "torchscript": {
                    "file": "model.ts",
                    "bytes": path.stat().st_size,
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "delay_samples": effect.delay_samples,
                }
            },
            "versions": {"timbre": __version__, "torch": torch.__version__.split("+")[0]},
        }
        write_json(folder / "model.json", description)
    return description


def verify(path: Path, network: nn.Module, delay: int, limits: Export) -> dict:
    """Have a new process examine an exported file (see `timbre.export.verify`) and judge what it found.

    Raises: UserError that lists every promise the file does not keep.
    """
    audio = test_signal(network.sample_rate, getattr(network, "channels", 1))
    with torch.no_grad():
        offline = network(torch.from_numpy(audio)[None])[0].numpy()
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch) / "reference.npz"
        numbers = {"delay": delay, "tail": network.tail_samples, "rate": network.sample_rate}
        np.savez(reference, audio=audio, offline=offline, **numbers)
        blocks = [str(block) for block in limits.check_blocks_samples]
        findings = json.loads(run_module("timbre.export.verify", str(path), str(reference), *blocks))
    faults = broken_promises(findings, delay, limits.min_snr_db)
    if faults:
        raise UserError("the exported file does not keep its promises, so it is not written:\n  " + "\n  ".join(faults))
    return findings


def broken_promises(findings: dict, delay: int, min_snr_db: float) -> list[str]:
    """One line for each thing that an exported file must do and does not."""
    faults = [
        f"blocks of {name}: streaming equals offline to {snr:.1f} dB of {min_snr_db:g} (export.min_snr_db)"
        for name, snr in findings["snr_db"].items()
        if snr < min_snr_db
    ]
    if not findings["first_run_equals_reset_run"]:
        faults.append("after reset() it does not play the bits of a freshly loaded file")
    if findings["halves_snr_db"] is not None and findings["halves_snr_db"] < min_snr_db:
        faults.append(f"decode after encode equals forward to {findings['halves_snr_db']:.1f} dB of {min_snr_db:g}")
    if findings["delay_samples"] != delay:
        faults.append(f"its delay is {findings['delay_samples']} samples, {delay} are reported")
    if findings["fresh_silence_dbfs"] > SILENCE_DBFS:
        faults.append(f"silence comes out at {findings['fresh_silence_dbfs']:.1f} dBFS")
    if findings["silence_after_sound_dbfs"] > SILENCE_DBFS:
        faults.append(f"a second after a sound's end it still plays at {findings['silence_after_sound_dbfs']:.1f} dBFS")
    faults += [f"{name}: no numbers come out" for name, peak in findings["peaks"].items() if peak is None]
    return faults


def test_signal(rate: int, channels: int = 1) -> np.ndarray:
    """Four seconds of what tries a model: a gliding tone, noise, a pause, clicks. [channels, samples] float32.

    The channels differ in the tone's phase and in the noise, so that swapped ones are found.
    """
    return np.stack([_test_channel(rate, channel) for channel in range(channels)])


def _test_channel(rate: int, channel: int) -> np.ndarray:
    seconds = np.arange(4 * rate) / rate
    pitch_hz = 220.0 * 2.0 ** (seconds / 2.0) * (1.0 + 0.01 * np.sin(2 * np.pi * 5.5 * seconds))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate + channel
    tone = sum(np.sin(number * phase) / number for number in range(1, 9))
    noise = np.random.default_rng(channel).standard_normal(len(seconds))
    audio = 0.15 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * seconds)) + 0.02 * noise * (seconds > 2.0)
    audio[(seconds > 1.5) & (seconds < 1.8)] = 0.0
    audio[:: rate // 2] += 0.3
    return audio.astype(np.float32)
