"""The export: write the files, prove them, describe them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from timbre import __version__, models
from timbre.audio.io import UnreadableError, find_recordings
from timbre.audio.sound import read_sound
from timbre.errors import UserError
from timbre.export.archive import described
from timbre.export.int8 import prove_int8
from timbre.export.make import make_in_new_process
from timbre.export.neutone import target as neutone
from timbre.export.proof import prove
from timbre.files import read_json, replaced_folder, write_json
from timbre.params import Params

# Of the test inputs, what int8 is tried on and Neutone shows its users: enough to judge by, and done in seconds.
MOST_SOUNDS = 8
SOUND_SECONDS = 5.0


def export_model(params: Params, models_folder: Path, target: Path) -> dict:
    """Write `target`/model.json and the targets' files from a training folder. Returns: the content of model.json.

    Raises: UserError, and writes nothing, where a file does not do what it promises.
    """
    network = models.load(models_folder, params.export.fidelity)
    with replaced_folder(target) as folder:
        tried = params.export.precision == "int8" or "neutone" in params.export.targets
        inputs = Path(params.data.test_inputs)
        sounds = test_sounds(inputs, network.sample_rate, network.channels) if tried else {}
        findings, targets = _torchscript(params, models_folder, network, folder, sounds)
        if "neutone" in params.export.targets:
            targets["neutone"] = neutone.write(network, folder, params, list(sounds.values()))
            neutone.prove(folder / "model.nm", network, params)
        if "onnx" in params.export.targets:
            from timbre.export.onnx import target as onnx

            targets["onnx"] = onnx.write(network, folder, params)
            onnx.prove(folder / "model.onnx", network, params)
        description = {
            "model": read_json(models_folder / "config.json")["model"],
            "sample_rate_hz": network.sample_rate,
            "channels": network.channels,
            "block_samples": network.hop,
            "delay_samples": network.delay,
            "tail_samples": network.tail_samples,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "latent_dimensions": getattr(network, "latent_dimensions", None),
            "controls": [asdict(control) for control in network.controls],
            "features": getattr(network, "extractor_config", None),
            "streaming_snr_db": round(min(findings["snr_db"].values()), 1),
            "silence_dbfs": round(max(findings["fresh_silence_dbfs"], findings["silence_after_sound_dbfs"]), 1),
            "targets": targets,
            "versions": {"timbre": __version__, "torch": torch.__version__.split("+")[0]},
        }
        write_json(folder / "model.json", description)
    return description


def _torchscript(
    params: Params, models_folder: Path, network: nn.Module, folder: Path, sounds: dict[str, np.ndarray]
) -> tuple[dict, dict]:
    """Write model.ts, and model_int8.ts where it is wanted. Returns: what the proof found, and what to say of them."""
    make_in_new_process(models_folder, folder / "model.ts", params.export.fidelity)
    findings = prove(folder / "model.ts", network, params.export)
    targets = {"torchscript": described(folder / "model.ts", network.delay)}
    if params.export.precision == "int8":
        make_in_new_process(models_folder, folder / "model_int8.ts", params.export.fidelity, "int8")
        found = prove_int8(folder / "model_int8.ts", folder / "model.ts", sounds, params.export.int8_max_distance_db)
        targets["torchscript_int8"] = described(folder / "model_int8.ts", network.delay) | found
    return findings, targets


def test_sounds(folder: Path, rate_hz: int, channels: int) -> dict[str, np.ndarray]:
    """The first seconds of the first test inputs, by their names below the folder: [channels, samples] each.

    Files that cannot be read are left out; evaluate lists them. Raises: UserError where none is left.
    """
    sounds: dict[str, np.ndarray] = {}
    for path in find_recordings(folder)[:MOST_SOUNDS]:
        try:
            audio = read_sound(path, rate_hz, channels)[:, : round(SOUND_SECONDS * rate_hz)]
        except UnreadableError:
            continue
        if np.any(audio):
            sounds[path.relative_to(folder).as_posix()] = audio
    if not sounds:
        raise UserError(f"{folder} (data.test_inputs) holds no sound to try the export on. Put some recordings there.")
    return sounds
