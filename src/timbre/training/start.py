"""Starting from the weights of another run."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import nn

from timbre import models
from timbre.errors import UserError
from timbre.files import read_json

KEY = "params.yaml: train.init_from"
# More of them tell no more.
MOST_SHAPES = 5


def start_from(folder: Path, network: nn.Module, config: dict, models_folder: Path) -> str:
    """Give a network the weights of the training folder of another run; returns their SHA-256.

    config: the network's (see `timbre.models.describe`). What differs in it but for seed and statistics, which belong
    to the corpus, would make the weights mean something else.
    Raises: UserError where the folder is none of a training, is `models_folder`, or holds another network: then it
    names what differs, and the tensors of other shapes.
    """
    if folder.resolve() == models_folder.resolve():
        raise UserError(f"{KEY}: {folder} is what this training writes. Copy it to another place, and name that.")
    missing = [name for name in ("config.json", "weights.pt") if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{KEY}: {folder} has no {' and no '.join(missing)}. Name a copy of models/train, or none.")
    other = models.load(folder)
    there, here = _meaning(read_json(folder / "config.json")), _meaning(config)
    differing = [
        f"{key} is {there.get(key, 'unknown')} there, {here.get(key, 'unknown')} here"
        for key in sorted(there.keys() | here.keys())
        if there.get(key) != here.get(key)
    ]
    if differing:
        lines = [*differing, *_shapes(other, network)]
        listed = "".join(f"\n       {line}" for line in lines)
        raise UserError(f"{KEY}: {folder} is another network:{listed}\n       Make them equal, or write none.")
    network.load_state_dict(other.state_dict())
    return hashlib.sha256((folder / "weights.pt").read_bytes()).hexdigest()


def _meaning(config: dict) -> dict[str, object]:
    """What weights depend on, by key."""
    flat = {name: config.get(name) for name in ("model", "synth", "channels")}
    for section in ("features", "network"):
        flat |= {f"{section}.{name}": value for name, value in config[section].items()}
    return flat


def _shapes(other: nn.Module, network: nn.Module) -> list[str]:
    """The tensors that are in both, in other shapes."""
    there = {name: list(value.shape) for name, value in other.state_dict().items()}
    here = {name: list(value.shape) for name, value in network.state_dict().items()}
    lines = [
        f"{name} has the shape {there[name]} there, {here[name]} here"
        for name in here
        if name in there and there[name] != here[name]
    ]
    more = len(lines) - MOST_SHAPES
    return lines[:MOST_SHAPES] + ([f"and so have {more} others"] if more > 0 else [])
