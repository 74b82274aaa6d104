"""The longest pause and where it begins."""

import numpy as np
import pytest

from timbre.audit.meters.meter import Block
from timbre.audit.meters.pauses import Pauses

RATE = 8000


def pause(*parts, blocks=1):
    """Parts of sound and silence by turns, seconds each."""
    draw = np.random.default_rng(0)
    sizes = [0.1 * (place % 2 == 0) for place in range(len(parts))]
    samples = np.concatenate([s * draw.standard_normal(round(p * RATE)) for s, p in zip(sizes, parts, strict=True)])
    meter = Pauses(RATE)
    for block in np.array_split(samples.astype(np.float32), blocks):
        meter.add(Block(block[None], block))
    row = meter.result()
    return row["longest_pause_seconds"], row["longest_pause_at_seconds"]


@pytest.mark.parametrize("blocks", [1, 3, 77, 5000])
def test_the_longest_of_several(blocks):
    assert pause(1.0, 0.5, 0.3, 2.25, 1.0, 2.0, blocks=blocks) == pytest.approx((2.25, 1.8))
    assert pause(0.0, 1.5, 2.0, 1.5, blocks=blocks) == pytest.approx((1.5, 0.0))
    assert pause(0.5, 0.5, 1.0, 3.0, blocks=blocks) == pytest.approx((3.0, 2.0))


def test_no_pause_and_nothing_but():
    longest, at = pause(2.0)
    assert longest == 0.0 and np.isnan(at)
    assert pause(0.0, 4.0, blocks=9) == (4.0, 0.0)
    longest, at = pause(0.0)
    assert longest == 0.0 and np.isnan(at)
