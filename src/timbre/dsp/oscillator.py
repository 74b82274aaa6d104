"""A bank of harmonic oscillators driven by frames: pitch and amplitudes glide from one frame to the next."""

import math

import torch
from torch import Tensor


def cross_fade_ramp(hop: int, device: torch.device) -> Tensor:
    """Weights (j + 1) / hop, j = 0 .. hop - 1, with which a segment fades from the last frame into its own. [hop]."""
    return torch.arange(1, hop + 1, device=device, dtype=torch.float64) / hop


def segment_phase(f0_hz: Tensor, last_f0_hz: Tensor, last_phase: Tensor, hop: int, sample_rate: float) -> Tensor:
    """Phase in cycles, wrapped to [0, 1), of a pitch that glides linearly from frame to frame.

    f0_hz: [batch, frames]; last_f0_hz: [batch, 1], the frame before; last_phase: [batch, 1] float64, where it ended.
    Returns: [batch, frames, hop] float64. It is the sum of the frequencies up to each sample in closed form, in double
    precision and wrapped before harmonics multiply it: a whole number of cycles is the same for every harmonic, so
    nothing drifts however long a stream runs.
    """
    end = f0_hz.to(torch.float64)
    start = torch.cat([last_f0_hz, f0_hz[:, :-1]], dim=1).to(torch.float64)
    sample = torch.arange(1, hop + 1, device=f0_hz.device, dtype=torch.float64)
    glide = sample * (sample + 1.0) / (2.0 * hop)
    within = (start.unsqueeze(-1) * sample + (end - start).unsqueeze(-1) * glide) / sample_rate
    ends = torch.cumsum(within[..., -1], dim=1)
    begins = last_phase + torch.cat([torch.zeros_like(ends[:, :1]), ends[:, :-1]], dim=1)
    return torch.remainder(begins.unsqueeze(-1) + within, 1.0)


def nyquist_mask(f0_hz: Tensor, harmonics: int, sample_rate: float) -> Tensor:
    """1 for the harmonics of each pitch that lie under half the sample rate, else 0. [..., 1] -> [..., harmonics]."""
    number = torch.arange(1, harmonics + 1, device=f0_hz.device)
    return (f0_hz * number < 0.5 * sample_rate).to(f0_hz.dtype)


def harmonic_segments(phase: Tensor, amplitudes: Tensor, last_amplitudes: Tensor) -> Tensor:
    """Sum of harmonics whose amplitudes cross-fade linearly over each segment.

    phase: [segments, hop] float64, in cycles; amplitudes, last_amplitudes: [segments, harmonics], at the end and at
    the start of each segment. Returns: [segments, hop].

    Harmonic i J + j is split by sin(a + b) = sin a cos b + cos a sin b, so that about 2 sqrt(K) sines are computed
    instead of K, and the amplitudes enter as one matrix product.
    """
    harmonics = amplitudes.shape[1]
    columns = int(math.ceil(math.sqrt(harmonics)))  # noqa: RUF046, in TorchScript ceil gives a float
    rows = (harmonics + columns - 1) // columns
    fine = torch.arange(1, columns + 1, device=phase.device, dtype=torch.float64)
    coarse = torch.arange(rows, device=phase.device, dtype=torch.float64) * columns
    turn = 2.0 * math.pi
    # Wrapped in double precision, so that single precision is enough for the angle of the highest harmonic.
    fine_angle = turn * torch.frac(fine.unsqueeze(-1) * phase.unsqueeze(1)).to(amplitudes.dtype)
    coarse_angle = turn * torch.frac(coarse.unsqueeze(-1) * phase.unsqueeze(1)).to(amplitudes.dtype)
    both = torch.stack([last_amplitudes, amplitudes], dim=1)
    both = torch.nn.functional.pad(both, [0, rows * columns - harmonics]).reshape(-1, 2 * rows, columns)
    sines = torch.bmm(both, torch.cos(fine_angle)).reshape(-1, 2, rows, phase.shape[1])
    cosines = torch.bmm(both, torch.sin(fine_angle)).reshape(-1, 2, rows, phase.shape[1])
    tones = torch.addcmul(sines * torch.sin(coarse_angle).unsqueeze(1), cosines, torch.cos(coarse_angle).unsqueeze(1))
    start, end = tones.sum(dim=2).unbind(dim=1)
    ramp = cross_fade_ramp(phase.shape[1], phase.device).to(amplitudes.dtype)
    return start + ramp * (end - start)
