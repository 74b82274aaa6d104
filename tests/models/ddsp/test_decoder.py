"""From features to controls."""

import math

import numpy as np
import pytest
import torch

from timbre.models.ddsp.decoder import Decoder, exp_sigmoid


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    return Decoder(16, 1, 20, 17, 16000, loudness_skip=True)


def features(frames: int, f0_hz: float = 300.0, loudness_db: float = -30.0) -> list[torch.Tensor]:
    return [torch.full((1, frames), value) for value in (f0_hz, 1.0, loudness_db)]


def test_exp_sigmoid_is_the_published_formula():
    x = np.linspace(-8, 8, 50)
    wanted = 2 / (1 + np.exp(-x)) ** np.log(10) + 1e-7
    assert exp_sigmoid(torch.tensor(x)).numpy() == pytest.approx(wanted, rel=1e-9)


def test_harmonics_begin_as_a_sawtooth(decoder):
    with torch.no_grad():
        decoder.head.weight.zero_()
        amplitudes = decoder(features(3))[0][0, -1]
    assert (amplitudes / amplitudes[0]).numpy() == pytest.approx(1 / np.arange(1, 21), rel=1e-3)


@pytest.mark.parametrize("f0_hz", (250.0, 700.0, 1500.0, 3000.0))
@pytest.mark.parametrize("loudness_db", (-60.0, -20.0))
def test_harmonics_have_the_loudness_heard(decoder, f0_hz, loudness_db):
    with torch.no_grad():
        decoder.head.weight.zero_()
        amplitudes = decoder(features(2, f0_hz, loudness_db))[0][0, -1]
        rms = decoder.tone_rms(amplitudes, f0_hz * torch.arange(1, 21))
    # The floor's own amplitude is taken off, 0.1 dB at -60 dB.
    assert 20 * math.log10(float(rms)) == pytest.approx(loudness_db, abs=0.1)


def test_harmonics_over_half_the_rate_are_left_out(decoder):
    with torch.no_grad():
        amplitudes = decoder(features(2, 1000.0))[0][0, -1]
    assert (amplitudes[:7] > 0).all()
    assert (amplitudes[7:] == 0).all()


def test_silence_is_nothing_at_all(decoder):
    with torch.no_grad():
        amplitudes, noise = decoder(features(2, loudness_db=-100.0))
    assert amplitudes.abs().max() == 0
    assert noise.abs().max() == 0


def test_controls_have_gradients_everywhere(decoder):
    f0_hz, voiced, loudness_db = features(4)
    loudness_db[0, 1], f0_hz[0, 2], voiced[0, 3] = -100.0, 7999.0, 0.0
    sum(control.square().sum() for control in decoder([f0_hz, voiced, loudness_db])).backward()
    for name, parameter in decoder.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
