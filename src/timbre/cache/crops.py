"""Crops of a split, cut anywhere within a recording, across the borders of slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from timbre.cache.store import FEATURE_NAMES, Cache
from timbre.features.extractor import extractor_of
from timbre.features.loudness import FLOOR_DB

FULL_SCALE = 32767.0


@dataclass(frozen=True)
class CropShape:
    """What a task wants to see at once, in frames.

    crop_frames of audio; their features with lead_frames before them, all taken delay_frames later than the audio
    (see `timbre.features.extractor`).
    """

    crop_frames: int
    lead_frames: int
    delay_frames: int


@dataclass(frozen=True)
class Span:
    """A recording, or a part of one, on the timeline.

    begin: its first audio frame there; positions: how many places a crop may start at; length: frames until the last
    that a crop sees.
    """

    file: dict
    begin: int
    positions: int
    length: int


@dataclass(frozen=True)
class Cut:
    """Crops as they are stored, on whatever device.

    starts: frames on the timeline [batch]; audio: int16 [batch, crop_frames, channels, hop]; features: float32 [batch,
    features, lead_frames + crop_frames].
    """

    starts: Tensor
    audio: Tensor
    features: Tensor

    def to(self, device: torch.device) -> Cut:
        """The same on a device, without waiting for it where the memory is pinned."""
        return Cut(*(tensor.to(device, non_blocking=True) for tensor in vars(self).values()))

    def pinned(self) -> Cut:
        """The same in memory from which a GPU copies by itself."""
        return Cut(*(tensor.pin_memory() for tensor in vars(self).values()))


class Crops:
    """The crops of one split by their number; every frame of a recording where a whole crop fits is a place to start.

    Recordings, or their parts, stand on one timeline of frames, each with silence before it, and after it where it is
    shorter than a crop. Nothing is read but what is asked for, so it is ready at once, however long the recordings.
    Raises: UserError through the cache where it is damaged.
    """

    def __init__(self, cache: Cache, split: str, shape: CropShape, device: torch.device) -> None:
        self.cache = cache
        self.shape = shape
        self.device = device
        self.hop = cache.manifest["features"]["hop_samples"]
        self.first_f0_hz = extractor_of(cache.manifest["features"]).first_f0_hz
        self.channels = cache.manifest["channels"]
        self.slice_frames = cache.manifest["slice_frames"]
        self.front = max(0, shape.lead_frames - shape.delay_frames)
        self.spans: list[Span] = []
        end = 0
        for file in cache.files(split):
            audio_frames = -(-file["samples"] // self.hop)
            length = max(audio_frames, shape.crop_frames) + shape.delay_frames
            begin = end + self.front
            self.spans.append(Span(file, begin, max(1, audio_frames - shape.crop_frames + 1), length))
            end = begin + length
        self.ends = np.cumsum([span.positions for span in self.spans])
        self.frames = end

    def __len__(self) -> int:
        """How many different crops there are."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def drawn(self, batch: int, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of a step's crops, and a seed for what chance does to each, both [batch] int64.

        A pure function of seed and step, so that a resumed run sees what it would have seen.
        """
        rng = np.random.default_rng([seed, step])
        return rng.integers(len(self), size=batch), rng.integers(np.iinfo(np.int64).max, size=batch)

    def random(self, batch: int, seed: int, step: int, share: slice = slice(None)) -> dict[str, Tensor]:
        """The crops of a step, or a share of them, with their seeds as `chance` [batch] int64 on the host."""
        numbers, chances = self.drawn(batch, seed, step)
        return self.batch(numbers[share]) | {"chance": torch.from_numpy(chances[share])}

    def spread(self, most: int) -> list[int]:
        """Numbers of at most `most` crops, evenly spread and no closer than they are long."""
        count = max(1, min(most, len(self) // self.shape.crop_frames))
        return [round(index) for index in np.linspace(0, len(self) - 1, count)]

    def batch(self, numbers: np.ndarray | list[int]) -> dict[str, Tensor]:
        """Crops by number, on the device; see `named`."""
        return self.named(self.read(numbers))

    def read(self, numbers: np.ndarray | list[int]) -> Cut:
        """Crops by number from LMDB, on the host."""
        crops = [self._crop(*self.place(int(number))) for number in numbers]
        audio, features = (torch.from_numpy(np.stack(parts)) for parts in zip(*crops, strict=True))
        return Cut(self.starts(numbers), audio, features)

    def starts(self, numbers: np.ndarray | list[int]) -> Tensor:
        """Frames on the timeline at which crops begin. [batch] int64."""
        places = [self.place(int(number)) for number in numbers]
        return torch.tensor([span.begin + position for span, position in places])

    def named(self, cut: Cut) -> dict[str, Tensor]:
        """Crops as a task wants them, on the device.

        Returns: audio [batch, channels, crop_frames * hop] float32; each feature by name [batch, lead_frames +
        crop_frames]; position_samples [batch], where on the timeline the crop starts.
        """
        cut = cut.to(self.device)
        audio = cut.audio.transpose(1, 2).reshape(len(cut.audio), self.channels, -1).to(torch.float32)
        named = {name: cut.features[:, index].contiguous() for index, name in enumerate(FEATURE_NAMES)}
        return {"audio": audio / FULL_SCALE, "position_samples": cut.starts * self.hop, **named}

    def place(self, number: int) -> tuple[Span, int]:
        """The recording of a crop, and the frame in it at which the crop begins."""
        index = int(np.searchsorted(self.ends, number, side="right"))
        return self.spans[index], number - int(self.ends[index] - self.spans[index].positions)

    def _crop(self, span: Span, position: int) -> tuple[np.ndarray, np.ndarray]:
        """One crop read from LMDB, with silence where it reaches over the file's ends.

        By NumPy, whose copies leave torch's threads alone: it is done beside a training.
        """
        shape = self.shape
        first = position + shape.delay_frames - shape.lead_frames
        last = position + shape.delay_frames + shape.crop_frames
        inside = max(0, min(first, position)), min(last, span.file["frames"])
        audio, features = self.read_span(span, inside[0], inside[1] - inside[0])
        all_audio = np.zeros((shape.crop_frames, self.channels, self.hop), dtype=np.int16)
        part = audio[position - inside[0] : position - inside[0] + shape.crop_frames]
        all_audio[: len(part)] = part
        all_features = self.silence(shape.lead_frames + shape.crop_frames)
        offset = max(0, first) - first
        part = features[:, max(0, first) - inside[0] :]
        all_features[:, offset : offset + part.shape[1]] = part
        all_features[0, offset + part.shape[1] :] = features[0, -1]
        return all_audio, all_features

    def silence(self, frames: int) -> np.ndarray:
        """Features of a stream that has heard nothing, float32 [features, frames]."""
        silence = {"f0_hz": self.first_f0_hz, "voiced": 0.0, "loudness_db": FLOOR_DB, "clarity": 0.0}
        return np.float32([[silence[name]] for name in FEATURE_NAMES]).repeat(frames, axis=1)

    def read_span(self, span: Span, first: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Frames of a span: audio int16 [frames, channels, hop], zeros after its end; features [features, frames]."""
        begin, end = first // self.slice_frames, -(-(first + frames) // self.slice_frames)
        indices = [span.file["first_slice"] + index for index in range(begin, end)]
        audio = np.concatenate([self.cache.audio(index) for index in indices], axis=1)
        features = np.concatenate([self.cache.features(index) for index in indices], axis=1)
        skip = first - begin * self.slice_frames
        audio = audio[:, skip * self.hop : (skip + frames) * self.hop]
        audio = np.pad(audio, ((0, 0), (0, frames * self.hop - audio.shape[1])))
        return audio.reshape(self.channels, frames, self.hop).swapaxes(0, 1), features[:, skip : skip + frames]
