"""Convolution against scipy."""

import numpy as np
import pytest
import scipy.signal
import torch

from timbre.dsp.convolution import convolve, convolve_partition, partition_spectra


def signals(samples: int, taps: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    draw = np.random.default_rng(taps)
    x, impulse = draw.normal(size=(2, samples)), draw.normal(size=taps)
    wanted = scipy.signal.fftconvolve(x, impulse[None], axes=1)[:, :samples]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(impulse, dtype=torch.float32), wanted


@pytest.mark.parametrize(("samples", "taps"), ((1000, 1), (1000, 333), (100, 700), (1, 5)))
def test_whole_convolution_equals_scipy(snr_db, samples, taps):
    x, impulse, wanted = signals(samples, taps)
    assert snr_db(wanted, convolve(x, impulse)) > 100


@pytest.mark.parametrize("taps", (1, 64, 65, 128, 500, 1001))
def test_partitioned_convolution_equals_scipy_without_delay(snr_db, taps):
    hop = 64
    x, impulse, wanted = signals(20 * hop, taps)
    spectra = partition_spectra(impulse, hop)
    last, pieces = torch.zeros(2, hop), []
    line = torch.zeros(2, len(spectra), hop + 1, 2)
    for block in x.split(hop, dim=1):
        y, line = convolve_partition(block, last, line, spectra)
        last = block
        pieces.append(y)
    assert len(spectra) == -(-taps // hop)
    assert snr_db(wanted, torch.cat(pieces, dim=1)) > 100
