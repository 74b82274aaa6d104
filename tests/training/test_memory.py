"""The memory of the process."""

import time

import numpy as np

from timbre.training.memory import PeakMemory, used_bytes


def test_the_peak_is_seen_after_it_has_passed():
    before = used_bytes()
    with PeakMemory() as peak:
        taken = np.ones(100_000_000, dtype=np.uint8)
        time.sleep(0.01)
        del taken
    assert 90e6 < peak.bytes - before < 150e6


def test_nothing_taken_is_hardly_any_growth():
    before = used_bytes()
    with PeakMemory() as peak:
        time.sleep(0.01)
    assert 0 <= peak.bytes - before < 10e6
