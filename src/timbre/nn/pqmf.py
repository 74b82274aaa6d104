"""The filter bank as layers: audio to bands, bands to audio."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from timbre.dsp.pqmf import analysis_filters


def pair_delay_samples(bands: int, attenuation_db: float) -> int:
    """By how many samples of audio synthesis after analysis is late."""
    return analysis_filters(bands, attenuation_db).shape[1] - bands


def _polyphase(filters: np.ndarray) -> np.ndarray:
    """[bands, taps] -> [bands, rows, bands]: the taps in rows of as many as there are bands, the last filled up."""
    bands, taps = filters.shape
    rows = -(-taps // bands)
    return np.pad(filters, ((0, 0), (0, rows * bands - taps))).reshape(bands, rows, bands)


class _Bank(nn.Module):
    """A causal convolution over rows of `bands` numbers with fixed weights, for each channel by itself.

    The bands of odd number are left as the filters give them, their frequencies reversed. So no sign depends on the
    parity of a sample's index, and whatever delay lies between analysis and synthesis, they fit together.
    """

    def __init__(self, weight: np.ndarray, channels: int) -> None:
        super().__init__()
        self.bands, self.channels = weight.shape[0], channels
        self.context = weight.shape[1] - 1
        self.states = 1
        # [bands, rows * bands] for rows in the order of time.
        self.register_buffer("matrix", torch.from_numpy(weight.reshape(self.bands, -1)).to(torch.float32))

    def initial_state(self, batch: int) -> list[Tensor]:
        return [torch.zeros(batch * self.channels, self.context, self.bands, device=self.matrix.device)]

    def over_time(self, x: Tensor) -> Tensor:
        """[batch, bands, rows] -> the same, the whole signal."""
        return functional.conv1d(functional.pad(x, [self.context, 0]), self._kernel())

    def _kernel(self) -> Tensor:
        """[bands, bands, rows]."""
        return self.matrix.view(self.bands, -1, self.bands).transpose(1, 2)

    def over_rows(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, rows, bands] -> the same, the next block, and the state after it."""
        heard = torch.cat([state, x], dim=1)
        batch, rows, bands = heard.shape
        if not torch.jit.is_scripting():
            if torch.onnx.is_in_onnx_export():
                y = functional.conv1d(heard.transpose(1, 2), self._kernel()).transpose(1, 2)
                return y, heard[:, rows - self.context :]
        windows = heard.as_strided([batch, x.shape[1], (self.context + 1) * bands], [rows * bands, bands, 1])
        return functional.linear(windows, self.matrix), heard[:, rows - self.context :]


class Analysis(_Bank):
    """Audio to bands: [batch, channels, samples] -> [batch, channels * bands, samples / bands].

    `step` gives rows [batch, samples / bands, channels * bands]. Band sample n sees the audio up to (n + 1) * bands.
    """

    def __init__(self, bands: int, attenuation_db: float, channels: int = 1) -> None:
        # Row p before the newest holds samples p * bands to (p + 1) * bands - 1 into the past, its last the nearest.
        super().__init__(_polyphase(analysis_filters(bands, attenuation_db))[:, ::-1, ::-1].copy(), channels)
        self.delay = 0

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        batch, _, samples = x.shape
        rows = x.reshape(batch * self.channels, samples // self.bands, self.bands)
        return self.over_time(rows.transpose(1, 2)).reshape(batch, self.channels * self.bands, -1)

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        batch, channels, samples = x.shape
        frames = samples // self.bands
        y, after = self.over_rows(x.reshape(batch * channels, frames, self.bands), state[0])
        y = y.view(batch, channels, frames, self.bands).transpose(1, 2)
        return y.reshape(batch, frames, channels * self.bands), [after]


class Synthesis(_Bank):
    """Bands to audio, the way back; rows in `step`. Late by `pair_delay_samples` against the audio analysed."""

    def __init__(self, bands: int, attenuation_db: float, channels: int = 1) -> None:
        reversed_filters = analysis_filters(bands, attenuation_db)[:, ::-1]
        # Sample m of a row of audio gathers what each band's past rows leave it: [m, rows, band].
        weight = bands * _polyphase(reversed_filters).transpose(2, 1, 0)[:, ::-1]
        super().__init__(weight.copy(), channels)
        self.delay = 0

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        batch, _, frames = x.shape
        rows = self.over_time(x.reshape(batch * self.channels, self.bands, frames))
        return rows.transpose(1, 2).reshape(batch, self.channels, frames * self.bands)

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        batch, frames, _ = x.shape
        rows = x.view(batch, frames, self.channels, self.bands).transpose(1, 2)
        y, after = self.over_rows(rows.reshape(batch * self.channels, frames, self.bands), state[0])
        return y.view(batch, self.channels, frames * self.bands), [after]
