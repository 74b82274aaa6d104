"""From the channels of a recording to the model's."""

import numpy as np
import pytest

from timbre.audio.channels import to_channels, to_mono

BLOCK = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)


@pytest.mark.parametrize("plan", ("mean", "left", "mono"))
@pytest.mark.parametrize("channels", (1, 2))
def test_a_mono_plan_is_the_same_sound_in_every_channel(plan, channels):
    got = to_channels(BLOCK, plan, channels)
    assert got.shape == (50, channels) and got.dtype == np.float32
    wanted = BLOCK.mean(axis=1) if plan == "mean" else BLOCK[:, 0]
    assert all(np.array_equal(got[:, channel], wanted) for channel in range(channels))
    assert np.array_equal(got[:, 0], to_mono(BLOCK, plan))


def test_stereo_takes_the_first_two():
    assert np.array_equal(to_channels(BLOCK, "stereo", 2), BLOCK[:, :2])
