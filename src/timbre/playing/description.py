"""model.json: what an export tells of its files, and the check of a file against it, before anything in it runs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from timbre.errors import UserError
from timbre.files import read_json
from timbre.schema import Count, FeatureConfig, Told, checked

NAME = "model.json"
REMEDY = "Get the whole folder anew from where it came from, or run `dvc repro -f export`."
Positive = Annotated[int, Field(ge=1)]
# Of delays, tails and blocks: minutes, which no effect has, and hosts and the evaluation wait for.
Samples = Annotated[int, Field(ge=0, le=10_000_000)]


class Control(Told):
    """What a player may turn; see `timbre.models.control`."""

    name: str = Field(min_length=1)
    least: float
    most: float
    default: float
    neutral: float
    unit: str
    meaning: str
    knob: Annotated[list[float], Field(min_length=2, max_length=2)] | None


class Target(Told):
    """A file of the export."""

    file: str = Field(pattern=re.compile(r"^[^/\\\0]+\.(ts|nm|onnx)$"))
    bytes: Positive
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    delay_samples: Samples


class Versions(Told):
    """What the files were made with."""

    timbre: str
    torch: str


class Description(Told):
    """The whole of model.json; docs/exports.md has what each key means."""

    model: str
    sample_rate_hz: Positive
    channels: Literal[1, 2]
    block_samples: Annotated[Samples, Field(ge=1)]
    delay_samples: Samples
    tail_samples: Samples
    parameters: Count
    latent_dimensions: Positive | None
    controls: list[Control]
    features: FeatureConfig | None
    streaming_snr_db: float
    silence_dbfs: float
    targets: dict[Literal["torchscript", "torchscript_int8", "neutone", "onnx"], Target]
    versions: Versions


def read_description(path: Path) -> Description:
    """Read a model.json. Raises: UserError that names the key where it is missing, damaged or not as it should be."""
    return checked(Description, read_json(path), path, REMEDY)


def read_checked(path: Path) -> tuple[bytes, bool]:
    """The content of an exported file, and whether a model.json beside it tells of this very content.

    It must, of a file that it names; another file may have any content. What is to be loaded is what was checked, so
    nobody reads the file again.
    Raises: UserError where it cannot be read, the model.json is damaged, or the file is not the one that it tells of.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
    beside = path.with_name(NAME)
    if not beside.is_file():
        return content, False
    targets = read_description(beside).targets.values()
    found = hashlib.sha256(content).hexdigest()
    told = next((target for target in targets if target.file == path.name), None)
    if told is None:  # perhaps renamed
        return content, any(target.sha256 == found for target in targets)
    if (len(content), found) != (told.bytes, told.sha256):
        raise UserError(
            f"{path} is not the file that {beside} tells of: {len(content)} bytes with the SHA-256 {found}, not "
            f"{told.bytes} with {told.sha256}. It was changed, damaged or exchanged, and nothing in it was run. "
            f"{REMEDY}"
        )
    return content, True
