"""How loud each partial of a tone is, in the output against the reference."""

from __future__ import annotations

import numpy as np
import scipy.signal

from timbre.evaluation.metrics.tracks import MIN_FRAMES, Tracks, middles_samples

# Partials that lie further under the strongest one of their frame are not asked for: noise and neighbours rule there.
RANGE_DB = 30.0
# What lies further under the reference's strongest partial counts as lying there, so that a missing partial does not
# count without end.
FLOOR_DB = 60.0
HIGHEST_HZ = 20000.0
PERIODS = 4


def harmonics_l1_db(
    reference: np.ndarray, outputs: np.ndarray, tracks: Tracks, rate_hz: int, hop: int, window: int
) -> list[float | None]:
    """Of each output the mean of |difference of level| in dB over the reference's audible harmonics; 0 where equal.

    reference: [samples]; outputs: [outputs, samples]; tracks: of the reference, in frames of so many samples (hop) that
    describe the middle of their window (samples). Of every frame of the reference's melody it takes the harmonics of
    its f0 below half the rate (and 20 kHz) that lie within 30 dB of the strongest; see `harmonic_amplitudes`. None for
    an unpitched reference. Outputs are measured at the reference's frequencies: out of tune they have less there.
    """
    if not tracks.pitched:
        return [None] * len(outputs)
    totals, count, frames = np.zeros(len(outputs)), 0, 0
    middles = middles_samples(len(tracks.f0_hz), hop, window)
    sounds = np.concatenate([reference[None], outputs])
    for frame in np.flatnonzero(tracks.melody):
        amplitudes = harmonic_amplitudes(sounds, middles[frame], tracks.f0_hz[frame], rate_hz)
        if amplitudes is None or amplitudes[0].max() <= 0.0:
            continue
        levels_db = 20.0 * np.log10(np.maximum(amplitudes / amplitudes[0].max(), 10.0 ** (-FLOOR_DB / 20.0)))
        asked = levels_db[0] >= -RANGE_DB
        totals += np.abs(levels_db[1:] - levels_db[0])[:, asked].sum(axis=1)
        count += int(asked.sum())
        frames += 1
    return (totals / count).tolist() if frames >= MIN_FRAMES else [None] * len(outputs)


def harmonic_amplitudes(sounds: np.ndarray, middle: float, f0_hz: float, rate_hz: int) -> np.ndarray | None:
    """Amplitudes of the harmonics of f0 in sounds [sounds, samples] around a sample: [sounds, harmonics].

    Fourier transform at exactly k f0 of four periods under a Hann window. Its main lobe is 4 / length wide (Harris
    1978, "On the use of windows for harmonic analysis"), here f0, so that neighbours' lobes just touch and each
    partial lies on a zero of all others; no window that resolves them is shorter, and so less smeared by vibrato. The
    highest harmonic is the last whose lobe lies below half the rate. None where the window reaches beyond the sound.
    """
    length = int(np.ceil(PERIODS * rate_hz / f0_hz))
    start = round(middle - length / 2.0)
    harmonics = int(min(rate_hz / 2.0 / f0_hz - 0.5, HIGHEST_HZ / f0_hz))
    if start < 0 or start + length > sounds.shape[1] or harmonics < 1:
        return None
    hann = scipy.signal.get_window("hann", length)
    # The chirp-z transform takes any equal steps in frequency (Rabiner, Schafer and Rader 1969).
    step = np.exp(-2j * np.pi * f0_hz / rate_hz)
    spectra = scipy.signal.czt(sounds[:, start : start + length] * hann, m=harmonics, w=step, a=np.conj(step))
    return np.abs(spectra) * (2.0 / hann.sum())
