"""Operators that torch's exporter lacks: onnxruntime computes what torch does."""

import io

import numpy as np
import onnxruntime
import pytest
import torch

from timbre.dsp.noise import convolved_segments, hashed_noise, noise_segments
from timbre.export.onnx.symbolics import missing_operators

pytestmark = pytest.mark.filterwarnings("ignore")


class Form(torch.nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def both(function, *inputs) -> tuple[np.ndarray, np.ndarray]:
    """What torch and what onnxruntime make of inputs."""
    written, names = io.BytesIO(), [f"x{number}" for number in range(len(inputs))]
    with missing_operators(17):
        torch.onnx.export(Form(function), inputs, written, dynamo=False, opset_version=17, input_names=names)
    session = onnxruntime.InferenceSession(written.getvalue(), providers=["CPUExecutionProvider"])
    given = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    return function(*inputs).numpy(), session.run(None, given)[0]


@pytest.mark.parametrize("first", [0, -300, 12345, 2**31 - 100, 2**32 - 7, 2**40 + 3])
def test_hashed_noise_is_the_same_to_the_bit(first):
    torchs, graphs = both(lambda index: hashed_noise(index, 500), torch.tensor([first]))
    np.testing.assert_array_equal(graphs, torchs)


def test_booleans_are_still_booleans():
    x = torch.randn(50)
    torchs, graphs = both(lambda x: (x > -1.0) & (x < 1.0), x)
    np.testing.assert_array_equal(graphs, torchs)


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-11)])
def test_spectra(kind, tolerance):
    x = torch.randn(2, 3, 256, dtype=kind)

    def power(x):
        spectrum = torch.fft.rfft(x, n=512)
        return spectrum.real.square() + spectrum.imag.square()

    for function in (power, lambda x: torch.fft.irfft(power(x), n=512)):
        torchs, graphs = both(function, x)
        assert graphs.dtype == torchs.dtype
        np.testing.assert_allclose(graphs, torchs, rtol=0, atol=tolerance * np.abs(torchs).max())


def test_there_and_back_by_pairs():
    def delayed(x):
        pairs = torch.view_as_real(torch.fft.rfft(x, n=64))
        real, imaginary = pairs.unbind(dim=-1)
        return torch.fft.irfft(torch.complex(imaginary, -real), n=64)

    torchs, graphs = both(delayed, torch.randn(3, 64))
    np.testing.assert_allclose(graphs, torchs, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 37])
def test_running_maxima(size):
    torchs, graphs = both(lambda x: torch.cummax(x, dim=1)[0], torch.randint(100, [2, size]))
    np.testing.assert_array_equal(graphs, torchs)


@pytest.mark.parametrize(("dimension", "size", "step"), [(1, 5, 5), (1, 4, 2), (2, 7, 1), (2, 3, 2)])
def test_windows(dimension, size, step):
    torchs, graphs = both(lambda x: x.unfold(dimension, size, step), torch.randn(2, 5, 7))
    np.testing.assert_array_equal(graphs, torchs)


def test_small_things():
    x = torch.rand(2, 9) * 30.0
    for function in (torch.frac, torch.exp2, lambda x: torch.nn.functional.pad(x, [1, 2])):
        torchs, graphs = both(function, x)
        np.testing.assert_allclose(graphs, torchs, rtol=1e-6)


def test_noise_filtered_in_time_equals_that_by_spectra(snr_db):
    noise, filters = torch.randn(2, 3, 4, 31 + 64), torch.randn(2, 3, 5, 32)
    assert snr_db(noise_segments(noise, filters), convolved_segments(noise, filters)) > 110


def test_nothing_stays_registered():
    with missing_operators(17):
        both(torch.exp2, torch.rand(3))
    written = io.BytesIO()
    with pytest.raises((torch.onnx.errors.OnnxExporterError, ValueError)):
        torch.onnx.export(Form(torch.exp2), (torch.rand(3),), written, dynamo=False, opset_version=17)
