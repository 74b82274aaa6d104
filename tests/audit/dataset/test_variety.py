"""The variety index at its ends, and between."""

import numpy as np
import pytest
from support.materials import DARK, MATERIALS

from timbre.audit.dataset.variety import WINDOWS, variety
from timbre.audit.meters.sketch import MFCCS, Sketch


def of_windows(*windows):
    nothing = np.zeros(0, np.float32)
    return [
        Sketch(nothing, nothing, nothing, np.asarray(each, np.float16), nothing, nothing, nothing) for each in windows
    ]


def test_equal_windows_are_one_and_others_as_many_as_there_are():
    equal = np.tile(np.linspace(-50.0, 50.0, 2 * MFCCS), (30, 1))
    assert variety(of_windows(equal))["vendi"] == pytest.approx(1.0)
    apart = 500.0 * np.eye(2 * MFCCS)[:15]
    assert variety(of_windows(apart[:12].repeat(2, axis=0), apart[12:].repeat(2, axis=0)))["vendi"] == pytest.approx(
        15.0, abs=1e-3
    )
    found = variety(of_windows(np.repeat(apart[:4], 300, axis=0)))
    assert found["vendi"] == pytest.approx(4.0, abs=0.1) and found["windows"] == WINDOWS


def test_too_little_to_tell():
    assert variety([]) == variety(of_windows(np.zeros((29, 2 * MFCCS)))) == {}


def test_an_idle_engine_is_one_sound_and_unrelated_sounds_are_many(engine, sketch_of, params):
    limits = params("x").audit.thresholds
    idle = variety([sketch_of(engine(11.0, seed)) for seed in range(3)])
    assert 1.0 <= idle["vendi"] < 1.2 < limits.variety_min
    one = variety([sketch_of(MATERIALS["plucked"](11.0, seed)) for seed in range(3)])
    assert limits.variety_min < one["vendi"] < limits.variety_max
    rng = np.random.default_rng(0)
    unrelated = []
    for _ in range(60):
        # Each second another kind of sound: resonances, noise, pulses, at any height.
        spectrum = np.fft.rfftfreq(48000, 1.0 / 48000)
        shape = sum(
            rng.uniform(0.1, 1.0) * np.exp(-0.5 * np.square(np.log2((spectrum + 1.0) / hertz) / rng.uniform(0.02, 1.0)))
            for hertz in 80.0 * 2.0 ** rng.uniform(0.0, 7.0, rng.integers(1, 6))
        )
        wave = np.fft.irfft(shape * np.fft.rfft(rng.standard_normal(48000)))
        beats = 0.5 + 0.5 * np.sign(np.sin(2.0 * np.pi * rng.uniform(0.5, 9.0) * np.arange(48000) / 48000))
        unrelated.append(sketch_of(0.2 * wave / np.std(wave) * (beats if rng.random() < 0.5 else 1.0)))
    many = variety(unrelated)
    assert many["vendi"] > limits.variety_max
    kinds = [*MATERIALS.items(), *DARK.items()]
    mixed = variety([sketch_of(make(6.0, 0)) for name, make in kinds if name != "bowed"])
    assert one["vendi"] < mixed["vendi"] < many["vendi"]
