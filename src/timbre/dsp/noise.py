"""White noise that depends on nothing but the sample's index, and its filtering frame by frame."""

import torch
from torch import Tensor

from timbre.dsp.oscillator import cross_fade_ramp


def hashed_noise(first_sample: Tensor, samples: int) -> Tensor:
    """White noise, uniform in [-1, 1), a pure function of the sample index: any blocks of a stream give the same.

    first_sample: [batch] int64. Returns: [batch, samples] float32. A 32-bit integer hash of two rounds of xor-shift and
    multiply (constants found by the public-domain "hash prospector" search, Wellons 2018), kept inside int64.
    """
    word = 0xFFFFFFFF
    h = (first_sample.unsqueeze(1) + torch.arange(samples, device=first_sample.device)) & word
    h = ((h ^ (h >> 16)) * 0x21F0AAAD) & word
    h = ((h ^ (h >> 15)) * 0x735A2D97) & word
    h = (h ^ (h >> 15)) - 0x80000000
    return h.to(torch.float32) * 2.0**-31


def hashed_normal(first_sample: Tensor, samples: int) -> Tensor:
    """Standard normal noise that is a pure function of the sample index, from hashed noise (Box & Muller 1958).

    first_sample: [batch] int64. Returns: [batch, samples] float32.
    """
    pairs = hashed_noise(2 * first_sample, 2 * samples).view(first_sample.shape[0], samples, 2)
    # (0, 1]: its logarithm is finite.
    radius = torch.sqrt(-2.0 * torch.log(0.5 - 0.5 * pairs[:, :, 0] + 1e-10))
    return radius * torch.cos(torch.pi * pairs[:, :, 1])


def band_filters(magnitudes: Tensor) -> Tensor:
    """Causal FIR filters with the given magnitudes, by frequency sampling and a Hann window (Engel et al. 2020, 3.4).

    magnitudes: [..., bands], evenly spaced from 0 to half the sample rate. Returns: [..., 2 (bands - 1)] taps, whose
    delay is bands - 1 samples.
    """
    taps = 2 * (magnitudes.shape[-1] - 1)
    impulse = torch.fft.irfft(torch.complex(magnitudes, torch.zeros_like(magnitudes)), n=taps)
    window = torch.hann_window(taps, periodic=True, dtype=magnitudes.dtype, device=magnitudes.device)
    return torch.roll(impulse, taps // 2, dims=-1) * window


def noise_segments(noise: Tensor, filters: Tensor) -> Tensor:
    """Noise whose filter cross-fades linearly over each segment.

    noise: [..., segments, taps - 1 + hop], each with the samples before its segment in front; filters: [..., segments +
    1, taps], the first where the first segment starts, the others at their ends. Returns: [..., segments, hop].
    Both filters run over the same noise and their outputs are faded, so no tail has to be kept from one segment to the
    next.
    """
    taps, heard = filters.shape[-1], noise.shape[-1]
    if not torch.jit.is_scripting():
        if torch.onnx.is_in_onnx_export():
            return convolved_segments(noise, filters)
    responses = torch.fft.rfft(filters, n=fast_size(heard))
    ramp = cross_fade_ramp(heard - taps + 1, noise.device).to(noise.dtype)
    return filtered_segments(noise, responses, ramp)


def filtered_segments(noise: Tensor, responses: Tensor, ramp: Tensor) -> Tensor:
    """`noise_segments` with the filters' spectra: rfft with the size that `fast_size` says for noise.shape[-1].

    responses: [..., segments + 1, size / 2 + 1]; ramp: [hop], from `cross_fade_ramp`, in the noise's precision.
    """
    heard = noise.shape[-1]
    size = fast_size(heard)
    spectrum = torch.fft.rfft(noise, n=size)
    # Of each segment the filter at its start and at its end.
    pairs = responses.unfold(-2, 2, 1).transpose(-1, -2)
    # Circular convolution is right from sample taps - 1 on: just the part wanted.
    faded = torch.fft.irfft(spectrum.unsqueeze(-2) * pairs, n=size)[..., heard - ramp.shape[0] : heard]
    start, end = faded.unbind(dim=-2)
    return torch.lerp(start, end, ramp)


def convolved_segments(noise: Tensor, filters: Tensor) -> Tensor:
    """`noise_segments` by convolution in time, for graphs: an FFT of a size like theirs is slow there."""
    taps, heard = filters.shape[-1], noise.shape[-1]
    count = noise.shape[:-1].numel()
    pairs = torch.stack([filters[..., :-1, :], filters[..., 1:, :]], dim=-2).flip(-1).reshape(2 * count, 1, taps)
    both = torch.nn.functional.conv1d(noise.reshape(1, count, heard), pairs, groups=count)
    start, end = both.view([*noise.shape[:-1], 2, heard - taps + 1]).unbind(dim=-2)
    return torch.lerp(start, end, cross_fade_ramp(heard - taps + 1, noise.device).to(noise.dtype))


def band_responses(bands: int, heard: int) -> Tensor:
    """What takes magnitudes to the spectra of their `band_filters`, for `filtered_segments` of noise so long.

    Both steps are linear, so one product with this matrix does them. Returns: [bands, 2 (size / 2 + 1)], real and
    imaginary parts in turn.
    """
    filters = band_filters(torch.eye(bands, dtype=torch.float64))
    return torch.view_as_real(torch.fft.rfft(filters, n=fast_size(heard))).flatten(1).to(torch.float32)


def fast_size(least: int) -> int:
    """The smallest size from `least` on that is 2, 3 or 5 times a power of two: FFTs of others are slower."""
    best = 1
    while best < least:
        best *= 2
    for odd in (3, 5):
        size = odd
        while size < least:
            size *= 2
        best = min(best, size)
    return best
