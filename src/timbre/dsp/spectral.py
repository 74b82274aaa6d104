"""The multi-scale spectral loss (Engel et al. 2020, "DDSP", eq. 5; arXiv 2001.04643)."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

# The published sizes belong to 16 kHz: scaled with the rate, their windows last as long and resolve the same partials.
FFT_SIZES_AT_16_KHZ = (2048, 1024, 512, 256, 128, 64)
LOG_FLOOR = 1e-5

# Two independent noises of one spectrum differ by so much in the log term: |ln X - ln Y| is half the absolute value of
# a logistic variable, whose mean is 2 ln 2. Where noise rules, no model gets under this for each FFT size.
NOISE_FLOOR_PER_SCALE = math.log(2.0)


def fft_sizes_for(sample_rate_hz: int) -> list[int]:
    """FFT sizes in samples for a sample rate in Hz: at 48 kHz 6144 to 192. Multiples of 4, so that hops are whole."""
    return [max(16, round(size * sample_rate_hz / 16000 / 4) * 4) for size in FFT_SIZES_AT_16_KHZ]


def magnitudes(audio: Tensor, fft_size: int) -> Tensor:
    """STFT magnitudes with a Hann window and 75 % overlap. [batch, samples] -> [batch, fft_size / 2 + 1, frames]."""
    window = _hann(fft_size, audio.dtype, audio.device)
    spectrum = torch.stft(audio, fft_size, fft_size // 4, window=window, pad_mode="constant", return_complex=True)
    # The gradient of a complex number's absolute value is undefined at zero, hence the tiny offset.
    return (spectrum.real.square() + spectrum.imag.square() + 1e-14).sqrt()


def multi_scale_spectral_loss(x: Tensor, y: Tensor, fft_sizes: list[int]) -> Tensor:
    """Sum over FFT sizes of mean |X - Y| and mean |ln X - ln Y| of the magnitudes.

    x, y: [batch, samples]. Returns: a scalar, 0 where x equals y. Magnitudes under 1e-5 count as 1e-5.
    """
    loss = torch.zeros((), dtype=x.dtype, device=x.device)
    for size in fft_sizes:
        a, b = magnitudes(x, size), magnitudes(y, size)
        loss = loss + (a - b).abs().mean()
        loss = loss + (a.clamp(min=LOG_FLOOR).log() - b.clamp(min=LOG_FLOOR).log()).abs().mean()
    return loss


def spectral_distance(target: Tensor, estimate: Tensor, fft_sizes: list[int], log_floor: float = 1e-7) -> Tensor:
    """Sum over FFT sizes of the relative squared error and the mean absolute log ratio of the magnitudes.

    sum over sizes of mean (X - Y)^2 / mean X^2 + mean |ln(X + floor) - ln(Y + floor)| (Défossez et al. 2018, as RAVE
    weighs it: Caillon & Esling 2021, eq. 5). target, estimate: [..., samples]. Returns: a scalar, 0 where they are
    equal. A target that is silent altogether makes the first term a plain mean square.
    """
    target, estimate = target.flatten(0, -2), estimate.flatten(0, -2)
    distance = torch.zeros((), dtype=target.dtype, device=target.device)
    for size in fft_sizes:
        x, y = magnitudes(target, size), magnitudes(estimate, size)
        power = x.square().mean()
        distance = distance + (x - y).square().mean() / torch.where(power > 1e-10, power, torch.ones_like(power))
        distance = distance + ((x + log_floor).log() - (y + log_floor).log()).abs().mean()
    return distance


def sizes_within(fft_sizes: list[int], samples: int) -> list[int]:
    """Those FFT sizes of which two windows fit into so many samples; the smallest in any case."""
    return [size for size in fft_sizes if 2 * size <= samples] or [min(fft_sizes)]


@functools.lru_cache(maxsize=64)
def _hann(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.hann_window(size, dtype=dtype, device=device)
