"""A bank of harmonic oscillators driven by frames: pitch and amplitudes glide from one frame to the next."""

import math

import torch
from torch import Tensor


def cross_fade_ramp(hop: int, device: torch.device) -> Tensor:
    """Weights (j + 1) / hop, j = 0 .. hop - 1, with which a segment fades from the last frame into its own. [hop]."""
    return torch.arange(1, hop + 1, device=device, dtype=torch.float64) / hop


def glide_weights(hop: int, sample_rate: float) -> Tensor:
    """Cycles up to each sample of a segment for each Hz of the pitch at its start and at its end. [2, hop] float64."""
    sample = torch.arange(1, hop + 1, dtype=torch.float64)
    end = sample * (sample + 1.0) / (2.0 * hop)
    return torch.stack([sample - end, end]) / sample_rate


def segment_phase(f0_hz: Tensor, last_phase: Tensor, weights: Tensor) -> Tensor:
    """Phase in cycles, wrapped to [0, 1), of a pitch that glides linearly from frame to frame.

    f0_hz: [batch, frames + 1], the first of them the frame before; last_phase: [batch, 1] float64, where it ended;
    weights: from `glide_weights`. Returns: [batch, frames, hop] float64. It is the sum of the frequencies up to each
    sample in closed form, in double precision and wrapped before harmonics multiply it: a whole number of cycles is
    the same for every harmonic, so nothing drifts however long a stream runs.
    """
    within = torch.matmul(f0_hz.to(torch.float64).unfold(1, 2, 1), weights)
    ends = within[..., -1]
    begins = torch.cumsum(ends, dim=1) - ends + last_phase
    # Nothing is negative: the fraction is the remainder, and ten times as fast.
    return torch.frac(begins.unsqueeze(-1) + within)


def harmonic_segments(phase: Tensor, amplitudes: Tensor, numbers: Tensor, ramp: Tensor) -> Tensor:
    """Sum of harmonics whose amplitudes cross-fade linearly over each segment.

    phase: [segments, hop] float64, in cycles; amplitudes: [segments, 2, harmonics], at the start and at the end of each
    segment; numbers: from `split_harmonics`; ramp: from `cross_fade_ramp`, in the amplitudes' precision.
    Returns: [segments, hop].

    Harmonic i J + j is split by sin(a + b) = sin a cos b + cos a sin b, so that about 2 sqrt(K) sines are computed
    instead of K, and the amplitudes enter as one matrix product.
    """
    harmonics = amplitudes.shape[2]
    columns = split_columns(harmonics)
    rows = (harmonics + columns - 1) // columns
    # Wrapped in double precision, so that single precision is enough for the angle of the highest harmonic.
    angles = 2.0 * math.pi * torch.frac(phase.unsqueeze(1) * numbers).to(amplitudes.dtype)
    fine_sine, coarse_sine = torch.sin(angles).split([columns, rows], dim=1)
    fine_cosine, coarse_cosine = torch.cos(angles).split([columns, rows], dim=1)
    if rows * columns > harmonics:
        amplitudes = torch.nn.functional.pad(amplitudes, [0, rows * columns - harmonics])
    both = amplitudes.reshape(-1, 2 * rows, columns)
    sines = torch.bmm(both, fine_cosine).view(-1, 2, rows, phase.shape[1])
    cosines = torch.bmm(both, fine_sine).view(-1, 2, rows, phase.shape[1])
    tones = torch.addcmul(sines * coarse_sine.unsqueeze(1), cosines, coarse_cosine.unsqueeze(1))
    start, end = tones.sum(dim=2).unbind(dim=1)
    return torch.lerp(start, end, ramp)


def split_columns(harmonics: int) -> int:
    """How many harmonics `harmonic_segments` takes in a row: the rows are about as many."""
    return int(math.ceil(math.sqrt(harmonics)))  # noqa: RUF046, in TorchScript ceil gives a float


def split_harmonics(harmonics: int) -> Tensor:
    """Harmonic numbers whose sums, one of the first columns and one of the rest, are all harmonics. float64, [., 1]."""
    columns = split_columns(harmonics)
    fine = torch.arange(1, columns + 1, dtype=torch.float64)
    coarse = torch.arange(0, harmonics, columns, dtype=torch.float64)
    return torch.cat([fine, coarse]).unsqueeze(-1)
