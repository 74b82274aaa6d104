"""The check of files that stages write, against what they may hold: they may come from elsewhere, or be damaged."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from timbre.errors import UserError, shown, shown_name
from timbre.params import Features

# More of them tell no more.
MOST_FAULTS = 5


class Told(BaseModel):
    """A part of a file: what is there must be of the right kind; what another version tells besides is no fault."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class FeatureConfig(Features):
    """What defines every feature value; see `timbre.features.extractor.feature_config`."""

    sample_rate: int
    version: int


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
        return kind.model_validate(raw)
    except ValidationError as error:
        faults = [_line(fault) for fault in error.errors(include_url=False)]
        lines = [f"{path}: {line}" for line in faults[:MOST_FAULTS]]
        if len(faults) > MOST_FAULTS:
            lines.append(f"and {len(faults) - MOST_FAULTS} more")
        raise UserError("\n       ".join([*lines, remedy])) from None


def _line(fault: dict[str, Any]) -> str:
    key = ".".join(shown_name(part) for part in fault["loc"]) or "the whole of it"
    if fault["type"] == "missing":
        return f"{key} is missing."
    return f"{key}: {shown(fault['input'])} is not legal. {fault['msg']}."
