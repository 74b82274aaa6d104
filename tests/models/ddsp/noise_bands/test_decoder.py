"""From level and colour to gains."""

import numpy as np
import pytest
import torch

from timbre.models.ddsp.noise_bands.decoder import BandDecoder


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    return BandDecoder(16, 1, 32, 16000)


def features(frames: int, loudness_db: float = -30.0, centroid_hz: float = 2000.0) -> list[torch.Tensor]:
    return [torch.full((2, frames), value) for value in (loudness_db, centroid_hz, 3.0)]


def test_it_begins_with_white_noise_of_the_level_heard(decoder):
    with torch.no_grad():
        decoder.head.weight.zero_()
        gains = decoder(features(3))
    assert gains.shape == (2, 3, 32)
    # A-weighting takes 0.3 dB off white noise up to 8 kHz, by the closed form of IEC 61672-1.
    f2 = np.linspace(0, 8000, 8001) ** 2
    gain = 12194.217**2 * f2**2 / (f2 + 20.598997**2) / (f2 + 12194.217**2)
    gain /= np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2))
    weighted = 10 * np.log10(np.square(gain).mean()) + 2.0
    assert 20 * np.log10(gains.numpy()) == pytest.approx(-30.0 - weighted, abs=0.05)


@pytest.mark.parametrize("band", (1, 10, 31))
def test_a_share_of_one_is_a_band_that_has_the_level_heard_by_itself(decoder, band):
    with torch.no_grad():
        decoder.head.weight.zero_()
        decoder.head.bias[:] = -20.0
        decoder.head.bias[band] = float(np.log(0.5 ** (1 / np.log(10)) / (1 - 0.5 ** (1 / np.log(10)))))
        gains = decoder(features(1))[0, 0]
    assert 20 * float(torch.log10((gains * decoder.levels).square().sum().sqrt())) == pytest.approx(-30.0, abs=0.05)


def test_silence_is_nothing_at_all(decoder):
    with torch.no_grad():
        assert decoder(features(3, loudness_db=-100.0)).abs().max() == 0


def test_everything_has_gradients(decoder):
    loudness_db, centroid_hz, depth_db = features(5)
    loudness_db[0, 1], centroid_hz[0, 2] = -100.0, 0.0
    decoder([loudness_db, centroid_hz, depth_db]).square().sum().backward()
    for name, parameter in decoder.named_parameters():
        assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name
