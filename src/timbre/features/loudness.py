"""A-weighted level per frame."""

import torch
from torch import Tensor

# The level in dB of silence; everything quieter counts as silence.
FLOOR_DB = -100.0


def a_weighting_db(frequencies_hz: Tensor) -> Tensor:
    """A-weighting in dB (IEC 61672-1, annex E), 0 at 1 kHz; frequencies in Hz, any shape."""
    return 10.0 * torch.log10(a_weighting_power(frequencies_hz.to(torch.float64).clamp(min=1e-6)))


def a_weighting_power(frequencies_hz: Tensor) -> Tensor:
    """A-weighting as a factor of power; same source."""
    squared = frequencies_hz.square()
    ends = squared / ((squared + 20.598997**2) * (squared + 12194.217**2))
    middle = squared / ((squared + 107.65265**2) * (squared + 737.86223**2))
    return (12194.217**4 * 10.0**0.2) * ends.square() * squared * middle


def loudness_weights(window: int, sample_rate: float) -> tuple[Tensor, Tensor]:
    """The Hann window [window] and the power weight of each bin [window / 2 + 1] that `frame_loudness_db` takes.

    Scaled by Parseval's theorem, so that a full-scale sine at 1 kHz measures -3.01 dB.
    """
    hann = torch.hann_window(window, periodic=True, dtype=torch.float64)
    bins = torch.arange(window // 2 + 1, dtype=torch.float64) * sample_rate / window
    weights = 10.0 ** (a_weighting_db(bins) / 10.0)
    weights[1:-1] *= 2.0
    return hann.to(torch.float32), (weights / (window * hann.square().sum())).to(torch.float32)


def frame_loudness_db(frames: Tensor, hann: Tensor, weights: Tensor, floor_db: float = FLOOR_DB) -> Tensor:
    """A-weighted mean square of each frame in dB, from `floor_db` up.

    frames: [batch, frames, window]; hann and weights from `loudness_weights`. Returns: [batch, frames].
    """
    spectrum = torch.fft.rfft(frames * hann)
    power = ((spectrum.real.square() + spectrum.imag.square()) * weights).sum(dim=-1)
    return 10.0 * torch.log10(power.clamp(min=10.0 ** (floor_db / 10.0)))
