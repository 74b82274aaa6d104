"""The memory of the process."""

import subprocess
import sys
import time

import numpy as np
import pytest

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


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_what_was_freed_is_taken_again_without_asking_the_system():
    script = (
        "import resource, torch\n"
        "from timbre.training.memory import freed_memory_kept\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(5):\n"
        "        held = [torch.ones(2**20) for _ in range(16)]\n"
        "        del held\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "with freed_memory_kept():\n"
        "    faults()  # until it has all it needs\n"
        "    print(faults())\n"
        "print(faults())"
    )
    kept, given_back = map(int, subprocess.check_output([sys.executable, "-c", script], text=True).split())
    assert kept < 0.2 * given_back
