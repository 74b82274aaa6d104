"""The networks by name: the one place that knows which there are.

A model is a folder here with a network (`step`, `initial_state`, `forward`, `delay`, `tail_samples`,
`hop`, `sample_rate`) and a task
(see `timbre.training.task`), and a line in `build` and `task_of`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from timbre.errors import UserError, reason
from timbre.features import VERSION
from timbre.files import read_json, write_bytes, write_json

if TYPE_CHECKING:
    from torch import nn

NETWORK_KEYS = {"ddsp": ("hidden", "layers", "harmonics", "noise_bands", "reverb_seconds")}


def describe(model: str, preset: dict, features: dict, seed: int) -> dict:
    """What it takes to build a network anew: the content of models/train/config.json."""
    network = {key: preset[key] for key in NETWORK_KEYS[model]}
    return {"model": model, "network": network, "features": features, "seed": seed}


def build(config: dict) -> nn.Module:
    """The network of a `describe`d configuration with the initial weights of its seed.

    Raises: UserError where it was made for features of another version than this code computes.
    """
    if config["features"]["version"] != VERSION:
        raise UserError(
            f"this model or cache was made with version {config['features']['version']} of the features, this code "
            f"computes version {VERSION}. Run `dvc repro` to make them anew."
        )
    from timbre.models.ddsp.network import Ddsp

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config["seed"])
        return Ddsp(features=config["features"], **config["network"])


def task_of(network: nn.Module, preset: dict) -> nn.Module:
    """What training does with a network."""
    from timbre.models.ddsp.task import DdspTask

    return DdspTask(network, preset["crop_seconds"])


def save(folder: Path, config: dict, weights: dict) -> None:
    """Write config.json and weights.pt."""
    write_json(Path(folder) / "config.json", config)
    archive = io.BytesIO()  # torch would write a file's name into the archive
    torch.save({key: weights[key] for key in sorted(weights)}, archive)
    write_bytes(Path(folder) / "weights.pt", archive.getvalue())


def untrained(folder: Path) -> nn.Module:
    """The network of a training folder as it was before its first step."""
    return build(read_json(Path(folder) / "config.json")).eval()


def load(folder: Path) -> nn.Module:
    """The trained network of a training folder.

    Raises: UserError where the weights are missing or belong to another network.
    """
    network = untrained(folder)
    path = Path(folder) / "weights.pt"
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise UserError(f"{path} is missing. Run `dvc repro` to train it.") from None
    except Exception as error:  # torch names no common type for a damaged archive
        raise UserError(f"{path} does not load ({reason(error)}). Run `dvc repro -f train`.") from None
    return network
