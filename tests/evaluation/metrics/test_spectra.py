"""Spectral distances against their definitions and independent references."""

import itertools
import math

import auraloss
import numpy as np
import pytest
import scipy.fft
import scipy.signal
import scipy.stats
import torch

from timbre.dsp.spectral import fft_sizes_for, multi_scale_spectral_loss
from timbre.evaluation.metrics.spectra import (
    lsd_db_noise_floor,
    magnitude_frames,
    mel_filters,
    mss,
    mss_noise_floor,
    pieces,
    spectral_distances,
)

KEYS = ("lsd_db", "mcd_db", "logmel_l1")


def test_equal_sounds_have_no_distance(tone, rate):
    audio = tone()
    assert mss(audio, audio, rate) == 0.0
    assert spectral_distances(audio, audio, rate) == dict.fromkeys(KEYS, 0.0)


@pytest.mark.parametrize("gain_db", [-6.0, 0.5, 12.0])
def test_a_gain_on_noise_is_its_own_distance(noise, rate, gain_db):
    audio = noise()
    louder = (audio * 10 ** (gain_db / 20)).astype(np.float32)
    found = spectral_distances(audio, louder, rate)
    assert found["lsd_db"] == pytest.approx(abs(gain_db), abs=1e-3)
    assert found["logmel_l1"] == pytest.approx(abs(gain_db) * math.log(10) / 20, abs=1e-4)
    assert found["mcd_db"] == pytest.approx(0.0, abs=1e-3), "level is not tone colour"


def test_distances_equal_scipy_on_the_same_definition(tone, noise, rate):
    a, b = tone(), (tone(233.0) + noise(level=0.01)).astype(np.float32)
    spectra = []
    for audio in (a, b):
        frames = np.lib.stride_tricks.sliding_window_view(audio.astype(float), 1024)[::256]
        window = scipy.signal.get_window("hann", 1024)
        spectra.append(np.abs(scipy.fft.rfft(frames * window)) * 2 / window.sum())
    floor = spectra[0].max() * 1e-4
    levels = [20 * np.log10(np.maximum(spectrum, floor)) for spectrum in spectra]
    lsd = np.sqrt(((levels[0] - levels[1]) ** 2).mean(axis=1)).mean()
    filters = mel_filters(1024, rate, 80).numpy().astype(float)
    mels = [np.sqrt(spectrum**2 @ filters) for spectrum in spectra]
    logs = [np.log(np.maximum(mel, 1e-5)) for mel in mels]
    powers = [2 * np.log(np.maximum(mel, mel.max() * 1e-4)) for mel in mels]
    cepstra = [scipy.fft.dct(power, type=2, axis=1)[:, 1:14] / (2 * 80) for power in powers]
    mcd = 10 / math.log(10) * np.sqrt(2 * ((cepstra[0] - cepstra[1]) ** 2).sum(axis=1)).mean()
    found = spectral_distances(a, b, rate)
    assert found["lsd_db"] == pytest.approx(lsd, rel=1e-4)
    assert found["mcd_db"] == pytest.approx(mcd, rel=1e-4)
    assert found["logmel_l1"] == pytest.approx(np.abs(logs[0] - logs[1]).mean(), rel=1e-4)


def test_mcd_is_the_rms_of_a_tilt_in_db(noise, rate):
    """White noise against itself coloured by half a cosine over the mel bands: 6 dB high, so 6 / sqrt(2) dB RMS."""
    audio = noise(seconds=8.0)
    mel = np.linspace(0.0, 1.0, 4096)
    bends = mel_filters(1024, rate, 80).numpy()
    centres = bends.argmax(axis=0) / 512
    gain_db = np.interp(np.linspace(0, 1, 4096), centres, 6.0 * np.cos(np.pi * (np.arange(80) + 0.5) / 80))
    taps = scipy.signal.firwin2(2047, mel, 10 ** (gain_db / 20))
    coloured = scipy.signal.fftconvolve(audio, taps, mode="same").astype(np.float32)
    assert spectral_distances(audio, coloured, rate)["mcd_db"] == pytest.approx(6 / math.sqrt(2), rel=0.05)


def test_a_sine_of_amplitude_one_measures_one(rate):
    audio = np.sin(2 * np.pi * (64 * rate / 1024) * np.arange(rate) / rate).astype(np.float32)
    frames = next(magnitude_frames(audio, 1024, 256))
    assert float(frames[3, 64]) == pytest.approx(1.0, abs=1e-4)


def test_silence_has_no_spectral_distance(noise, rate):
    assert spectral_distances(np.zeros(rate, np.float32), noise(1.0), rate) == dict.fromkeys(KEYS, None)


@pytest.mark.parametrize("samples", [100, 1023, 1500])
def test_sounds_shorter_than_a_window_are_measured(noise, rate, samples):
    a, b = noise()[:samples], noise(seed=1)[:samples]
    assert all(np.isfinite(value) for value in spectral_distances(a, b, rate).values())
    assert np.isfinite(mss(a, b, rate))
    assert np.isfinite(mss(a[:1], b[:1], rate))


def test_mss_is_the_training_loss_and_pieces_hardly_change_it(tone, noise, rate):
    a, b = tone(seconds=21.0), noise(seconds=21.0)
    whole = float(multi_scale_spectral_loss(torch.from_numpy(a)[None], torch.from_numpy(b)[None], fft_sizes_for(rate)))
    assert len(pieces(len(a), rate)) == 2
    assert mss(a, b, rate) == pytest.approx(whole, rel=1e-3)
    first = slice(0, 2 * rate)
    short = multi_scale_spectral_loss(*(torch.from_numpy(x[first])[None] for x in (a, b)), fft_sizes_for(rate))
    assert mss(a[first], b[first], rate) == pytest.approx(float(short), rel=1e-6)


def test_mss_equals_auraloss_on_the_same_scales(tone, noise, rate):
    a, b = tone(), (tone() + noise(level=0.02)).astype(np.float32)
    reference = 0.0
    for size in fft_sizes_for(rate):
        # eps is the square of our floor; its mean absolute terms are ours.
        loss = auraloss.freq.STFTLoss(size, size // 4, size, w_sc=0.0, w_log_mag=1.0, w_lin_mag=1.0, eps=1e-10)
        reference += float(loss(torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None]))
    assert mss(a, b, rate) == pytest.approx(reference, rel=0.02), "auraloss reflects at the ends, we put zeros"


def test_independent_noises_lie_at_the_noise_floor_in_the_log_term(noise, rate):
    quiet = mss(noise(8.0, 1e-3), noise(8.0, 1e-3, seed=1), rate)
    assert quiet == pytest.approx(mss_noise_floor(rate), rel=0.05)


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_independent_noises_lie_at_the_noise_floor_line_by_line(noise, rate_hz):
    a, b = (scipy.signal.lfilter([1.0], [1.0, -0.7], noise(10.0, rate=rate_hz, seed=seed)) for seed in (0, 1))
    found = spectral_distances(a.astype(np.float32), b.astype(np.float32), rate_hz)["lsd_db"]
    assert found == pytest.approx(lsd_db_noise_floor(), rel=0.005)
    assert lsd_db_noise_floor() == pytest.approx(scipy.stats.logistic.std() * 10 / math.log(10))


@pytest.mark.parametrize("samples", [1, 159_999, 160_000, 400_000])
def test_pieces_cover_everything_once(samples):
    cut = pieces(samples, 16000)
    assert cut[0][0] == 0 and cut[-1][1] == samples
    assert all(left[1] == right[0] for left, right in itertools.pairwise(cut))
    assert all(end - start >= min(samples, 160_000) for start, end in cut)
