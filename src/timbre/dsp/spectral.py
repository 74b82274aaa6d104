"""The multi-scale spectral loss (Engel et al. 2020, "DDSP", eq. 5; arXiv 2001.04643)."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from timbre.dsp.pooled import mean_of_all

# The published sizes, 2048 to 64, belong to 16 kHz: windows that last as long resolve the same partials at any rate.
LONGEST_SECONDS = 2048 / 16000
LOG_FLOOR = 1e-5
# Of squared magnitudes: the gradient of a complex number's absolute value is undefined at zero.
OFFSET = 1e-14

# Two independent noises of one spectrum differ by so much in the log term: |ln X - ln Y| is half the absolute value of
# a logistic variable, whose mean is 2 ln 2. Where noise rules, no model gets under this for each FFT size.
NOISE_FLOOR_PER_SCALE = math.log(2.0)


def fft_sizes_from(longest_seconds: float, sample_rate_hz: int) -> list[int]:
    """Six FFT sizes in samples, the longest window first and each next half as long. Multiples of 4: hops are whole."""
    return [max(16, round(longest_seconds * sample_rate_hz / 2**halved / 4) * 4) for halved in range(6)]


def fft_sizes_for(sample_rate_hz: int) -> list[int]:
    """FFT sizes in samples whose windows last as long as the published ones do: at 48 kHz 6144 to 192."""
    return fft_sizes_from(LONGEST_SECONDS, sample_rate_hz)


def magnitudes(audio: Tensor, fft_size: int) -> Tensor:
    """STFT magnitudes with a Hann window and 75 % overlap. [batch, samples] -> [batch, fft_size / 2 + 1, frames]."""
    window = _hann(fft_size, audio.dtype, audio.device)
    spectrum = torch.stft(audio, fft_size, fft_size // 4, window=window, pad_mode="constant", return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + OFFSET).sqrt()


def multi_scale_spectral_loss(x: Tensor, y: Tensor, fft_sizes: list[int], confidence: Tensor | None = None) -> Tensor:
    """Sum over FFT sizes of mean |X - Y| and mean |ln X - ln Y| of the magnitudes, differentiable by x, once.

    x, y: [batch, samples]; confidence: [batch, frames] from 0 to 1, stretched over the sound's length, weighs its
    moments in both means. Returns: a scalar, 0 where x equals y. Magnitudes under 1e-5 count as 1e-5 in the logarithm.
    """
    return _SpectralLoss.apply(x, y, fft_sizes, confidence)


class _SpectralLoss(torch.autograd.Function):
    """The loss with its gradient in closed form, found on the way: half the time of differentiating step by step.

    Where |X| > 1e-5, d/dX (|X| - |Y|| + |ln |X| - ln |Y||) = sign(|X| - |Y|) (1 + 1 / |X|) X / |X|, below without the
    second term; the adjoint of a real FFT of n samples is n times its inverse with all bins but the outermost halved.
    """

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, fft_sizes: list[int], confidence: Tensor | None) -> Tensor:
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        gradient = torch.zeros_like(x) if ctx.needs_input_grad[0] else None
        for size in fft_sizes:
            ours = _spectra(x, size)
            a, b = _absolute(ours), _absolute(_spectra(y, size))
            weights = _frame_weights(confidence, a, x.shape[1], size)
            ratio = (a.clamp(min=LOG_FLOOR) / b.clamp(min=LOG_FLOOR)).log()
            difference = a - b
            total = total + ((difference.abs() + ratio.abs()) * weights).sum()
            if gradient is not None:
                slope = difference.sign() + ratio.sign() * (a > LOG_FLOOR) / a.clamp(min=LOG_FLOOR)
                slope = slope * weights / a.clamp(min=1e-7)
                slope[..., 1:-1] *= 0.5
                _add_adjoint(gradient, torch.view_as_complex(torch.view_as_real(ours) * slope.unsqueeze(3)), size)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream, None, None, None


def _spectra(audio: Tensor, fft_size: int) -> Tensor:
    """The frames of `magnitudes`, complex and one after the other. [batch, frames, fft_size / 2 + 1]."""
    padded = torch.nn.functional.pad(audio, [fft_size // 2, fft_size // 2])
    return torch.fft.rfft(padded.unfold(1, fft_size, fft_size // 4) * _hann(fft_size, audio.dtype, audio.device))


def _absolute(spectra: Tensor, offset: float = 0.0) -> Tensor:
    """Magnitudes of complex numbers that are far from the ends of the range of floats: quicker than a safe `abs`.

    offset: added to their squares.
    """
    squares = spectra.real.square()
    if offset > 0.0:
        squares += offset
    return torch.addcmul(squares, spectra.imag, spectra.imag).sqrt()


def _add_adjoint(gradient: Tensor, spectra: Tensor, fft_size: int) -> None:
    """Add to `gradient` [batch, samples] what a gradient by `_spectra` (outermost bins doubled) is by the samples."""
    hop, (batch, frames, _) = fft_size // 4, spectra.shape
    window = _hann(fft_size, gradient.dtype, gradient.device) * fft_size
    pieces = (torch.fft.irfft(spectra, n=fft_size) * window).view(batch, frames, 4, hop)
    joined = torch.zeros(batch, frames + 3, hop, dtype=gradient.dtype, device=gradient.device)
    for quarter in range(4):
        joined[:, quarter : quarter + frames] += pieces[:, :, quarter]
    inner = joined.flatten(1)[:, fft_size // 2 : fft_size // 2 + gradient.shape[1]]
    gradient[:, : inner.shape[1]] += inner


def _frame_weights(confidence: Tensor | None, spectra: Tensor, samples: int, fft_size: int) -> Tensor:
    """What each value of spectra [batch, frames, bins] counts in a mean that `confidence` weighs. Sums to 1."""
    frames, bins = spectra.shape[1:]
    if confidence is None:
        return torch.full((1, 1, 1), 1.0 / spectra.numel(), dtype=spectra.dtype, device=spectra.device)
    middles = torch.arange(frames, device=spectra.device) * (fft_size // 4)
    index = (middles * confidence.shape[1] // samples).clamp(max=confidence.shape[1] - 1)
    weights = confidence[:, index]
    return (weights / (mean_of_all(weights.sum()) * bins).clamp(min=1e-9)).unsqueeze(2)


def spectral_distance(target: Tensor, estimate: Tensor, fft_sizes: list[int], log_floor: float = 1e-7) -> Tensor:
    """Sum over FFT sizes of the relative squared error and the mean absolute log ratio of the magnitudes.

    sum over sizes of mean (X - Y)^2 / mean X^2 + mean |ln(X + floor) - ln(Y + floor)| (Défossez et al. 2018, as RAVE
    weighs it: Caillon & Esling 2021, eq. 5). target, estimate: [..., samples]; differentiable by the estimate, once.
    Returns: a scalar, 0 where they are equal. A target that is silent altogether makes the first term a plain mean
    square.
    """
    return _SpectralDistance.apply(target.flatten(0, -2), estimate.flatten(0, -2), fft_sizes, log_floor)


class _SpectralDistance(torch.autograd.Function):
    """The distance with its gradient in closed form, as in `_SpectralLoss`.

    d/dY = 2 (Y - X) / (count mean X^2) + sign(ln Y - ln X) / (count (Y + floor)), and dY is that of a magnitude.
    """

    @staticmethod
    def forward(ctx, target: Tensor, estimate: Tensor, fft_sizes: list[int], log_floor: float) -> Tensor:
        total = torch.zeros((), dtype=target.dtype, device=target.device)
        gradient = torch.zeros_like(estimate) if ctx.needs_input_grad[1] else None
        for size in fft_sizes:
            theirs = _spectra(estimate, size)
            x, y = _absolute(_spectra(target, size), OFFSET), _absolute(theirs, OFFSET)
            power = mean_of_all(x.square().mean())
            power = torch.where(power > 1e-10, power, torch.ones_like(power))
            difference = y - x
            floored = y + log_floor
            ratio = (floored / (x + log_floor)).log_()
            total = total + difference.square().mean() / power + ratio.abs().mean()
            if gradient is not None:
                slope = difference.mul_(2.0 / power).add_(ratio.sign_().div_(floored)).div_(y.mul_(y.numel()))
                slope[..., 1:-1] *= 0.5
                _add_adjoint(gradient, torch.view_as_complex(torch.view_as_real(theirs) * slope.unsqueeze(3)), size)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[None, Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return None, gradient * upstream, None, None


def level_distances_db(reference: Tensor, output: Tensor, floor: float) -> Tensor:
    """Log-spectral distance of each frame in dB (Gray & Markel 1976, "Distance measures for speech processing").

    sqrt(mean over bins of (20 log10 A - 20 log10 B)^2), both from `floor` up. reference, output: magnitudes [frames,
    bins]. Returns: [frames].
    """
    difference = 20.0 * (reference.clamp(min=floor).log10() - output.clamp(min=floor).log10())
    return difference.square().mean(dim=1).sqrt()


def sizes_within(fft_sizes: list[int], samples: int) -> list[int]:
    """Those FFT sizes of which two windows fit into so many samples; the smallest in any case."""
    return [size for size in fft_sizes if 2 * size <= samples] or [min(fft_sizes)]


@functools.lru_cache(maxsize=64)
def _hann(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.hann_window(size, dtype=dtype, device=device)
