"""The long-term average spectrum in third octaves, and how far a sound's lies from the target's."""

from __future__ import annotations

import numpy as np

from timbre.evaluation.metrics.spectra import magnitude_frames

LOWEST_HZ = 50.0
HIGHEST_HZ = 16000.0
# dB under the strongest band: what lies lower counts as lying there.
FLOOR_DB = -60.0
WINDOW_SECONDS = 0.34


def third_octaves_hz(rate_hz: int) -> np.ndarray:
    """Exact mid-frequencies in Hz, 50 Hz to 16 kHz or to the last band under half the rate (IEC 61260-1, base 10)."""
    index = np.arange(-13, 13)
    middles = 1000.0 * 10.0 ** (index / 10.0)
    return middles[middles * 10.0**0.05 <= rate_hz / 2.0]


def band_powers(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """Mean power in each third octave of audio [samples], [bands]: Welch's method (1967), Hann window, half overlap.

    A bin that a band's edge cuts is shared in proportion, so that low bands narrower than a few bins stay unbiased.
    """
    size = 2 ** round(np.log2(WINDOW_SECONDS * rate_hz))
    squares, count = np.zeros(size // 2 + 1), 0
    for frames in magnitude_frames(audio, size, size // 2):
        squares += frames.double().square().sum(dim=0).numpy()
        count += len(frames)
    # A sine of amplitude 1 has power 1/2 and lies in 1.5 bins of noise bandwidth under a Hann window.
    powers = squares / count / 2.0 / 1.5
    width = rate_hz / size
    edges = (np.arange(size // 2 + 2) - 0.5) * width
    up_to = np.append(0.0, np.cumsum(powers))
    middles = third_octaves_hz(rate_hz)
    return np.interp(middles * 10.0**0.05, edges, up_to) - np.interp(middles * 10.0**-0.05, edges, up_to)


def ltas_db(powers: np.ndarray, target_powers: np.ndarray) -> float | None:
    """RMS difference in dB of two long-term average spectra, their difference in level removed.

    powers, target_powers: [bands], of `band_powers`; bands more than 60 dB under the strongest count as 60 dB under
    it. None where either is silence. A distance between averages: it hears colour, not notes or noise.
    """
    if powers.max(initial=0.0) <= 1e-12 or target_powers.max(initial=0.0) <= 1e-12:
        return None
    levels = [10.0 * np.log10(np.maximum(p / p.max(), 10.0 ** (FLOOR_DB / 10.0))) for p in (powers, target_powers)]
    difference = levels[0] - levels[1]
    return float(np.sqrt(np.mean((difference - difference.mean()) ** 2)))


def ltas_db_within(powers_of_recordings: list[np.ndarray], seconds: list[float]) -> float | None:
    """The anchor of `ltas_db`: mean distance of each recording from all the others; None for fewer than two."""
    if len(powers_of_recordings) < 2:
        return None
    distances = []
    for index, powers in enumerate(powers_of_recordings):
        others = [i for i in range(len(powers_of_recordings)) if i != index]
        distances.append(
            ltas_db(powers, mean_powers([powers_of_recordings[i] for i in others], [seconds[i] for i in others]))
        )
    known = [distance for distance in distances if distance is not None]
    return float(np.mean(known)) if known else None


def mean_powers(powers_of_recordings: list[np.ndarray], seconds: list[float]) -> np.ndarray:
    """Mean band powers of several recordings, weighted by their lengths in seconds. [bands]"""
    return np.average(np.stack(powers_of_recordings), axis=0, weights=seconds)
