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
class _Span:
    """A recording, or a part of one, on the timeline: its first audio frame there, and how many places a crop may start
    at.
    """

    file: dict
    begin: int
    positions: int


class Crops:
    """The crops of one split by their number; every frame of a recording where a whole crop fits is a place to start.

    Recordings, or their parts, stand on one timeline of frames, each with silence before it, and after it where it is
    shorter than a crop. The whole timeline is held on `device` if it takes at most `resident_bytes`; else crops are
    read from LMDB.
    Raises: UserError through the cache where it is damaged.
    """

    def __init__(
        self, cache: Cache, split: str, shape: CropShape, device: torch.device, resident_bytes: float = float("inf")
    ) -> None:
        self.cache = cache
        self.shape = shape
        self.device = device
        self.hop = cache.manifest["features"]["hop_samples"]
        self.first_f0_hz = extractor_of(cache.manifest["features"]).first_f0_hz
        self.channels = cache.manifest["channels"]
        self.slice_frames = cache.manifest["slice_frames"]
        self.front = max(0, shape.lead_frames - shape.delay_frames)
        self.spans: list[_Span] = []
        end = 0
        for file in cache.files(split):
            audio_frames = -(-file["samples"] // self.hop)
            begin = end + self.front
            self.spans.append(_Span(file, begin, max(1, audio_frames - shape.crop_frames + 1)))
            end = begin + max(audio_frames, shape.crop_frames) + shape.delay_frames
        self.ends = np.cumsum([span.positions for span in self.spans])
        self.frames = end
        self.resident = end * (2 * self.channels * self.hop + 4 * len(FEATURE_NAMES)) <= resident_bytes
        if self.resident:
            self._audio = torch.zeros(end, self.channels, self.hop, dtype=torch.int16)
            self._features = self._silence(end)
            for span in self.spans:
                audio, features = self._read(span, 0, min(span.file["frames"], self._length(span)))
                self._audio[span.begin : span.begin + len(audio)] = audio
                self._features[:, span.begin : span.begin + features.shape[1]] = features
                # Past its end a file keeps its last pitch, as a stream would.
                self._features[0, span.begin + features.shape[1] : span.begin + self._length(span)] = features[0, -1]
            self._audio, self._features = self._audio.to(device), self._features.to(device)

    def __len__(self) -> int:
        """How many different crops there are."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def random(self, batch: int, seed: int, step: int) -> dict[str, Tensor]:
        """Crops for a step: a pure function of seed and step, so that a resumed run sees what it would have seen."""
        return self.batch(np.random.default_rng([seed, step]).integers(len(self), size=batch))

    def spread(self, most: int) -> list[int]:
        """Numbers of at most `most` crops, evenly spread and no closer than they are long."""
        count = max(1, min(most, len(self) // self.shape.crop_frames))
        return [round(index) for index in np.linspace(0, len(self) - 1, count)]

    def batch(self, numbers: np.ndarray | list[int]) -> dict[str, Tensor]:
        """Crops by number.

        Returns: audio [batch, channels, crop_frames * hop] float32; each feature by name [batch, lead_frames +
        crop_frames]; position_samples [batch], where on the timeline the crop starts.
        """
        shape = self.shape
        places = [self._place(int(number)) for number in numbers]
        if self.resident:
            starts = torch.tensor([span.begin + position for span, position in places], device=self.device)
            audio = self._audio[starts[:, None] + torch.arange(shape.crop_frames, device=self.device)]
            around = torch.arange(-shape.lead_frames, shape.crop_frames, device=self.device) + shape.delay_frames
            features = self._features[:, starts[:, None] + around].transpose(0, 1)
        else:
            crops = [self._crop(span, position) for span, position in places]
            starts = torch.tensor([span.begin + position for span, position in places], device=self.device)
            audio = torch.stack([crop[0] for crop in crops]).to(self.device)
            features = torch.stack([crop[1] for crop in crops]).to(self.device)
        named = {name: features[:, index].contiguous() for index, name in enumerate(FEATURE_NAMES)}
        return {
            "audio": audio.transpose(1, 2).reshape(len(places), self.channels, -1).to(torch.float32) / FULL_SCALE,
            "position_samples": starts * self.hop,
            **named,
        }

    def _place(self, number: int) -> tuple[_Span, int]:
        index = int(np.searchsorted(self.ends, number, side="right"))
        return self.spans[index], number - int(self.ends[index] - self.spans[index].positions)

    def _length(self, span: _Span) -> int:
        return max(-(-span.file["samples"] // self.hop), self.shape.crop_frames) + self.shape.delay_frames

    def _crop(self, span: _Span, position: int) -> tuple[Tensor, Tensor]:
        """One crop read from LMDB, with silence where it reaches over the file's ends."""
        shape = self.shape
        first = position + shape.delay_frames - shape.lead_frames
        last = position + shape.delay_frames + shape.crop_frames
        inside = max(0, min(first, position)), min(last, span.file["frames"])
        audio, features = self._read(span, inside[0], inside[1] - inside[0])
        all_audio = torch.zeros(shape.crop_frames, self.channels, self.hop, dtype=torch.int16)
        part = audio[position - inside[0] : position - inside[0] + shape.crop_frames]
        all_audio[: len(part)] = part
        all_features = self._silence(shape.lead_frames + shape.crop_frames)
        offset = max(0, first) - first
        part = features[:, max(0, first) - inside[0] :]
        all_features[:, offset : offset + part.shape[1]] = part
        all_features[0, offset + part.shape[1] :] = features[0, -1]
        return all_audio, all_features

    def _silence(self, frames: int) -> Tensor:
        """Features of a stream that has heard nothing. [features, frames]."""
        silence = {"f0_hz": self.first_f0_hz, "voiced": 0.0, "loudness_db": FLOOR_DB, "clarity": 0.0}
        return torch.tensor([silence[name] for name in FEATURE_NAMES]).unsqueeze(1).repeat(1, frames)

    def _read(self, span: _Span, first: int, frames: int) -> tuple[Tensor, Tensor]:
        """Frames of a span: audio [frames, channels, hop] int16, zeros after its end; features [features, frames]."""
        begin, end = first // self.slice_frames, -(-(first + frames) // self.slice_frames)
        indices = [span.file["first_slice"] + index for index in range(begin, end)]
        audio = np.concatenate([self.cache.audio(index) for index in indices], axis=1)
        features = np.concatenate([self.cache.features(index) for index in indices], axis=1)
        skip = first - begin * self.slice_frames
        audio = audio[:, skip * self.hop : (skip + frames) * self.hop]
        audio = np.pad(audio, ((0, 0), (0, frames * self.hop - audio.shape[1])))
        audio = audio.reshape(self.channels, frames, self.hop).swapaxes(0, 1).copy()
        return torch.from_numpy(audio), torch.from_numpy(features[:, skip : skip + frames].copy())
