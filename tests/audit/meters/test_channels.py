"""What two or more channels have to do with each other."""

import numpy as np
import pytest

from timbre.audit.meters.channels import ChannelMeter

SIDES = 0.1 * np.random.default_rng(0).standard_normal((2, 48000)).astype(np.float32)


def judge(rows, blocks=1):
    meter = ChannelMeter(len(rows))
    for block in np.array_split(np.asarray(rows, np.float32), blocks, axis=1):
        meter.add(block)
    return meter.result()


def mixed(correlation):
    return np.stack([SIDES[0], correlation * SIDES[0] + np.sqrt(1.0 - correlation**2) * SIDES[1]])


@pytest.mark.parametrize("correlation", [1.0, 0.5, 0.0, -0.5, -0.99])
def test_the_loss_of_a_mono_mix_is_that_of_the_correlation(correlation):
    row = judge(mixed(correlation))
    assert row["channel_correlation"] == pytest.approx(correlation, abs=0.01)
    assert row["mono_loss_db"] == pytest.approx(
        -10.0 * np.log10((1.0 + correlation) / 2.0), abs=0.1 / (1.01 + correlation)
    )
    assert row["channel_difference_db"] == pytest.approx(0.0, abs=0.1)
    assert row["silent_channels"] == 0


def test_an_offset_is_no_sound():
    assert judge(np.add(mixed(0.3), [[0.2], [-0.1]])) == pytest.approx(judge(mixed(0.3)), abs=1e-4)


def test_sides_that_cancel_each_other():
    row = judge([SIDES[0], -SIDES[0]])
    assert row["mono_loss_db"] == pytest.approx(100.0, abs=0.1) and row["channel_correlation"] == -1.0


@pytest.mark.parametrize("level_db", [-3.0, -20.0, -36.0])
def test_a_fainter_side_is_no_dead_one(level_db):
    row = judge([SIDES[0], 10.0 ** (level_db / 20.0) * SIDES[0]])
    assert row["channel_difference_db"] == pytest.approx(-level_db, abs=0.01)
    assert row["silent_channels"] == 0


@pytest.mark.parametrize("level", [0.0, 1e-4, 5e-4])
def test_a_dead_side_may_hiss(level):
    row = judge([SIDES[0], 10.0 * level * SIDES[1]], blocks=3)
    assert row["silent_channels"] == 1
    assert 40.0 < row["channel_difference_db"] <= 100.1
    assert row["mono_loss_db"] == pytest.approx(3.0, abs=0.1)


def test_mono_silence_and_six_channels():
    assert judge(SIDES[:1])["silent_channels"] == 0 and np.isnan(judge(SIDES[:1])["channel_difference_db"])
    row = judge(np.zeros((2, 100)))
    assert row["silent_channels"] == 2 and row["channel_difference_db"] == row["mono_loss_db"] == 0.0
    row = judge(np.concatenate([SIDES, SIDES, SIDES[:1], 0.0 * SIDES[:1]]))
    assert row["silent_channels"] == 1 and np.isnan(row["mono_loss_db"])


def test_blocks_make_no_difference():
    assert judge(mixed(-0.2), blocks=77) == pytest.approx(judge(mixed(-0.2)), rel=1e-9)
