"""What is to be heard of a training: a few validation crops, and what the network makes of them as it learns."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from timbre.cache.crops import Crops, CropShape
from timbre.cache.store import Cache

PIECES = 2
PIECE_SECONDS = 2.0
# Places in the validation set that are looked at for the pieces.
CANDIDATES = 16
FADE_SECONDS = 0.005
FULL_SCALE = 32767.0
# Validations that are kept to be heard, so that page and checkpoint stay small.
MOST_HEARD = 12


class Listening:
    """Some seconds of the validation set. original: [channels, samples] int16, as it is on the page."""

    def __init__(self, cache: Cache, task: nn.Module, device: torch.device) -> None:
        features = cache.manifest["features"]
        self.sample_rate = features["sample_rate"]
        # A crop of training may be too short to be heard, so several follow on each other without a seam.
        crop_seconds = task.crop_frames * features["hop_samples"] / self.sample_rate
        crops = max(1, round(PIECE_SECONDS / crop_seconds))
        shape = CropShape(crops * task.crop_frames, task.lead_frames, task.delay_frames)
        pieces = Crops(cache, "validation", shape, device)
        places = pieces.spread(CANDIDATES)
        half = max(1, len(places) // 2)
        self.batch = pieces.batch([_loudest(pieces, part) for part in (places[:half], places[half:])[:PIECES] if part])
        self.original = self._joined(self.batch["audio"])

    def heard(self, listen: Callable[[dict[str, Tensor]], Tensor]) -> Tensor:
        """What `listen` makes of them, piece after piece. [channels, samples] int16."""
        pieces = [
            listen({name: value[index : index + 1] for name, value in self.batch.items()})
            for index in range(len(self.batch["audio"]))
        ]
        return self._joined(torch.cat(pieces))

    def _joined(self, pieces: Tensor) -> Tensor:
        """[pieces, channels, samples] one after the other, faded at their ends, on the host."""
        pieces = pieces[:, :, : round(PIECE_SECONDS * self.sample_rate)].float().cpu()
        rise = (torch.arange(pieces.shape[2]) / (FADE_SECONDS * self.sample_rate)).clamp(max=1.0)
        faded = (pieces * rise * rise.flip(0)).clamp(-1.0, 1.0)
        return (faded.transpose(0, 1).flatten(1) * FULL_SCALE).round().to(torch.int16)


def heard_steps(steps: list[int], most: int = MOST_HEARD) -> list[int]:
    """Which validations, of all up to now, are kept to be heard: evenly spread from the first, and the last.

    A function of the steps alone, and what it has dropped it never asks for again.
    """
    stride = 1
    while len(chosen := [*steps[:-1:stride], *steps[-1:]]) > most:
        stride *= 2
    return chosen


def _loudest(crops: Crops, places: list[int]) -> int:
    """The place with the most energy: what is silent says nothing of the network."""
    return max(places, key=lambda place: float(crops.batch([place])["audio"].square().sum()))
