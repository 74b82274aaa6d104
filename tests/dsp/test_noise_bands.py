"""Narrow bands of noise against their spectra."""

import math

import numpy as np
import pytest
import scipy.signal
import torch

from timbre.dsp.noise_bands import GROUPS, band_powers, band_shapes, corner_hz, loop_lengths, noise_loops

RATE, HOP = 16000, 64


@pytest.fixture(scope="module")
def bands() -> np.ndarray:
    """Two seconds of each of 64 bands as they play, in their order."""
    loops, steps = noise_loops(64, HOP, RATE)
    begins = np.cumsum([0, *loop_lengths(HOP, RATE)])
    sounds = np.zeros((64, 2 * RATE))
    for band in range(64):
        group, place = band % GROUPS, band // GROUPS
        loop = loops[begins[group] : begins[group + 1], place].flatten() * steps[group, place]
        sounds[band] = np.resize(loop.numpy(), 2 * RATE)
    return sounds


@pytest.mark.parametrize(("bands", "highest_hz"), ((32, 8000), (256, 24000), (512, 8000)))
def test_bands_are_narrow_below_and_hardly_narrower_than_20_hz(bands, highest_hz):
    frequencies_hz = torch.arange(0, highest_hz, 1.0)
    place = band_shapes(frequencies_hz, bands, highest_hz).argmax(dim=0).numpy()
    widths_hz = np.bincount(place, minlength=bands)[:-1]
    wanted = min(20.0, highest_hz / bands)
    assert widths_hz[0] == pytest.approx(wanted, abs=1)
    assert (np.diff(widths_hz) >= -1).all() and widths_hz.min() > wanted - 1
    assert math.isinf(corner_hz(bands, highest_hz)) == (20 * bands >= highest_hz)


@pytest.mark.parametrize("bands", (32, 512))
def test_powers_of_all_bands_add_up_to_one_everywhere(bands):
    shapes = band_shapes(torch.linspace(0, 24000, 5001), bands, 24000.0)
    assert shapes.shape == (bands, 5001)
    assert shapes.square().sum(dim=0).numpy() == pytest.approx(1.0, abs=1e-12)
    assert (shapes > 0).sum(dim=0).max() == 2


def test_every_so_many_th_band_is_that_band():
    frequencies_hz = torch.linspace(0, 8000, 300)
    assert torch.equal(band_shapes(frequencies_hz, 40, 8000.0, 3, 8), band_shapes(frequencies_hz, 40, 8000.0)[3::8])


def test_loops_last_different_primes_of_hops():
    lengths = loop_lengths(128, 48000)
    assert len(set(lengths)) == GROUPS
    assert all(all(length % divisor for divisor in range(2, length)) for length in lengths)
    assert min(lengths) * 128 >= 0.7 * 48000 and max(lengths) * 128 < 0.9 * 48000


def test_memory_stays_bounded():
    loops, _ = noise_loops(256, 128, 48000)
    assert loops.dtype == torch.int16
    assert loops.numel() * loops.element_size() < 20e6


def test_all_bands_together_are_white_noise_of_rms_one(bands):
    sound = bands.sum(axis=0)
    assert sound.std() == pytest.approx(1.0, rel=0.02)
    _, power = scipy.signal.welch(sound, fs=RATE, nperseg=256)
    # Density of unit variance over half the rate; what is left of its spread is chance.
    assert 10 * np.log10(power[2:-2] * RATE / 2) == pytest.approx(0.0, abs=1.5)
    assert abs(10 * np.log10(power[2:-2] * RATE / 2).mean()) < 0.1


def test_each_band_has_its_share_of_the_power_and_no_other_frequencies(bands):
    powers = band_powers(torch.ones(8001), 64, RATE / 2).numpy()
    assert powers.sum() == pytest.approx(1.0)
    # Whole loops are exactly periodic; these are two seconds of them.
    assert np.square(bands).mean(axis=1) == pytest.approx(powers, rel=0.3)
    frequencies_hz = np.fft.rfftfreq(bands.shape[1], 1 / RATE)
    shapes = band_shapes(torch.from_numpy(frequencies_hz), 64, RATE / 2).numpy()
    spectrum = np.abs(np.fft.rfft(bands * scipy.signal.windows.blackmanharris(bands.shape[1]))) ** 2
    far = scipy.ndimage.maximum_filter1d(shapes, 41, axis=1) == 0
    assert ((spectrum * far).sum(axis=1) / spectrum.sum(axis=1)).max() < 1e-7


def test_a_loop_has_no_seam():
    loops, steps = noise_loops(32, HOP, RATE)
    length = loop_lengths(HOP, RATE)[0]
    loop = (loops[:length, 0].flatten() * steps[0, 0]).numpy()
    # The lowest band moves slowly: over the seam as everywhere.
    assert abs(loop[0] - loop[-1]) <= np.abs(np.diff(loop)).max()


def test_bands_do_not_move_together(bands):
    correlation = np.corrcoef(bands)
    assert np.abs(correlation - np.eye(64)).max() < 0.35


def test_the_same_loops_every_time():
    for a, b in zip(noise_loops(32, HOP, RATE), noise_loops(32, HOP, RATE), strict=True):
        assert torch.equal(a, b)


def test_weighted_powers_are_those_of_the_weighted_spectrum():
    weights = torch.linspace(0, 1, 4001)
    powers = band_powers(weights, 32, 8000.0)
    assert float(powers.sum()) == pytest.approx(0.5, rel=1e-3)
    share = powers / band_powers(torch.ones(4001), 32, 8000.0)
    assert (share.diff() > 0).all() and share[-1] <= 1.0
