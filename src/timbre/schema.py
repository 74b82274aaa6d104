"""The check of files that stages write, against what they may hold: they may come from elsewhere, or be damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from timbre.errors import UserError, shown, shown_name
from timbre.params import Features

# More of them tell no more.
MOST_FAULTS = 5


class Told(BaseModel):
    """A part of a file: what is there must be of the right kind; what another version tells besides is no fault."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class FeatureConfig(Features):
    """What defines every feature value; see `timbre.features.extractor.feature_config`."""

    sample_rate: int = Field(ge=1000, le=768_000)
    version: int

    @model_validator(mode="after")
    def _heard(self) -> FeatureConfig:
        if self.f0_min_hz < 2 * self.sample_rate / self.window_samples or self.f0_max_hz > self.sample_rate / 4:
            raise ValueError("f0_min_hz and f0_max_hz do not fit its sample_rate and window_samples")
        return self


def is_below(name: str) -> bool:
    """Whether a name, with forward slashes, leads to something below the folder that it is relative to."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\0" not in name


def _below(name: str) -> str:
    if not is_below(name):
        raise ValueError("it leads out of its folder")
    return name


Below = Annotated[str, AfterValidator(_below)]
Count = Annotated[int, Field(ge=0)]


class CachedFile(Told):
    """A recording of the cache, or a part of one."""

    file: Below
    split: Literal["train", "validation", "test"]
    start_samples: Count
    samples: Count


class CorpusStatistics(Told):
    """See `timbre.cache.statistics`."""

    voiced_share: float = Field(ge=0.0, le=1.0)
    f0_hz: Annotated[list[Annotated[float, Field(gt=0.0)]], Field(min_length=5, max_length=5)] | None
    loudness_db: Annotated[list[float], Field(min_length=5, max_length=5)] | None


T = TypeVar("T", bound=BaseModel)


def checked(kind: type[T], raw: Any, path: Path, remedy: str) -> T:
    """What a file called `path` holds, checked. Raises: UserError with a line for each fault, and the remedy."""
    try:
        told = kind.model_validate(raw)
        for key in _with_a_point(raw, told.model_dump()):
            raise UserError(f"{path}: {shown_name(key)} is a whole number with a point. {remedy}")
        return told
    except ValidationError as error:
        faults = [_line(fault) for fault in error.errors(include_url=False)]
        lines = [f"{path}: {line}" for line in faults[:MOST_FAULTS]]
        if len(faults) > MOST_FAULTS:
            lines.append(f"and {len(faults) - MOST_FAULTS} more")
        raise UserError("\n       ".join([*lines, remedy])) from None


def _with_a_point(raw: Any, told: Any, place: str = "") -> Iterator[str]:
    """Keys of numbers that are whole and written as others, 512.0: pydantic takes them for a choice of whole ones."""
    if isinstance(told, dict):
        for key in told.keys() & raw.keys():
            yield from _with_a_point(raw[key], told[key], f"{place}.{key}".lstrip("."))
    elif isinstance(told, list):
        for index, (one, other) in enumerate(zip(raw, told, strict=True)):
            yield from _with_a_point(one, other, f"{place}.{index}")
    elif isinstance(told, int) and isinstance(raw, float):
        yield place


def _line(fault: dict[str, Any]) -> str:
    key = ".".join(shown_name(part) for part in fault["loc"]) or "the whole of it"
    if fault["type"] == "missing":
        return f"{key} is missing."
    if fault["type"] == "value_error" and isinstance(fault["input"], dict):
        return f"{key}: {fault['ctx']['error']}."
    return f"{key}: {shown(fault['input'])} is not legal. {fault['msg']}."
