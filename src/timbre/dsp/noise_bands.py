"""White noise in narrow bands, each a loop without a seam (Barahona-Ríos & Collins 2023, "NoiseBandNet")."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from timbre.dsp.noise import hashed_noise

# A narrower band sounds like a wavering tone.
NARROWEST_HZ = 20.0
# Neighbouring bands belong to different groups, whose loops differ in length.
GROUPS = 8
# Seconds that every loop lasts at least; one repeats unheard among seven of other lengths.
LOOP_SECONDS = 0.7


def corner_hz(bands: int, highest_hz: float, narrowest_hz: float = NARROWEST_HZ) -> float:
    """Frequency about which bands turn from equal widths in Hz to equal widths in octaves.

    The scale is ln(1 + f / corner), whose first of `bands` equal steps up to `highest_hz` is `narrowest_hz` wide. Where
    not even bands of one width are so wide, they are: the corner is infinite.
    """
    if highest_hz / bands <= narrowest_hz:
        return math.inf
    low, high = 1e-3, 1e9
    for _ in range(100):
        corner = math.sqrt(low * high)
        narrow = corner * math.expm1(math.log1p(highest_hz / corner) / bands) < narrowest_hz
        low, high = (corner, high) if narrow else (low, corner)
    return low


def band_shapes(frequencies_hz: Tensor, bands: int, highest_hz: float, first: int = 0, every: int = 1) -> Tensor:
    """Magnitude of every so many-th of the bands at some frequencies [n] in Hz, up to `highest_hz`.

    Returns: [bands / every, n] float64. On the scale of `corner_hz` each is half a wave of a cosine, two steps wide, so
    that the squares of all add up to 1 everywhere. The first and the last go on flat to the ends.
    """
    corner, frequencies_hz = corner_hz(bands, highest_hz), frequencies_hz.to(torch.float64)
    if math.isinf(corner):
        place = bands / highest_hz * frequencies_hz
    else:
        place = bands / math.log1p(highest_hz / corner) * torch.log1p(frequencies_hz / corner)
    middle = torch.arange(first, bands, every, dtype=torch.float64, device=place.device).unsqueeze(1) + 0.5
    away = (place.clamp(0.5, bands - 0.5) - middle).abs().clamp(max=1.0)
    return torch.cos(0.5 * math.pi * away) * (away < 1.0)


def loop_lengths(hop: int, sample_rate: float) -> list[int]:
    """Length of each group's loops in hops: the first primes from 0.7 s on, so that all together hardly ever repeat."""
    lengths: list[int] = []
    candidate = max(2, math.ceil(LOOP_SECONDS * sample_rate / hop))
    while len(lengths) < GROUPS:
        if all(candidate % divisor for divisor in range(2, math.isqrt(candidate) + 1)):
            lengths.append(candidate)
        candidate += 1
    return lengths


def noise_loops(bands: int, hop: int, sample_rate: float) -> tuple[Tensor, Tensor]:
    """Noise of each band, group after group: band b is number b // 8 of group b % 8.

    Returns: loops [hops of all groups, bands // 8, hop] int16 and what one of their steps is worth, [8, bands // 8].
    All bands added up are white noise of RMS 1. Each is a part of the spectrum of hashed noise as long as the loop,
    hence periodic in it; only the phases are taken, so that every band has just its share of the power.
    """
    loops, steps, first = [], [], 0
    for group, hops in enumerate(loop_lengths(hop, sample_rate)):
        samples = hops * hop
        white = hashed_noise(torch.tensor([first]), samples)[0].to(torch.float64)
        first += samples
        spectrum = torch.fft.rfft(white)
        spectrum = math.sqrt(samples) * spectrum / spectrum.abs()
        spectrum[0] = 0.0
        frequencies_hz = torch.arange(samples // 2 + 1) * (sample_rate / samples)
        shapes = band_shapes(frequencies_hz, bands, sample_rate / 2.0, group, GROUPS)
        sound = torch.fft.irfft(spectrum * shapes, n=samples)
        step = sound.abs().amax(dim=1) / 32767.0
        loops.append((sound / step.unsqueeze(1)).round().to(torch.int16).view(-1, hops, hop).transpose(0, 1))
        steps.append(step.to(torch.float32))
    return torch.cat(loops).contiguous(), torch.stack(steps)


def band_powers(weights: Tensor, bands: int, highest_hz: float) -> Tensor:
    """Power of each band of the white noise of RMS 1, weighted.

    weights: [bins], of the power at evenly spaced frequencies from 0 to `highest_hz`. Returns: [bands] float64, which
    add up to the mean of the weights.
    """
    frequencies_hz = torch.linspace(0.0, highest_hz, weights.shape[0], dtype=torch.float64, device=weights.device)
    return band_shapes(frequencies_hz, bands, highest_hz).square() @ weights.to(torch.float64) / weights.shape[0]
