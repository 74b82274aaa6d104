"""Anchors: what stands in place of the model's output."""

import numpy as np
import pytest
import torch

from timbre.evaluation.anchors import mel_inversion, untrained_render
from timbre.evaluation.metrics.spectra import frame_sizes, magnitude_frames, mel_filters, spectral_distances


@pytest.mark.parametrize("channels", (1, 2))
def test_an_untrained_model_is_heard_in_pieces(noise, rate, channels):
    audio = noise(21.0 * channels).reshape(channels, -1)
    assert np.array_equal(untrained_render(torch.nn.Identity(), audio, rate), audio)


def test_an_inversion_has_the_bands_and_not_the_waveform(tone, noise, rate):
    audio = (tone() + noise(level=0.005)).astype(np.float32)
    inverted = mel_inversion(audio, rate)
    assert inverted.shape == audio.shape and inverted.dtype == np.float32
    size, hop = frame_sizes(rate)
    mels = [
        np.concatenate(
            [(frames.square() @ mel_filters(size, rate, 80)).numpy() for frames in magnitude_frames(x, size, hop)]
        )
        for x in (audio, inverted)
    ]
    loud = mels[0] > mels[0].max() * 1e-6
    assert np.abs(10 * np.log10(mels[1][loud] / mels[0][loud])).mean() < 3.0
    assert abs(np.corrcoef(audio, inverted)[0, 1]) < 0.9
    distances = spectral_distances(audio, inverted, rate)
    assert distances["mcd_db"] < 3.0 < distances["lsd_db"], "right bands, wrong lines"


def test_the_inversion_is_the_same_every_time_and_leaves_chance_alone(tone, rate):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = mel_inversion(tone(), rate)
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(mel_inversion(tone(), rate), first)


@pytest.mark.parametrize("samples", [1, 1024, 1025, 3000])
def test_short_sounds_and_silence_are_inverted(noise, rate, samples):
    assert np.isfinite(mel_inversion(noise()[:samples], rate)).all()
    assert np.abs(mel_inversion(np.zeros(samples, np.float32), rate)).max() < 1e-4
