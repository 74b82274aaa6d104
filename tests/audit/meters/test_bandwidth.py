"""What was converted from a lower rate or coded with loss is found, and nothing else is."""

import io
from functools import cache

import numpy as np
import pytest
import soundfile
import soxr
from scipy.signal import butter, resample_poly, sosfilt
from support.materials import DARK, MATERIALS, RATE

from timbre.audit.meters.bandwidth import Bandwidth, steepest_edge
from timbre.audit.meters.meter import Block

SECONDS = 6.0


def measured(audio, rate=RATE, blocks=1):
    meter = Bandwidth(rate)
    for part in np.array_split(np.asarray(audio, np.float32), blocks):
        meter.add(Block(part[None], part))
    row = meter.result()
    return row["bandwidth_hz"], row["bandwidth_drop_db"]


@cache
def material(name):
    return (MATERIALS | DARK)[name](SECONDS, 1)


def to_bits(audio, bits, dither=True):
    rng = np.random.default_rng(0)
    steps = 2.0 ** (bits - 1)
    noise = rng.uniform(-0.5, 0.5, (2, len(audio))).sum(axis=0) if dither else 0.0
    return np.clip(np.rint(audio * steps + noise), -steps, steps - 1) / steps


def linear(low, rate_hz):
    return np.interp(np.arange(round(len(low) * RATE / rate_hz)) * (rate_hz / RATE), np.arange(len(low)), low)


def polyphase(low, rate_hz):
    common = np.gcd(rate_hz, RATE)
    return resample_poly(low, RATE // common, rate_hz // common)


RESAMPLERS = {
    "soxr": lambda low, rate_hz: soxr.resample(low, rate_hz, RATE, quality="HQ"),
    "soxr_low": lambda low, rate_hz: soxr.resample(low, rate_hz, RATE, quality="LQ"),
    "polyphase": polyphase,
    "linear": linear,
}


@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize("rate_hz", (8000, 16000, 22050, 32000, 44100))
@pytest.mark.parametrize("name", MATERIALS)
def test_conversion_from_a_lower_rate_is_found(name, rate_hz, resampler):
    if (rate_hz, resampler) == (44100, "soxr_low"):
        pytest.skip("its filter falls so gently that hardly anything is missing")
    low = soxr.resample(material(name).astype(np.float64), RATE, rate_hz, quality="VHQ")
    edge_hz, drop_db = measured(to_bits(RESAMPLERS[resampler](low, rate_hz), 16))
    assert 0.8 * rate_hz / 2 <= edge_hz <= 1.13 * rate_hz / 2
    assert drop_db >= 14.0


@pytest.mark.parametrize(
    ("container", "subtype", "level", "lowest_hz", "highest_hz"),
    [
        ("MP3", "MPEG_LAYER_III", 0.99, 8000, 10000),
        ("MP3", "MPEG_LAYER_III", 0.9, 15500, 17000),
        ("OGG", "VORBIS", 0.8, 15000, 19000),
        ("OGG", "OPUS", 0.7, 19500, 21000),
    ],
)
@pytest.mark.parametrize("name", MATERIALS)
def test_lossy_coding_is_found(name, container, subtype, level, lowest_hz, highest_hz):
    file = io.BytesIO()
    constant = {"bitrate_mode": "CONSTANT"} if container == "MP3" else {}
    soundfile.write(file, material(name), RATE, format=container, subtype=subtype, compression_level=level, **constant)
    file.seek(0)
    decoded, rate = soundfile.read(file, dtype="float32")
    assert rate == RATE
    assert lowest_hz <= measured(decoded)[0] <= highest_hz


@pytest.mark.parametrize("kept", ("float", "24 bits", "16 bits", "16 without dither", "8 bits", "quiet"))
@pytest.mark.parametrize("name", MATERIALS | DARK)
def test_clean_material_is_not_accused(name, kept):
    audio = material(name)
    audio = {
        "float": audio,
        "24 bits": to_bits(audio, 24),
        "16 bits": to_bits(audio, 16),
        "16 without dither": to_bits(audio, 16, dither=False),
        "8 bits": to_bits(audio, 8, dither=False),
        "quiet": to_bits(0.02 * audio, 16),
    }[kept]
    assert np.isnan(measured(audio)).all()


@pytest.mark.parametrize("order", (1, 2, 3))
@pytest.mark.parametrize("cutoff_hz", (500, 4000, 12000))
def test_gentle_filters_are_no_edges(order, cutoff_hz):
    noise = 0.1 * np.random.default_rng(0).standard_normal(4 * RATE)
    low = sosfilt(butter(order, cutoff_hz, fs=RATE, output="sos"), noise)
    assert np.isnan(measured(low)).all() and np.isnan(measured(to_bits(low, 16))).all()


def test_noise_shaped_dither_is_no_edge():
    audio = material("clarinet")[:RATE] * 32768.0
    shaped, errors = np.zeros(len(audio)), np.zeros(5)
    dither = np.random.default_rng(0).uniform(-0.5, 0.5, (2, len(audio))).sum(axis=0)
    # Lipshitz et al. 1991, "Minimally audible noise shaping", the filter of five taps.
    taps = np.array([2.033, -2.165, 1.959, -1.590, 0.6149])
    for sample, (value, noise) in enumerate(zip(audio, dither, strict=True)):
        wanted = value - taps @ errors
        shaped[sample] = np.rint(wanted + noise)
        errors = np.concatenate([[shaped[sample] - wanted], errors[:-1]])
    assert np.isnan(measured(shaped / 32768.0)).all()


@pytest.mark.parametrize("beats_per_minute", (90, 100, 120, 125, 128))
def test_a_drum_machine_is_not_taken_for_interpolation(beats_per_minute):
    # The very same hit at very regular times is as coherent as mirror images are.
    hit = np.random.default_rng(0).standard_normal(4000) * np.exp(-np.arange(4000) / 800)
    audio = np.zeros(6 * RATE)
    for start in np.rint(np.arange(0, 5.8, 15.0 / beats_per_minute) * RATE).astype(int):
        audio[start : start + 4000] += 0.2 * hit
    assert np.isnan(measured(audio)).all()


@pytest.mark.parametrize("f0_hz", (200.0, 250.0, 441.0, 1000.0))
def test_steady_tones_that_divide_a_rate_are_not_taken_for_interpolation(f0_hz):
    times = np.arange(3 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * f0_hz * n * times + n) / n for n in range(1, int(23000 / f0_hz)))
    assert np.isnan(measured(0.1 * tone)).all() and np.isnan(measured(to_bits(0.1 * tone, 16))).all()


