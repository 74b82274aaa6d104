"""Noise against its statistics, filters against scipy."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats
import torch

from timbre.dsp.noise import band_filters, band_responses, filtered_segments, hashed_noise, noise_segments


def noise(samples: int, first: int = 0) -> np.ndarray:
    return hashed_noise(torch.tensor([first]), samples)[0].numpy()


@pytest.mark.parametrize("first", (0, -127, 12345, 2**31 - 40, 2**40))
def test_noise_is_the_same_in_any_blocks(random_blocks, first):
    pieces, at = [], first
    for size in random_blocks(300, 1, most=70):
        pieces.append(noise(size, at))
        at += size
    assert np.array_equal(np.concatenate(pieces), noise(300, first))


def test_noise_is_uniform_with_mean_0_and_variance_a_third():
    x = noise(1_000_000)
    assert abs(x.mean()) < 4 * np.sqrt(1 / 3 / len(x))
    assert x.var() == pytest.approx(1 / 3, rel=3e-3)
    assert x.min() >= -1 and x.max() <= 1
    assert scipy.stats.kstest(x[:100_000], "uniform", (-1, 2)).pvalue > 1e-3


def test_noise_is_white():
    x = noise(1 << 19).astype("f8")
    spectrum = np.abs(np.fft.rfft(x)) ** 2
    correlation = np.fft.irfft(spectrum)[1:2000] / (x @ x)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(x))
    # The periodogram of white noise is exponentially distributed: flatness exp(-Euler's constant).
    flatness = np.exp(np.log(spectrum[1:-1]).mean()) / spectrum[1:-1].mean()
    assert flatness == pytest.approx(np.exp(-np.euler_gamma), abs=0.01)


def test_streams_of_a_batch_are_each_their_own():
    both = hashed_noise(torch.tensor([0, 5]), 100)
    assert torch.equal(both[0, 5:], both[1, :-5])
    assert not torch.equal(both[0], both[1])


def test_filters_have_the_magnitudes_smoothed_by_the_window():
    wanted = np.random.default_rng(0).uniform(0, 1, 65)
    taps = band_filters(torch.tensor(wanted)).numpy()
    _, response = scipy.signal.freqz(taps, worN=65, include_nyquist=True)
    around = np.concatenate([wanted[1:2], wanted, wanted[-2:-1]])
    # A Hann window smears each band with a quarter of either neighbour.
    assert np.abs(response) == pytest.approx(0.25 * around[:-2] + 0.5 * wanted + 0.25 * around[2:], abs=1e-9)


def test_filters_are_causal_with_linear_phase_and_a_delay_of_bands_less_one():
    taps = band_filters(torch.rand(17))
    assert taps.shape == (32,)
    assert torch.allclose(taps[1:], taps[1:].flip(0), atol=1e-7)
    assert torch.equal(band_filters(torch.ones(17)) > 0.5, torch.arange(32) == 16)


def test_filtered_noise_has_the_spectrum_asked_for():
    wanted = 0.2 + 0.8 * np.sin(np.linspace(0, 3, 33)) ** 2
    hop, segments = 256, 2000
    taps = band_filters(torch.tensor(wanted, dtype=torch.float32)).expand(segments + 1, -1)
    windows = torch.from_numpy(noise(segments * hop + 63)).unfold(0, hop + 63, hop)
    got = noise_segments(windows, taps).flatten().numpy()
    frequency, power = scipy.signal.welch(got, fs=64, nperseg=1024)
    at_bands = np.interp(np.arange(1, 32), frequency, np.sqrt(power * 32 / (1 / 3)))
    assert 20 * np.log10(at_bands / wanted[1:-1]) == pytest.approx(0, abs=0.7)


@pytest.mark.parametrize(("taps", "hop"), ((16, 64), (128, 128), (256, 100)))
def test_segments_cross_fade_what_lfilter_makes_of_the_noise(snr_db, taps, hop):
    draw = np.random.default_rng(taps)
    x, filters = draw.normal(size=taps - 1 + 6 * hop), draw.normal(size=(7, taps))
    ramp = np.arange(1, hop + 1) / hop
    wanted = []
    for k in range(6):
        part = x[k * hop : k * hop + taps - 1 + hop]
        start, end = (scipy.signal.lfilter(filters[i], 1.0, part)[taps - 1 :] for i in (k, k + 1))
        wanted.append((1 - ramp) * start + ramp * end)
    windows = torch.tensor(x, dtype=torch.float32).unfold(0, taps - 1 + hop, hop)
    banks = torch.tensor(filters, dtype=torch.float32)
    assert snr_db(np.stack(wanted), noise_segments(windows, banks).numpy()) > 100


def test_spectra_straight_from_magnitudes_are_those_of_the_filters(snr_db):
    magnitudes, noise = torch.rand(4, 9), torch.randn(3, 15 + 50)
    responses = torch.view_as_complex((magnitudes @ band_responses(9, 65)).unflatten(-1, [-1, 2]))
    ramp = torch.arange(1, 51) / 50
    wanted = noise_segments(noise, band_filters(magnitudes))
    assert snr_db(wanted.numpy(), filtered_segments(noise, responses, ramp).numpy()) > 120
