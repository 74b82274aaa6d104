"""Sketches of sounds, made as the audit makes them."""

import io

import numpy as np
import pytest
import soundfile

from timbre.audit.meters.meter import Block
from timbre.audit.meters.sketch import Sketcher

RATE = 48000


@pytest.fixture(scope="session")
def sketch_of():
    """The sketch of samples [samples], fed in blocks."""

    def make(samples, rate=RATE, block=1 << 19):
        samples = np.asarray(samples, np.float32)
        sketcher = Sketcher(rate)
        for at in range(0, len(samples), block):
            part = samples[at : at + block]
            sketcher.add(Block(part[None], part))
        return sketcher.result()["sketch"]

    return make


@pytest.fixture(scope="session")
def coded():
    """Samples that went through a lossy file format."""

    def run(samples, container, subtype, level=0.5, rate=RATE):
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=container, subtype=subtype, compression_level=level)
        file.seek(0)
        return soundfile.read(file, dtype="float32")[0]

    return run


@pytest.fixture(scope="session")
def engine():
    """An idle engine: a comb of 28 Hz that never changes, and noise that is another each time."""

    def make(seconds, seed, start=0.0):
        time = start + np.arange(round(seconds * RATE)) / RATE
        period = np.arange(8192) / 8192
        comb = sum(np.sin(2.0 * np.pi * number * period + number**2) / number for number in range(1, 60))
        comb = np.interp(28.0 * time, period, comb, period=1.0)
        return (0.05 * comb + 0.01 * np.random.default_rng(seed).standard_normal(len(time))).astype(np.float32)

    return make
