"""The body of the instrument: what the force at the bridge becomes in the room."""

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from timbre.demo.bowed_string import SAMPLE_RATE_HZ

SIGNATURE_MODES = (
    (276.0, 14.0, 1.0),
    (405.0, 20.0, 0.45),
    (462.0, 26.0, 1.0),
    (548.0, 28.0, 1.1),
    (742.0, 30.0, 0.5),
    (934.0, 30.0, 0.55),
)
"""Frequency in Hz, quality factor, strength: the usual order of air and corpus modes of a violin.

Fletcher and Rossing 1998, "The Physics of Musical Instruments", ch. 10; the values are round ones.
"""
DENSE_MODES = 90
DENSE_RANGE_HZ = (1050.0, 11000.0)
INSTRUMENT_SEED = 1715
RESPONSE_SECONDS = 0.12
DIRECT_PART = 0.35


def body_response() -> np.ndarray:
    """Impulse response of the body, shape (samples,): decaying modes, the dense ones strongest at 2.5 kHz."""
    rng = np.random.default_rng(INSTRUMENT_SEED)
    low, high = DENSE_RANGE_HZ
    place = (np.arange(DENSE_MODES) + rng.uniform(-0.4, 0.4, DENSE_MODES) + 0.5) / DENSE_MODES
    dense_hz = low * (high / low) ** place
    hill = 0.25 + np.exp(-0.5 * (np.log2(dense_hz / 2500) / 0.55) ** 2)
    strength = hill * rng.uniform(0.5, 1.2, DENSE_MODES) * rng.choice((-1, 1), DENSE_MODES)
    modes = np.concatenate([SIGNATURE_MODES, np.stack([dense_hz, np.full(DENSE_MODES, 28.0), strength], axis=1)])
    seconds = np.arange(round(RESPONSE_SECONDS * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    response = np.zeros(len(seconds))
    for frequency_hz, quality, part in modes:
        rate = np.pi * frequency_hz / quality
        ringing = np.exp(-rate * seconds) * np.sin(2 * np.pi * frequency_hz * seconds)
        response += part * 2 * rate / SAMPLE_RATE_HZ * ringing
    response[0] += DIRECT_PART
    return response


def radiate(bridge: np.ndarray) -> np.ndarray:
    """Filter the wave at the bridge, shape (samples,), by the body; same length, no shift."""
    band = butter(1, (120, 9000), "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    return sosfilt(band, fftconvolve(bridge, body_response())[: len(bridge)])
