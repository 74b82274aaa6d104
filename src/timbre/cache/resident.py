"""A whole timeline of crops in the memory of a device."""

from __future__ import annotations

from threading import Event, Thread

import numpy as np
import torch

from timbre.cache.crops import Crops, Cut
from timbre.cache.store import FEATURE_NAMES
from timbre.dsp.chance import sent

# Frames that are read and sent to the device at once.
PIECE_FRAMES = 4096


class Resident:
    """The timeline of crops, held on their device, where crops are cut without a reader.

    It fills by itself, in a thread, while crops are still read from disk: a corpus of a hundred hours takes minutes.
    `full` is set as soon as everything is there, or reading has failed; then `cut` gives the crops, or raises why not.
    """

    def __init__(self, crops: Crops) -> None:
        self.crops = crops
        self.full = Event()
        self._closing = Event()
        self._error: Exception | None = None
        self._filler = Thread(target=self._fill, daemon=True)
        self._filler.start()

    def cut(self, numbers: np.ndarray) -> Cut:
        """Crops by number, as `Crops.read` gives them, but on the device."""
        if self._error is not None:
            raise self._error
        shape, device = self.crops.shape, self.crops.device
        starts = sent(self.crops.starts(numbers), device)
        around = torch.arange(-shape.lead_frames, shape.crop_frames, device=device) + shape.delay_frames
        audio = self._audio[starts[:, None] + torch.arange(shape.crop_frames, device=device)]
        return Cut(starts, audio, self._features[:, starts[:, None] + around].transpose(0, 1))

    def close(self) -> None:
        """Stop filling."""
        self._closing.set()
        self._filler.join()

    def _fill(self) -> None:
        try:
            self._fill_all()
        except Exception as error:  # of another thread, which is told when it asks for crops
            self._error = error
        self.full.set()

    def _fill_all(self) -> None:
        crops = self.crops
        self._audio = torch.zeros(crops.frames, crops.channels, crops.hop, dtype=torch.int16, device=crops.device)
        self._features = torch.from_numpy(crops.silence(1)).to(crops.device).repeat(1, crops.frames)
        for span in crops.spans:
            frames = min(span.file["frames"], span.length)
            for first in range(0, frames, PIECE_FRAMES):
                if self._closing.is_set():
                    return
                audio, features = crops.read_span(span, first, min(PIECE_FRAMES, frames - first))
                begin = span.begin + first
                self._audio[begin : begin + len(audio)] = torch.from_numpy(audio.copy()).to(crops.device)
                self._features[:, begin : begin + len(audio)] = torch.from_numpy(features.copy()).to(crops.device)
            # Past its end a file keeps its last pitch, as a stream would.
            self._features[0, span.begin + frames : span.begin + span.length] = float(features[0, -1])
        if crops.device.type == "cuda":
            torch.cuda.synchronize(crops.device)


def resident_bytes(crops: Crops) -> int:
    """What a timeline takes on a device."""
    return crops.frames * (2 * crops.channels * crops.hop + 4 * len(FEATURE_NAMES))
