"""The crops of step after step, there before they are asked for."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from timbre.cache.crops import Crops, Cut
from timbre.cache.resident import Resident

# LMDB and the copying of arrays do without Python's lock, so threads do; they read so many steps ahead.
READERS = 2
STEPS_AHEAD = 6


class Feed:
    """Gives the crops of each step, or of a process's share of it.

    They come from the device's memory, once they are all there, and before that, or without, from LMDB by readers that
    run ahead. They are the same crops.
    batch: crops of a whole step. resident: whether the device is to hold them all.
    """

    def __init__(self, crops: Crops, batch: int, seed: int, share: slice, resident: bool) -> None:
        self.crops, self.batch, self.seed, self.share = crops, batch, seed, share
        self.resident = Resident(crops) if resident else None
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._ahead: dict[int, Future[tuple[Cut, np.ndarray]]] = {}

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self._readers.shutdown(cancel_futures=True)
        if self.resident is not None:
            self.resident.close()

    def crops_of(self, step: int) -> dict[str, Tensor]:
        """The crops of a step (see `Crops.random`)."""
        if self.resident is not None and self.resident.full.is_set():
            self._ahead = {}
            numbers, chances = self._drawn(step)
            cut = self.resident.cut(numbers)
        else:
            wanted = range(step, step + STEPS_AHEAD)
            self._ahead = {at: self._ahead.get(at) or self._readers.submit(self._read, at) for at in wanted}
            cut, chances = self._ahead[step].result()
        return self.crops.named(cut) | {"chance": torch.from_numpy(chances)}

    def _read(self, step: int) -> tuple[Cut, np.ndarray]:
        numbers, chances = self._drawn(step)
        cut = self.crops.read(numbers)
        return cut.pinned() if self.crops.device.type == "cuda" else cut, chances

    def _drawn(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of this process's crops of a step, and the seeds of their chance."""
        numbers, chances = self.crops.drawn(self.batch, self.seed, step)
        return numbers[self.share], chances[self.share]