def test_an_edge_is_measured_where_it_is_made():
    noise = np.random.default_rng(0).standard_normal(4 * RATE)
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(len(noise), 1.0 / RATE)
    for edge_hz, drop_db in ((5000.0, 60.0), (9000.0, 30.0), (17000.0, 20.0)):
        cut = np.fft.irfft(spectrum * np.where(hertz < edge_hz, 0.1, 0.1 * 10.0 ** (-drop_db / 20.0)))
        found_hz, found_db = measured(cut)
        assert found_hz == pytest.approx(edge_hz, abs=200.0)
        assert found_db == pytest.approx(drop_db - 3.0, abs=3.0)


def test_anything_above_the_edge_clears():
    level = np.full(128, -40.0)
    level[60:] = -90.0
    assert steepest_edge(level, level, 187.5) == (pytest.approx(60 * 187.5), 50.0)
    level[100] = -45.0
    assert np.isnan(steepest_edge(level, level, 187.5)).all()


@pytest.mark.parametrize("rate", (8000, 11025, 22050, 44100, 96000, 192000))
def test_other_rates(rate):
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * rate)
    assert np.isnan(measured(noise, rate)).all()
    if rate > 16000:
        low = soxr.resample(noise, rate, 16000, quality="VHQ")
        assert measured(soxr.resample(low, 16000, rate, quality="HQ"), rate)[0] == pytest.approx(7800.0, abs=300.0)


def test_blocks_make_no_difference_and_short_or_silent_sounds_no_trouble():
    low = soxr.resample(material("noise").astype(np.float64), RATE, 16000)
    audio = linear(low, 16000)
    assert measured(audio) == measured(audio, blocks=97) == (8000.0, np.inf)
    for samples in (1, 5000, RATE):
        assert np.isnan(measured(np.zeros(samples))).all()
    assert np.isnan(measured(0.1 * np.ones(300))).all()


def test_memory_is_bounded():
    meter = Bandwidth(RATE)
    part = (0.1 * np.random.default_rng(0).standard_normal(1 << 19)).astype(np.float32)
    for _ in range(12):
        meter.add(Block(part[None], part))
    assert len(meter._kept.frames()[1]) <= 512
    spaces = np.diff(meter._kept.frames()[1])
    assert spaces.min() == spaces.max() == 4
