"""The bits that a recording was stored in show through formats and gains."""

import numpy as np
import pytest

from timbre.audit.meters.bits import Codes, EffectiveBits
from timbre.audit.meters.meter import Block

RATE = 48000
MUSIC = np.random.default_rng(0).standard_normal(3 * RATE) * np.interp(np.arange(3 * RATE), [0, 3 * RATE], [0.2, 0.02])


def stored(samples, bits):
    full = 2.0 ** (bits - 1)
    return (np.clip(np.rint(np.asarray(samples, float) * full), -full, full - 1) / full).astype(np.float32)


def bits_of(rows, subtype="PCM_24", blocks=1):
    meter = EffectiveBits(len(rows), subtype)
    for block in np.array_split(np.asarray(rows, np.float32), blocks, axis=1):
        meter.add(Block(block, block[0]))
    return meter.result()["effective_bits"]


@pytest.mark.parametrize("source", [6, 8, 12, 16, 20, 24])
@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT", "PCM_32"])
def test_few_bits_in_a_wide_file(source, subtype):
    assert bits_of([stored(MUSIC, source)], subtype) == source


@pytest.mark.parametrize("source", [6, 8, 12])
@pytest.mark.parametrize("gain", [0.3, 0.7, 0.93, 1.21])
@pytest.mark.parametrize(("subtype", "width"), [("PCM_16", 16), ("PCM_24", 24), ("FLOAT", None)])
def test_a_gain_moves_the_steps_and_no_more(source, gain, subtype, width):
    moved = gain * stored(MUSIC, source)
    moved = moved if width is None else stored(moved, width)
    assert bits_of([moved], subtype) == pytest.approx(source - np.log2(gain), abs=0.51)


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24), ("FLOAT", 24), ("VORBIS", 24)])
def test_what_was_never_coarse_has_the_bits_of_its_file(subtype, bits):
    assert bits_of([stored(MUSIC, bits)], subtype) == bits
    assert bits_of([stored(0.003 * MUSIC, bits)], subtype) == bits


def test_eight_bit_codings():
    assert bits_of([stored(MUSIC, 8)], "PCM_U8") == 8
    assert bits_of([stored(MUSIC, 14)], "ULAW") == 8


def test_the_coarsest_channel_counts_and_silence_does_not():
    assert bits_of([stored(MUSIC, 24), stored(MUSIC[::-1], 8)]) == 8
    assert bits_of([stored(MUSIC, 24), np.zeros(len(MUSIC))]) == 24
    assert bits_of([np.zeros(RATE)]) is None


@pytest.mark.parametrize("hertz", [50.0, 150.0, 1000.0, 997.0])
@pytest.mark.parametrize("amplitude", [0.1, 0.5])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_tones_of_few_values_are_not_coarse(hertz, amplitude, subtype):
    """A tone of 1 kHz at 48 kHz has 48 values, which lie on no grid; near zero a tone's values are evenly spaced."""
    tone = stored(amplitude * np.sin(2.0 * np.pi * hertz * np.arange(RATE) / RATE), int(subtype[-2:]))
    assert (bits_of([tone], subtype) or 24) >= 14


def test_square_waves_are_left_alone():
    assert bits_of([np.where(np.arange(RATE) // 50 % 2, 0.5, -0.5)]) is None


def test_blocks_make_no_difference():
    for samples in (stored(MUSIC, 24), stored(0.7 * stored(MUSIC, 8), 24), stored(MUSIC, 16)):
        assert len({bits_of([samples], blocks=blocks) for blocks in (1, 7, 1000)}) == 1


def test_a_click_beyond_full_scale_is_no_code():
    codes = Codes(16, 1.0)
    codes.add(np.array([3.0, -7.0, 0.5], np.float32))
    assert codes.bits() is None
