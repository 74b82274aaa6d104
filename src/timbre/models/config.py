"""config.json of a training folder: what it may hold, within the limits that params.yaml has for the same keys."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, create_model

from timbre.params import ModelName, Sizes, SynthName
from timbre.schema import CorpusStatistics, FeatureConfig, Told, checked

REMEDY = "Get the folder anew, or run `dvc repro -f train`."


class _Config(Told):
    model: ModelName
    seed: int = Field(ge=0, lt=2**63)
    channels: Literal[1, 2]
    features: FeatureConfig
    statistics: CorpusStatistics


class _Ddsp(_Config):
    synth: SynthName


def require_config(config: dict, keys: dict[str, tuple[str, ...]], path: Path) -> None:
    """Raise UserError with a line for each thing in a configuration, read from `path`, that makes no network.

    keys: the names of what a network is made from, by its name, as `timbre.models.NETWORK_KEYS`.
    """
    kind = checked(_Ddsp if config.get("model") == "ddsp" else _Config, config, path, REMEDY)
    network = _part_of(_preset_of(kind.model), keys[getattr(kind, "synth", kind.model)])
    checked(create_model("Config", __base__=Told, network=(network, ...)), config, path, REMEDY)


def _preset_of(model: str) -> type[BaseModel]:
    """What params.yaml may hold for a size of a model."""
    sizes = [size.annotation.model_fields for size in Sizes.model_fields.values()]
    return next(size[model].annotation for size in sizes if model in size)


def _part_of(preset: type[BaseModel], keys: tuple[str, ...]) -> type[BaseModel]:
    fields = {key: (preset.model_fields[key].annotation, preset.model_fields[key]) for key in keys}
    return create_model("Network", __base__=Told, **fields)
