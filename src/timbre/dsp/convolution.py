"""Convolution with a long impulse response: at once for a whole sound, in partitions for a stream."""

import torch
from torch import Tensor


def convolve(audio: Tensor, impulse: Tensor) -> Tensor:
    """Linear convolution, cut to the length of the audio. [batch, samples] with [taps] -> [batch, samples]."""
    samples = audio.shape[1]
    size = samples + impulse.shape[0] - 1
    return torch.fft.irfft(torch.fft.rfft(audio, n=size) * torch.fft.rfft(impulse, n=size), n=size)[:, :samples]


def partition_spectra(impulse: Tensor, hop: int) -> Tensor:
    """Spectra of an impulse response cut into pieces of `hop` taps, real and imaginary.

    [taps] -> [partitions, hop + 1, 2].
    """
    partitions = (impulse.shape[0] + hop - 1) // hop
    padded = torch.nn.functional.pad(impulse, [0, partitions * hop - impulse.shape[0]])
    return torch.view_as_real(torch.fft.rfft(padded.reshape(partitions, hop), n=2 * hop))


def convolve_partition(block: Tensor, last_block: Tensor, line: Tensor, spectra: Tensor) -> tuple[Tensor, Tensor]:
    """One block of a uniformly partitioned convolution (overlap-save with a frequency-domain delay line; Gardner 1995).

    block, last_block: [batch, hop]; line: [batch, partitions, hop + 1, 2], spectra of the blocks before, real and
    imaginary; spectra: from `partition_spectra`. Returns: output [batch, hop] without any delay, and the new line.
    """
    hop = block.shape[1]
    newest = torch.view_as_real(torch.fft.rfft(torch.cat([last_block, block], dim=1))).unsqueeze(1)
    line = torch.cat([newest, line[:, :-1]], dim=1)
    return torch.fft.irfft(sum_of_products(line, spectra), n=2 * hop)[:, hop:], line


def sum_of_products(line: Tensor, spectra: Tensor) -> Tensor:
    """Over the partitions. Both as in `convolve_partition`; returns complex [batch, hop + 1]."""
    if not torch.jit.is_scripting():
        if torch.onnx.is_in_onnx_export():  # graphs know no complex numbers
            (a, b), (c, d) = line.unbind(dim=-1), spectra.unbind(dim=-1)
            return torch.complex((a * c - b * d).sum(dim=1), (a * d + b * c).sum(dim=1))
    return (torch.view_as_complex(line) * torch.view_as_complex(spectra)).sum(dim=1)
