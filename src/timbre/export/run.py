"""The export: write the files, prove them, describe them."""

from __future__ import annotations

import copy
import tempfile
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
from timbre.export.int8 import prove_int8
from timbre.export.make import make_in_new_process
from timbre.export.neutone import target as neutone
from timbre.export.proof import prove
from timbre.files import read_json, replaced_folder, write_json
from timbre.params import Params
from timbre.progress import progress

# Of the test inputs, what int8 is tried on and Neutone shows its users: enough to judge by, and done in seconds.
MOST_SOUNDS = 8
SOUND_SECONDS = 5.0


def export_model(params: Params, models_folder: Path, target: Path) -> dict:
    """Write `target`/model.json and the targets' files from a training folder. Returns: the content of model.json.

    Raises: UserError, and writes nothing, where a file does not do what it promises.
    """
    network = models.load(models_folder, params.export.fidelity)
    with replaced_folder(target) as folder:
        targets = _made(_makers(params, models_folder, network, folder))
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
            "streaming_snr_db": targets["torchscript"].pop("streaming_snr_db"),
            "silence_dbfs": targets["torchscript"].pop("silence_dbfs"),
            "targets": targets,
            "versions": {"timbre": __version__, "torch": torch.__version__.split("+")[0]},
        }
        write_json(folder / "model.json", description)
    return description


def _made(makers: dict[str, Callable[[], dict]]) -> dict[str, dict]:
    """Run all makers, two at a time, since most of their work is done by other processes with one thread each."""
    with (
        ThreadPoolExecutor(2) as pool,
        progress(description="writing and proving", unit="file", total=len(makers)) as bar,
    ):
        futures = {name: pool.submit(make) for name, make in makers.items()}
        try:
            for future in as_completed(futures.values()):
                future.result()
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        return {name: future.result() for name, future in futures.items()}


def _makers(params: Params, models_folder: Path, network: nn.Module, folder: Path) -> dict[str, Callable[[], dict]]:
    """For each target what writes and proves its file in `folder`, and returns what model.json says of it.

    Each has the network to itself, since proving turns its controls.
    """
    wanted, is_int8 = params.export.targets, params.export.precision == "int8"
    inputs = Path(params.data.test_inputs)
    sounds = {}
    if is_int8 or "neutone" in wanted:
        sounds = test_sounds(inputs, network.sample_rate, network.channels)

    def make_torchscript(path: Path = folder / "model.ts") -> dict:
        make_in_new_process(models_folder, path, params.export.fidelity)
        found = prove(path, copy.deepcopy(network), params.export)
        silence_dbfs = max(found["fresh_silence_dbfs"], found["silence_after_sound_dbfs"])
        figures = {"streaming_snr_db": min(found["snr_db"].values()), "silence_dbfs": silence_dbfs}
        return described(path, network.delay) | {name: round(value, 1) for name, value in figures.items()}

    def make_int8(path: Path = folder / "model_int8.ts") -> dict:
        make_in_new_process(models_folder, path, params.export.fidelity, "int8")
        with tempfile.TemporaryDirectory() as scratch:  # another may be writing model.ts
            whole = Path(scratch) / "model.ts"
            make_in_new_process(models_folder, whole, params.export.fidelity)
            found = prove_int8(path, whole, sounds, params.export.int8_max_distance_db)
        return described(path, network.delay) | found

    def make_neutone() -> dict:
        own = copy.deepcopy(network)
        said = neutone.write(own, folder, params, list(sounds.values()))
        neutone.prove(folder / "model.nm", own, params)
        return said

    def make_onnx() -> dict:
        from timbre.export.onnx import target as onnx  # its exporter takes long to import

        own = copy.deepcopy(network)
        said = onnx.write(own, folder, params)
        onnx.prove(folder / "model.onnx", own, params)
        return said

    makers: dict[str, Callable[[], dict]] = {"torchscript": make_torchscript}
    if is_int8:
        makers["torchscript_int8"] = make_int8
    if "neutone" in wanted:
        makers["neutone"] = make_neutone
    if "onnx" in wanted:
        makers["onnx"] = make_onnx
    return makers


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
