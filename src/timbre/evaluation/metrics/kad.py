"""How far the timbres of two sets of sounds lie apart: kernel distance between statistics of their cepstra."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import cdist, pdist

from timbre.evaluation.metrics.spectra import (
    FLOOR_DB,
    LOG_FLOOR,
    MEL_BANDS,
    cepstra_matrix,
    frame_sizes,
    magnitude_frames,
    mel_filters,
)

# Cepstra of which each window has mean and spread; the level, c_0, is left out.
CEPSTRA = 19
WINDOW_SECONDS = 1.0
HOP_SECONDS = 0.5
# dB under the sound's loudest frame from which a frame is a pause; a window with more pause than sound says nothing.
PAUSE_DB = 60.0
SCALE = 100.0
# Of more windows than this so many are taken, evenly: the distance has settled, and its cost grows with the square.
MOST_WINDOWS = 1000


@dataclass(frozen=True)
class Timbre:
    """Statistics of the windows of a sound, [windows, 38], and which of them sound, [windows] bool."""

    windows: np.ndarray
    sounding: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """The windows that sound, [windows, 38]."""
        return self.windows[self.sounding]


def timbre_of(audio: np.ndarray, rate_hz: int) -> Timbre:
    """What windows of 1 s, every 0.5 s, of audio [samples] sound like: means and spreads of their mel cepstra.

    Of a window's frames that sound (within 60 dB of the sound's loudest) the mean and the standard deviation of c_1 to
    c_19, scaled as in `spectral_distances`, from 80 mel bands up to half the rate: 38 numbers in dB. Bands count from
    80 dB under the sound's highest up, so that a gain changes nothing. A silent window is a flat spectrum: zeros.
    """
    size, hop = frame_sizes(rate_hz)
    to_mel, to_cepstra = mel_filters(size, rate_hz, MEL_BANDS), cepstra_matrix(CEPSTRA)
    mel = torch.cat([frames.square() @ to_mel for frames in magnitude_frames(audio, size, hop)])
    length, step = (round(seconds * rate_hz / hop) for seconds in (WINDOW_SECONDS, HOP_SECONDS))
    count = max(0, (len(mel) - length) // step + 1)
    highest = float(mel.max())
    if highest <= LOG_FLOOR**2 or count == 0:
        return Timbre(np.zeros((count, 2 * CEPSTRA)), np.zeros(count, dtype=bool))
    cepstra = 10.0 / np.log(10.0) * (mel.clamp(min=highest * 10.0 ** (FLOOR_DB / 10.0)).log() @ to_cepstra)
    cepstra = (np.sqrt(2.0) * cepstra).double().numpy()
    power = mel.sum(dim=1)
    sounds = (power > float(power.max()) * 10.0 ** (-PAUSE_DB / 10.0)).numpy()
    windows = np.zeros((count, 2 * CEPSTRA))
    for index in range(count):
        part = slice(index * step, index * step + length)
        if sounds[part].any():
            heard = cepstra[part][sounds[part]]
            windows[index] = np.concatenate([heard.mean(axis=0), heard.std(axis=0)])
    shares = [sounds[index * step : index * step + length].mean() for index in range(count)]
    return Timbre(windows, np.array(shares) >= 0.5)


def joined(timbres: Iterable[Timbre]) -> Timbre:
    """The windows of several sounds, one after the other."""
    parts = list(timbres)
    if not parts:
        return Timbre(np.zeros((0, 2 * CEPSTRA)), np.zeros(0, dtype=bool))
    return Timbre(np.concatenate([part.windows for part in parts]), np.concatenate([part.sounding for part in parts]))


def bandwidth_of(windows: np.ndarray) -> float | None:
    """Median distance between any two windows [windows, 38] of the reference; None where that is no width."""
    if len(windows) < 2:
        return None
    width = float(np.median(pdist(_thinned(windows))))
    return width if width > 0.0 else None


def kad(reference: np.ndarray, output: np.ndarray, bandwidth: float | None) -> float | None:
    """Kernel audio distance of two sets of windows, each [windows, 38]; about 0 for two draws of one timbre.

    100 times the squared maximum mean discrepancy under a Gaussian kernel, exp(-d^2 / (2 bandwidth^2)), by its unbiased
    estimate (Gretton et al. 2012, "A kernel two-sample test", eq. 3; as a distance of sounds Chung et al. 2025, "KAD",
    arXiv 2502.15602, there of learned embeddings). It may be slightly negative. None for fewer than two windows.
    """
    if bandwidth is None or min(len(reference), len(output)) < 2:
        return None
    x, y = _thinned(reference), _thinned(output)
    within = sum(_mean_of_pairs(_kernel(z, z, bandwidth)) for z in (x, y))
    return float(SCALE * (within - 2.0 * _kernel(x, y, bandwidth).mean()))


def paired_kad(reference: Timbre, output: Timbre, bandwidth: float | None) -> float | None:
    """`kad` of two sounds that lie sample on sample, over the windows in which the reference sounds.

    As many windows on either side: the estimate of Gretton et al. 2012, eq. 4, leaves out the kernel between a window
    and its counterpart too, and is exactly 0 for equal sounds.
    """
    sounding = reference.sounding
    if bandwidth is None or sounding.sum() < 2:
        return None
    x, y = (_thinned(timbre.windows[sounding]) for timbre in (reference, output))
    kernels = _kernel(x, x, bandwidth) + _kernel(y, y, bandwidth) - _kernel(x, y, bandwidth) - _kernel(y, x, bandwidth)
    return float(SCALE * _mean_of_pairs(kernels))


def _kernel(x: np.ndarray, y: np.ndarray, bandwidth: float) -> np.ndarray:
    return np.exp(-cdist(x, y, "sqeuclidean") / (2.0 * bandwidth**2))


def _mean_of_pairs(kernels: np.ndarray) -> float:
    """Mean of a square matrix off its diagonal."""
    count = len(kernels)
    return float((kernels.sum() - np.trace(kernels)) / (count * (count - 1)))


def _thinned(windows: np.ndarray) -> np.ndarray:
    if len(windows) <= MOST_WINDOWS:
        return windows
    return windows[np.linspace(0, len(windows) - 1, MOST_WINDOWS).round().astype(int)]
