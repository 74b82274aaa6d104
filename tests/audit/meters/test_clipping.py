"""Clipping is found where it is, and not where a clean tone is rounded."""

import numpy as np
import pytest

from timbre.audit.meters.bits import EffectiveBits
from timbre.audit.meters.clipping import ClipCounter, Clipping
from timbre.audit.meters.meter import Block

RATE = 48000


def sine(hertz, amplitude=1.0, seconds=2.0):
    return amplitude * np.sin(2.0 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def to_bits(samples, bits):
    full = 2.0 ** (bits - 1)
    return (np.clip(np.rint(samples * full), -full, full - 1) / full).astype(np.float32)


def count(samples, bits=16, blocks=1):
    counter = ClipCounter(2.0 ** (1 - bits))
    for block in np.array_split(samples.astype(np.float32), blocks):
        counter.add(block)
    tops = counter.result(0.0)
    return tops.runs, tops.samples


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("hertz", [20.0, 30.0, 50.0, 110.0, 440.0, 997.0, 4000.0])
def test_clean_tones_are_not_clipped(hertz, bits):
    assert count(to_bits(sine(hertz, 1.0 - 2.0 ** (1 - bits)), bits), bits) == (0, 0)


@pytest.mark.parametrize("over_db", [1.0, 3.0, 12.0])
@pytest.mark.parametrize("hertz", [30.0, 110.0, 440.0])
def test_every_clipped_top_is_one_run(hertz, over_db):
    runs, samples = count(to_bits(np.clip(sine(hertz, 10.0 ** (over_db / 20.0)), -0.9, 0.9), 16))
    assert runs == pytest.approx(2 * hertz * 2.0, abs=2)
    share = 1.0 - 2.0 / np.pi * np.arcsin(0.9 * 10.0 ** (-over_db / 20.0))
    assert samples / (2 * RATE) == pytest.approx(share, rel=0.1)


def test_blocks_make_no_difference():
    clipped = to_bits(np.clip(sine(110.0, 1.5), -1.0, 1.0), 16)
    whole = count(clipped)
    assert whole[0] > 0
    for blocks in (2, 7, len(clipped) // 40):
        assert count(clipped, blocks=blocks) == whole


def test_tops_below_the_loudest_place_are_not_counted():
    steps = np.where(sine(110.0, 0.5) > 0, 0.5, -0.5)
    assert count(np.concatenate([steps, [1.0, -1.0]])) == (0, 0)


def test_a_soft_square_and_silence_are_not_clipped():
    assert count(np.where(sine(110.0) > 0, 0.1, -0.1)) == (0, 0)
    assert count(np.zeros(1000)) == (0, 0)
    assert count(np.zeros(0)) == (0, 0)


def test_an_endless_run_costs_no_memory():
    counter = ClipCounter(2.0**-15)
    counter.add(np.zeros(10, np.float32))
    for _ in range(50):
        counter.add(np.ones(50_000, np.float32))
    assert len(counter._tail) < 200_000
    tops = counter.result(0.0)
    assert tops.runs >= 1 and tops.samples > 0


def judge(rows, subtype="PCM_24", blocks=1):
    bits = EffectiveBits(len(rows), subtype)
    meter = Clipping(RATE, bits)
    for block in np.array_split(np.asarray(rows, np.float32), blocks, axis=1):
        for one in (bits, meter):
            one.add(Block(block, block[0]))
    return meter.result()


@pytest.mark.parametrize("blocks", [1, 7, 300])
def test_where_and_at_what_level_the_longest_top_lies(blocks):
    swell = np.interp(np.arange(2 * RATE), [0, RATE, 2 * RATE - 1], [0.4, 1.6, 0.4])
    clipped = np.clip(swell * sine(110.0), -0.8, 0.8)
    row = judge([0.5 * sine(300.0), clipped], blocks=blocks)
    assert row["clip_level_dbfs"] == pytest.approx(20.0 * np.log10(0.8), abs=1e-4)
    assert row["clipped_at_seconds"] == pytest.approx(1.0, abs=0.01)
    assert row["clipped_runs"] > 100


def test_nothing_clipped_has_no_place_and_no_level():
    row = judge([0.5 * sine(300.0)])
    assert row["clipped_runs"] == 0 and np.isnan(row["clipped_at_seconds"]) and np.isnan(row["clip_level_dbfs"])


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("gain", [1.0, 0.83])
def test_coarse_steps_in_a_fine_file_are_not_clipping(bits, gain):
    swell = np.interp(np.arange(2 * RATE), [0, 2 * RATE - 1], [0.3, 0.99])
    low = to_bits(gain * to_bits(swell * sine(33.0 if bits > 12 else 110.0), bits), 24)
    assert judge([low])["clipped_runs"] == 0
    # In eight bits a slower one cannot be told from what rounding does.
    clipped = to_bits(gain * to_bits(np.clip(1.5 * swell * sine(880.0), -0.9, 0.9), bits), 24)
    assert judge([clipped])["clipped_runs"] > 1000


def test_equal_neighbours_under_a_noisy_top_are_chance():
    """A low tone with some steps of noise has three equal samples in a row here and there, but not at its very top."""
    rng = np.random.default_rng(0)
    tones = [to_bits(0.36 * sine(110.0, seconds=20.0) + 1e-4 * rng.standard_normal(20 * RATE), 16) for _ in range(4)]
    assert sum(judge([tone], "PCM_16")["clipped_runs"] for tone in tones) == 0


def test_an_offset_leaves_two_levels():
    row = judge([np.clip(sine(110.0, 1.5), -0.8, 0.8) + 0.05])
    assert row["clipped_runs"] == pytest.approx(440, abs=2)
    assert row["clip_level_dbfs"] == pytest.approx(20.0 * np.log10(0.85), abs=1e-3)
