"""The export: write the files, prove them, describe them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
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
from timbre.export.card import model_card
from timbre.export.int8 import prove_int8
from timbre.export.make import make_in_new_process
from timbre.export.neutone import target as neutone
from timbre.export.proof import prove
from timbre.files import read_json, replaced_folder, write_json, write_text
from timbre.params import Params
from timbre.progress import progress

# Of the test inputs, what int8 is tried on and Neutone shows its users: enough to judge by, and done in seconds.
MOST_SOUNDS = 8
SOUND_SECONDS = 5.0


def export_model(params: Params, models_folder: Path, target: Path) -> dict:
    """Write the targets' files, model.json and README.md to `target` from a training folder. Returns: model.json.

    Raises: UserError, and writes nothing, where a file does not do what it promises.
    """
    network = models.load(models_folder, params.export.fidelity)
    config = read_json(models_folder / "config.json")
    with replaced_folder(target) as folder:
        files = len(params.export.targets) + (params.export.precision == "int8")
        targets = _made(_makers(params, models_folder, network, folder), files)
        description = {
            "model": config["model"],
            "sample_rate_hz": network.sample_rate,
            "channels": network.channels,
            "block_samples": network.hop,
            "delay_samples": network.delay,
            "tail_samples": network.tail_samples,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "latent_dimensions": getattr(network, "latent_dimensions", None),
            "controls": [asdict(control) for control in network.controls],
            "features": getattr(network, "extractor_config", None),
            "streaming_snr_db": targets["torchscript"].pop("streaming_snr_db"),
            "silence_dbfs": targets["torchscript"].pop("silence_dbfs"),
            "targets": targets,
            "versions": {"timbre": __version__, "torch": torch.__version__.split("+")[0]},
        }
        write_json(folder / "model.json", description)
        write_text(folder / "README.md", model_card(description, config, params.export.neutone))
    return description


def _made(makers: list[Callable[[], dict[str, dict]]], files: int) -> dict[str, dict]:
    """Run all makers, two at a time, since most of their work is done by other processes with one thread each."""
    targets: dict[str, dict] = {}
    with ThreadPoolExecutor(2) as pool, progress(description="writing and proving", unit="file", total=files) as bar:
        try:
            for future in as_completed([pool.submit(make) for make in makers]):
                targets |= future.result()
                bar.update(len(targets) - bar.n)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return targets


def _makers(
    params: Params, models_folder: Path, network: nn.Module, folder: Path
) -> list[Callable[[], dict[str, dict]]]:
    """What writes and proves files in `folder`, and returns what model.json says of each, by its target.

    Each has the network to itself, since proving turns its controls.
    """
    wanted, is_int8 = params.export.targets, params.export.precision == "int8"
    inputs = Path(params.data.test_inputs)
    sounds = {}
    if is_int8 or "neutone" in wanted:
        sounds = test_sounds(inputs, network.sample_rate, network.channels)

    def make_torchscript() -> dict[str, dict]:
        path, small = folder / "model.ts", folder / "model_int8.ts"
        make_in_new_process(models_folder, path, params.export.fidelity)
        found = prove(path, copy.deepcopy(network), params.export)
        silence_dbfs = max(found["fresh_silence_dbfs"], found["silence_after_sound_dbfs"])
        figures = {"streaming_snr_db": min(found["snr_db"].values()), "silence_dbfs": silence_dbfs}
        rounded = {name: round(value, 1) for name, value in figures.items()}
        said = {"torchscript": described(path, network.delay) | rounded}
        if is_int8:
            make_in_new_process(models_folder, small, params.export.fidelity, "int8")
            found = prove_int8(small, path, sounds, params.export.int8_max_distance_db)
            said["torchscript_int8"] = described(small, network.delay) | found
        return said

    def make_neutone() -> dict[str, dict]:
        own = copy.deepcopy(network)
        said = neutone.write(own, folder, params, list(sounds.values()))
        neutone.prove(folder / "model.nm", own, params)
        return {"neutone": said}

    def make_onnx() -> dict[str, dict]:
        from timbre.export.onnx import target as onnx  # its exporter takes long to import

        own = copy.deepcopy(network)
        said = onnx.write(own, folder, params)
        onnx.prove(folder / "model.onnx", own, params)
        return {"onnx": said}

    others = {"neutone": make_neutone, "onnx": make_onnx}
    return [make_torchscript, *(make for name, make in others.items() if name in wanted)]


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
