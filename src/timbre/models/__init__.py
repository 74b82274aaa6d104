"""The networks by name: the one place that knows which there are.

A model is a folder here with a network (`step`, `initial_state`, `forward`, `delay`, `tail_samples`, `hop`,
`sample_rate`, `channels`) and a task (see `timbre.training.task`), and a line in `build` and `task_of`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from timbre.errors import UserError, reason
from timbre.features import VERSION
from timbre.files import archive_damage, read_json, write_bytes, write_json
from timbre.models.config import REMEDY, require_config

if TYPE_CHECKING:
    from torch import nn

# What of a preset the network is made from; of ddsp by its synth.
NETWORK_KEYS = {
    "harmonic_noise": (
        "hidden", "layers", "harmonics", "noise_bands", "reverb_seconds", "loudness_skip", "aligned",
    ),
    "noise_bands": ("hidden", "layers", "narrow_bands"),
    "rave": (
        "blocks", "capacity", "ratios", "dilations", "activation", "noise", "no_latency", "pqmf_bands",
        "pqmf_attenuation_db", "latent_size", "regularisation",
    ),
}  # fmt: skip


def describe(model: str, preset: dict, cache: dict, seed: int, synth: str = "harmonic_noise") -> dict:
    """What it takes to build a network anew: the content of models/train/config.json.

    cache: the manifest of the cache that it is trained on, of which features, channels and statistics count. synth: of
    ddsp.
    """
    kind = {"synth": synth} if model == "ddsp" else {}
    network = {key: preset[key] for key in NETWORK_KEYS[kind.get("synth", model)]}
    of_cache = {key: cache[key] for key in ("features", "channels", "statistics")}
    return {"model": model, **kind, "network": network, "seed": seed, **of_cache}


def build(config: dict) -> nn.Module:
    """The network of a `describe`d configuration with the initial weights of its seed.

    Raises: UserError where it was made for features of another version than this code computes.
    """
    features = config["features"]
    if features["version"] != VERSION:
        raise UserError(
            f"this model or cache was made with version {features['version']} of the features, this code "
            f"computes version {VERSION}. Run `dvc repro` to make them anew."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config["seed"])
        if config["model"] == "rave":
            from timbre.models.rave.network import Rave

            return Rave(sample_rate=features["sample_rate"], channels=config["channels"], **config["network"])
        if config["synth"] == "noise_bands":
            from timbre.models.ddsp.noise_bands.network import NoiseBands

            return NoiseBands(features=features, statistics=config["statistics"], **config["network"])
        from timbre.models.ddsp.network import Ddsp

        return Ddsp(features=features, statistics=config["statistics"], **config["network"])


def task_of(network: nn.Module, preset: dict, config: dict) -> nn.Module:
    """What training does with the network of a configuration."""
    if config["model"] == "rave":
        from timbre.models.rave.task import RaveTask

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config["seed"] + 1)  # of the discriminators
            return RaveTask(network, preset, config["features"]["hop_samples"])
    if config["synth"] == "noise_bands":
        from timbre.models.ddsp.noise_bands.task import NoiseBandTask

        return NoiseBandTask(network, preset, config["features"]["hop_samples"])
    from timbre.models.ddsp.task import DdspTask

    return DdspTask(network, preset)


def save(folder: Path, config: dict, weights: dict) -> None:
    """Write config.json and weights.pt."""
    write_json(Path(folder) / "config.json", config)
    archive = io.BytesIO()  # torch would write a file's name into the archive
    torch.save({key: weights[key] for key in sorted(weights)}, archive)
    write_bytes(Path(folder) / "weights.pt", archive.getvalue())


def untrained(folder: Path) -> nn.Module:
    """The network of a training folder as it was before its first step. Raises: UserError as `build`, or damaged."""
    path = Path(folder) / "config.json"
    config = read_json(path)
    require_config(config, NETWORK_KEYS, path)
    try:
        return build(config).eval()
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{path} makes no network ({reason(error)}). {REMEDY}") from None


def load(folder: Path, fidelity: float = 1.0) -> nn.Module:
    """The trained network of a training folder.

    fidelity: the share of the variance of its latent, if it has one, for which it keeps dimensions.
    Raises: UserError where the weights are missing or belong to another network.
    """
    network = untrained(folder)
    path = Path(folder) / "weights.pt"
    try:
        if path.is_file() and (wrong := archive_damage(path)):
            raise ValueError(wrong)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise UserError(f"{path} is missing. Run `dvc repro` to train it.") from None
    except Exception as error:  # torch names no common type for a damaged archive
        raise UserError(f"{path} does not load ({reason(error)}). Run `dvc repro -f train`.") from None
    if hasattr(network, "keep"):
        network.keep(fidelity)
    return network
