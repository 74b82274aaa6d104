"""What is kept of a recording: the same however it is read, and right where another way of measuring exists."""

from dataclasses import fields

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, welch

from timbre.audit.meters.meter import Block
from timbre.audit.meters.sketch import THIRDS_HZ, Sketcher

RATE = 48000


def sketch(samples, rate=RATE, blocks=None):
    samples = np.asarray(samples, np.float32)
    sketcher = Sketcher(rate)
    for part in np.split(samples, np.cumsum(blocks or [])):
        sketcher.add(Block(part[None], part))
    return sketcher.result()["sketch"]


def notes(seconds, seed=0, rate=RATE):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    hertz = 200.0 * 2.0 ** (rng.integers(0, 24, int(seconds * 4) + 1) / 12.0)
    phase = 2.0 * np.pi * np.cumsum(hertz[(4 * time).astype(int)]) / rate
    return 0.2 * sum(np.sin(n * phase) / n for n in range(1, 8)) * np.exp(-3.0 * ((4 * time) % 1.0) / 4.0)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_blocks_make_no_difference(rate):
    sound = notes(5.3, rate=rate) + 1e-3 * np.random.default_rng(1).standard_normal(round(5.3 * rate))
    whole = sketch(sound, rate)
    for seed in range(3):
        assert sketch(sound, rate, list(np.random.default_rng(seed).integers(0, rate, 9))) == whole


def test_it_is_small():
    made = sketch(notes(60.0))
    held = sum(getattr(made, field.name).nbytes for field in fields(made) if field.name != "phases")
    assert held / 60.0 < 250.0
    assert np.asarray(made.phases).nbytes / 60.0 < 700.0
    assert len(made.words) > 60


def test_average_spectrum():
    rng = np.random.default_rng(0)
    noise = 0.1 * sosfilt(butter(1, 1000.0, fs=RATE, output="sos"), rng.standard_normal(20 * RATE))
    made = sketch(noise)
    hertz, density = welch(noise, RATE, nperseg=8192)
    edges = [(middle / 10.0**0.05, middle * 10.0**0.05) for middle in THIRDS_HZ]
    wanted = [density[(hertz >= low) & (hertz < high)].sum() * (hertz[1]) for low, high in edges]
    error = made.spectra_db[0] - 10.0 * np.log10(wanted)
    # A bin of the spectrum is wider than a third octave at the bottom.
    assert np.abs(error - np.median(error))[4:].max() < 0.6
    assert made.part_seconds.sum() == pytest.approx(20.0, abs=0.2)


def test_long_recordings_have_parts():
    made = sketch(np.tile(notes(10.0), 10))
    assert len(made.part_seconds) == 4 and made.part_seconds.sum() == pytest.approx(100.0, abs=0.2)


def test_noise_is_that_of_the_pauses():
    rng = np.random.default_rng(0)
    hiss = 1e-4 * sosfilt(butter(2, 2000.0, "highpass", fs=RATE, output="sos"), rng.standard_normal(20 * RATE))
    sound = notes(20.0) * ((np.arange(20 * RATE) // RATE) % 4 < 3)
    made, alone = sketch(sound + hiss), sketch(hiss)
    assert np.isnan(alone.noise_db).all()
    loud = THIRDS_HZ > 2500.0
    assert np.abs(made.noise_db - alone.spectra_db[0])[loud].max() < 1.5
    assert np.isnan(sketch(notes(20.0) + hiss).noise_db).all()


def test_silent_seconds_have_no_colour():
    made = sketch(np.concatenate([notes(3.0), np.zeros(5 * RATE), notes(3.0)]))
    assert 6 <= len(made.mfcc) <= 8
    assert np.isfinite(made.mfcc).all()


def test_colour_knows_no_level():
    assert np.abs(sketch(notes(4.0)).mfcc - sketch(0.1 * notes(4.0)).mfcc.astype(float)).max() < 0.1


@pytest.mark.parametrize("samples", [1, 300, 5000, 48000])
def test_short_and_silent_recordings(samples):
    for sound in (np.zeros(samples), 0.1 * np.random.default_rng(0).standard_normal(samples)):
        made = sketch(sound)
        assert len(made.words) == len(made.moments)
        assert len(made.phases) == pytest.approx(samples / RATE * 43.07 + 4.0, abs=1.5)
