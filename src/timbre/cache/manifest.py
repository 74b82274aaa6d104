"""manifest.json of a cache: what it must hold, and what of it must fit together, before anything is read by it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from timbre.schema import Below, CachedFile, CorpusStatistics, Count, FeatureConfig, Told, checked

Positive = Annotated[int, Field(ge=1)]


class Entry(CachedFile):
    """A recording, or a part of one, with its slices."""

    frames: Positive
    first_slice: Count
    slices: Positive


class ShardEntry(Told):
    """An LMDB file."""

    file: Below
    first_slice: Count
    bytes: Count
    sha256: str


class Manifest(Told):
    """What is read of it. Without recordings, and any word of them, it needs no more than its layout."""

    format: int
    channels: Literal[1, 2]
    shards: list[ShardEntry] = Field(min_length=1)
    files: list[Entry]
    features: FeatureConfig | None = None
    slice_frames: Positive | None = None
    slices: Count | None = None
    seconds: dict[str, float] | None = None
    statistics: CorpusStatistics | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Manifest:
        firsts = [shard.first_slice for shard in self.shards]
        if firsts[0] != 0 or firsts != sorted(set(firsts)):
            raise ValueError("its shards do not follow each other from slice 0 on")
        if self.slice_frames is None and not self.files:
            return self
        for key in ("features", "slice_frames", "slices", "seconds", "statistics"):
            if getattr(self, key) is None:
                raise ValueError(f"{key} is missing")
        if missing := {"train", "validation", "test"} - self.seconds.keys():
            raise ValueError(f"seconds lacks {min(missing)}")
        if missing := {"train", "validation"} - {entry.split for entry in self.files}:
            raise ValueError(f"no file is of the split {min(missing)}")
        end = 0
        for entry in self.files:
            enough = entry.frames * self.features.hop_samples >= entry.samples
            if entry.first_slice != end or entry.slices != -(-entry.frames // self.slice_frames) or not enough:
                raise ValueError(f"the slices of {entry.file} are not those of its length")
            end += entry.slices
        if end != self.slices:
            raise ValueError(f"slices is {self.slices}, and its files have {end}")
        return self


def require_manifest(raw: dict, path: Path) -> None:
    """Raise UserError with a line for each thing in a manifest, read from `path`, that is not as it should be."""
    checked(Manifest, raw, path, f"Delete {path.parent} and run `dvc repro`.")
