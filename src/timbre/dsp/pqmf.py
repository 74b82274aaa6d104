"""Pseudo quadrature mirror filters: a near-perfect reconstruction bank of bands at a fraction of the sample rate."""

from __future__ import annotations

import functools
import math

import numpy as np

# Width of the transition from pass to stop, in widths of a band: it ends well within the neighbouring band.
TRANSITION_BANDS = 0.55
# Of the correction: how much dearer energy in the stop band is than in the pass band.
STOP_BAND_PRICE = 1e6
# Directions that hardly move the autocorrelation are left alone, in shares of the mean direction.
RIDGE = 1e-6
NEWTON_STEPS = 8
# Of the Kaiser design, in widths of a band, among which the best is taken; Newton's steps do the rest.
CUTOFFS = np.linspace(0.5, 0.65, 301)


@functools.lru_cache(maxsize=16)
def prototype(bands: int, attenuation_db: float) -> np.ndarray:
    """Low-pass prototype of a cosine-modulated bank, [taps] float64, symmetric and of odd length.

    Begins as the Kaiser design of Lin & Vaidyanathan 1998 ("A Kaiser window approach for the design of prototype
    filters of cosine modulated filterbanks"). Neighbouring bands' powers add up to one everywhere just where the
    prototype's autocorrelation is 1 / (2 bands) at lag 0 and 0 at all other multiples of 2 bands. Newton's method finds
    the nearest filter that has this, as a rule 30 dB closer to perfect reconstruction than the Kaiser design alone.
    """
    # Without scipy.signal, which takes longer to import than all else that building a network takes.
    taps, beta = _kaiser_order(attenuation_db, TRANSITION_BANDS / bands)
    lags = np.arange(0, taps, 2 * bands)
    window, distance = np.kaiser(taps, beta), np.arange(taps)

    def kaiser(cutoff: float) -> np.ndarray:
        return cutoff / bands * np.sinc(cutoff / bands * (distance - (taps - 1) / 2.0)) * window

    def correlation(low_pass: np.ndarray) -> np.ndarray:
        return np.array([low_pass[: taps - lag] @ low_pass[lag:] for lag in lags])

    low_pass = min(map(kaiser, CUTOFFS), key=lambda tried: float(np.square(correlation(tried)[1:]).sum()))
    stop = 1.0 / bands  # of the prototype, as a share of half the sample rate
    stop_band = -stop * np.sinc(stop * distance)
    stop_band[0] += 1.0
    price = STOP_BAND_PRICE * stop_band[np.abs(distance[:, None] - distance)] + np.eye(taps)
    wanted = (lags == 0) / (2.0 * bands)
    for _ in range(NEWTON_STEPS):
        # The derivative of an autocorrelation by the filter: the filter shifted by the lag, forward and back.
        padded = np.pad(low_pass, taps)
        shifted = np.stack([padded[taps - lag : 2 * taps - lag] + padded[taps + lag : 2 * taps + lag] for lag in lags])
        cheapest = np.linalg.solve(price, shifted.T)
        moved = shifted @ cheapest
        moved += RIDGE * np.trace(moved) / len(moved) * np.eye(len(moved))
        change = cheapest @ np.linalg.solve(moved, wanted - correlation(low_pass))
        low_pass = low_pass + 0.5 * (change + change[::-1])  # symmetric in spite of rounding
    return low_pass


def _kaiser_order(attenuation_db: float, width: float) -> tuple[int, float]:
    """Taps, an odd number, and shape of the Kaiser window for a transition `width` in shares of half the sample rate.

    Kaiser 1974, "Nonrecursive digital filter design using the I0-sinh window function", from 21 dB on.
    """
    order = (attenuation_db - 7.95) / (2.285 * np.pi * width)
    over = attenuation_db - 21.0
    beta = 0.1102 * (attenuation_db - 8.7) if attenuation_db > 50.0 else 0.5842 * over**0.4 + 0.07886 * over
    return 2 * (math.ceil(order + 1.0) // 2) + 1, beta


def analysis_filters(bands: int, attenuation_db: float) -> np.ndarray:
    """The prototype modulated to the middle of each band, [bands, taps] float64; those of synthesis are its reverse.

    h_k[n] = 2 h[n] cos((2k + 1) pi / (2 M) (n - (N - 1) / 2) + (-1)^k pi / 4) (Vaidyanathan 1993, 8.3).
    """
    low_pass = prototype(bands, attenuation_db)
    band = np.arange(bands)[:, None]
    centred = np.arange(len(low_pass)) - (len(low_pass) - 1) / 2.0
    phase = (-1.0) ** band * np.pi / 4.0
    return 2.0 * low_pass * np.cos((2 * band + 1) * np.pi / (2 * bands) * centred + phase)
