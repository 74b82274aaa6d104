"""The target as the export stage calls it: write model.onnx, prove it."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from timbre.errors import UserError
from timbre.export.archive import described
from timbre.export.effect import StreamingEffect
from timbre.export.onnx.graph import Graph
from timbre.export.onnx.layout import turned
from timbre.export.onnx.tidy import tidied
from timbre.export.onnx.trace import OPSET, traced
from timbre.export.proof import judged, kept, level_faults, offline, test_signal
from timbre.files import write_bytes
from timbre.models.control import default_settings
from timbre.params import Params

# Rank of the rows of samples that layers hand on: whether they are turned is decided for all of them together.
ROWS_RANK = 3
# Of the proof: how far each control is turned, as a share of the way from its default to the most.
TURNED_SHARE = 0.3


def write(network: nn.Module, folder: Path, params: Params) -> dict:
    """Write `folder`/model.onnx, the same bytes for the same network. Returns: what model.json says of it.

    Raises: UserError where the network does something that no graph can.
    """
    try:
        graph = Graph(traced(network))
    except torch.onnx.errors.OnnxExporterError as error:
        raise UserError(f"ONNX has no form for this network: {error}. Leave onnx out of export.targets.") from None
    tidied(graph, but_rank=ROWS_RANK)
    turned(graph)
    tidied(graph)
    description = {
        "sample_rate_hz": network.sample_rate,
        "channels": network.channels,
        "block_samples": network.hop,
        "delay_samples": network.delay,
        "controls": [asdict(control) for control in network.controls],
    }
    model = graph.model({"timbre": json.dumps(description, sort_keys=True)})
    onnx.checker.check_model(model, full_check=True)
    write_bytes(folder / "model.onnx", model.SerializeToString(deterministic=True))
    figures = {
        "block_samples": network.hop,
        "states": len(model.graph.input) - 2,
        "opset": OPSET,
        "nodes": len(model.graph.node),
    }
    return described(folder / "model.onnx", network.delay) | figures


def prove(path: Path, network: nn.Module, params: Params) -> dict:
    """Have a new process play model.onnx as a host does (see `timbre.export.onnx.verify`) and judge what it found.

    Raises: UserError that lists every promise the file does not keep.
    """
    found = judged("timbre.export.onnx.verify", path, reference_of(network))
    return kept(path, found, broken_promises(found, network.delay, params.export.min_snr_db))


def reference_of(network: nn.Module) -> dict[str, np.ndarray]:
    """What `timbre.export.onnx.verify` compares with."""
    defaults = default_settings(network.controls)
    most = torch.tensor([control.most for control in network.controls], dtype=torch.float64)
    turned_settings = defaults + TURNED_SHARE * (most - defaults)
    # The middle of the test signal has all that tries a model.
    audio = test_signal(network.sample_rate, network.channels)[:, network.sample_rate : 3 * network.sample_rate]
    short = audio[:, : network.sample_rate // 2]
    return {
        "audio": audio,
        "offline": offline(network, audio, defaults),
        "streamed": streamed(network, audio, defaults),
        "short": short,
        "turned": turned_settings.numpy().astype(np.float32),
        "turned_streamed": streamed(network, short, turned_settings),
        "tail": np.array(network.tail_samples),
    }


@torch.no_grad()
def streamed(network: nn.Module, audio: np.ndarray, settings: Tensor) -> np.ndarray:
    """What the effect in model.ts makes of the whole hops of audio [channels, samples], hop by hop."""
    network = copy.deepcopy(network)
    network.fold()
    network.settings = settings
    effect = StreamingEffect(network)
    whole = torch.from_numpy(audio[:, : audio.shape[1] // network.hop * network.hop])[None]
    return torch.cat([effect(block) for block in whole.split(network.hop, dim=2)], dim=2)[0].numpy()


def broken_promises(findings: dict, delay: int, min_snr_db: float) -> list[str]:
    """One line for each thing that model.onnx must do and does not."""
    compared = {
        "offline_snr_db": "its stream equals the network offline",
        "stream_snr_db": "its stream equals that of model.ts",
        "turned_snr_db": "with other controls, its stream equals that of model.ts",
    }
    faults = [
        f"{claim} to {findings[name]:.1f} dB of {min_snr_db:g} (export.min_snr_db)"
        for name, claim in compared.items()
        if findings[name] < min_snr_db
    ]
    if findings["delay_samples"] != delay:
        faults.append(f"its delay is {findings['delay_samples']} samples, {delay} are reported")
    if not findings["zeros_begin_anew"]:
        faults.append("from states of zeros it does not play the same bits again")
    return faults + level_faults(findings)
