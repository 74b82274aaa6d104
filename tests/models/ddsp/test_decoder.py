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


def test_tone_sounds_only_where_there_is_a_pitch(decoder):
    f0_hz, voiced, loudness_db = features(5)
    voiced[0, 2:4] = 0.0
    with torch.no_grad():
        amplitudes, noise = decoder([f0_hz, voiced, loudness_db])
    assert (amplitudes[0].sum(dim=1) > 0.0).tolist() == [True, True, False, False, True]
    assert (noise > 0.0).all()


@pytest.mark.parametrize("loudness_db", (-60.0, -20.0))
def test_where_there_is_no_pitch_noise_has_the_loudness_heard(decoder, loudness_db):
    f0_hz, voiced, level = features(2, loudness_db=loudness_db)
    with torch.no_grad():
        decoder.head.weight.zero_()
        magnitudes = decoder([f0_hz, 0.0 * voiced, level])[1][0, -1].numpy().astype("f8")
    # Power of noise uniform in [-1, 1) through the bands, weighted by IEC 61672-1 in closed form, from -12 dB up.
    frequencies = np.linspace(0, 8000, 8001)
    f2 = frequencies**2
    gain = 12194.217**2 * f2**2 / (f2 + 20.598997**2) / (f2 + 12194.217**2)
    gain /= np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2))
    weight = np.maximum(gain**2 * 10**0.2, 10**-1.2)
    power = (np.interp(frequencies, np.linspace(0, 8000, 17), magnitudes) ** 2 * weight).mean() / 3
    assert 10 * math.log10(power) == pytest.approx(loudness_db, abs=0.5)


def test_without_loudness_skip_silence_is_still_nothing():
    plain = Decoder(16, 1, 20, 17, 16000, loudness_skip=False)
    with torch.no_grad():
        loud, silent = (plain(features(2, loudness_db=level)) for level in (-20.0, -100.0))
    assert all(control.abs().max() == 0 for control in silent)
    assert all(control.abs().max() > 0 for control in loud)
