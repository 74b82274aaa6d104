"""Distances between the spectra of two sounds that lie sample on sample: mss, lsd, mcd, log-mel."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torchaudio.functional import create_dct, melscale_fbanks

from timbre.dsp.spectral import (
    NOISE_FLOOR_PER_SCALE,
    fft_sizes_for,
    level_distances_db,
    multi_scale_spectral_loss,
)

# dB under the reference's highest bin: what lies lower counts as lying there, so that inaudible bins do not rule.
FLOOR_DB = -80.0
MEL_BANDS = 80
CEPSTRA = 13
# Least magnitude of a mel band in the logarithm, as in the training loss.
LOG_FLOOR = 1e-5
PIECE_SECONDS = 10.0
FRAMES_AT_ONCE = 512


def mss(reference: np.ndarray, output: np.ndarray, rate_hz: int) -> float:
    """Multi-scale spectral loss, the one that training minimises (Engel et al. 2020, "DDSP", eq. 5).

    reference, output: [samples]. 0 for equal sounds; `mss_noise_floor` is about what no model gets under on noise.
    Taken over pieces of 10 s and averaged by their length, so that memory stays flat.
    """
    sizes = fft_sizes_for(rate_hz)
    total = 0.0
    for start, end in pieces(len(reference), rate_hz):
        x, y = (torch.from_numpy(np.ascontiguousarray(a[start:end]))[None] for a in (reference, output))
        total += float(multi_scale_spectral_loss(x, y, sizes)) * (end - start)
    return total / len(reference)


def mss_noise_floor(rate_hz: int) -> float:
    """What two independent noises of one spectrum differ by in the log term of `mss`: ln 2 for each FFT size."""
    return NOISE_FLOOR_PER_SCALE * len(fft_sizes_for(rate_hz))


def lsd_db_noise_floor() -> float:
    """What `lsd_db` comes to between two independent noises of one spectrum: 10 / ln 10 * pi / sqrt 3 = 7.88 dB.

    The powers of a bin in either are exponential variables of one mean, so that the natural logarithm of their ratio
    is logistic: mean 0, variance pi^2 / 3, kurtosis 4.2 (Johnson, Kotz and Balakrishnan 1995, "Continuous univariate
    distributions", vol. 2, ch. 23). The root of its mean square over a frame's N bins is the standard deviation, but
    for two things that nearly cancel: the root of a mean over finitely many lies lower, by (4.2 - 1) / 8 N in parts of
    it (N counting independent bins), and the first and last bin are real, with powers of one degree of freedom, whose
    ratio's logarithm has three times the variance: 2 / N higher. What is left is +0.2 % for 1025 bins.
    """
    return 10.0 / math.log(10.0) * math.pi / math.sqrt(3.0)


def pieces(samples: int, rate_hz: int, seconds: float = PIECE_SECONDS) -> list[tuple[int, int]]:
    """Cut a length in samples into pieces of about so many seconds; the last takes the rest, so none is short."""
    count = max(1, int(samples / (seconds * rate_hz)))
    step = int(seconds * rate_hz)
    return [(index * step, samples if index == count - 1 else (index + 1) * step) for index in range(count)]


def spectral_distances(reference: np.ndarray, output: np.ndarray, rate_hz: int) -> dict[str, float | None]:
    """The three distances of frame spectra: {"lsd_db", "mcd_db", "logmel_l1"}, each 0 for equal sounds.

    reference, output: [samples]. All None where the reference is silent. Hann window of 43 ms (2048 samples from
    32 kHz on, 1024 under it), 75 % overlap. With A and B the magnitudes of a frame of either:

    - lsd_db: mean over frames of the distance in level (see `level_distances_db`), from 80 dB under the reference's
      highest bin up.
    - mcd_db: mean over frames of (10 / ln 10) sqrt(2 sum of (c_k - c'_k)^2), k = 1 to 13 (Kubichek 1993,
      "Mel-cepstral distance measure"), c_k = 1/80 sum over mel bands of ln(power) cos(pi k (band + 1/2) / 80): so
      scaled it is the RMS difference in dB of the spectral envelopes. c_0, the level, is left out, and each sound's
      bands count from 80 dB under its own highest up, so that a gain changes nothing.
    - logmel_l1: mean over frames and mel bands of |ln M - ln M'|, M the magnitude in a band, from 1e-5 up.
    """
    size, hop = frame_sizes(rate_hz)
    to_mel, to_cepstra = mel_filters(size, rate_hz, MEL_BANDS), cepstra_matrix(CEPSTRA)
    highest, highest_mel = _highest(reference, size, hop, to_mel)
    if highest <= LOG_FLOOR:
        return {"lsd_db": None, "mcd_db": None, "logmel_l1": None}
    below = 10.0 ** (FLOOR_DB / 20.0)
    floor = highest * below
    mel_floors = [max(mel * below, 1e-12) for mel in (highest_mel, _highest(output, size, hop, to_mel)[1])]
    lsd = mcd = logmel = 0.0
    count = 0
    both = zip(magnitude_frames(reference, size, hop), magnitude_frames(output, size, hop), strict=True)
    for a, b in both:
        count += len(a)
        lsd += float(level_distances_db(a, b, floor).sum())
        mel_a, mel_b = _mel(a, to_mel), _mel(b, to_mel)
        difference = mel_a.clamp(min=LOG_FLOOR).log() - mel_b.clamp(min=LOG_FLOOR).log()
        logmel += float(difference.abs().mean(dim=1).sum())
        power_difference = 2.0 * (mel_a.clamp(min=mel_floors[0]).log() - mel_b.clamp(min=mel_floors[1]).log())
        mcd += float((2.0 * (power_difference @ to_cepstra).square().sum(dim=1)).sqrt().sum())
    return {"lsd_db": lsd / count, "mcd_db": 10.0 / math.log(10.0) * mcd / count, "logmel_l1": logmel / count}


def _highest(audio: np.ndarray, size: int, hop: int, to_mel: Tensor) -> tuple[float, float]:
    """The highest magnitude of any bin and of any mel band."""
    found = [(float(x.max()), float(_mel(x, to_mel).max())) for x in magnitude_frames(audio, size, hop)]
    return max(bins for bins, _ in found), max(bands for _, bands in found)


def _mel(magnitudes: Tensor, to_mel: Tensor) -> Tensor:
    """Magnitude in each mel band: weighted as power and brought back, so that a band is the RMS of its bins."""
    return (magnitudes.square() @ to_mel).sqrt()


def frame_sizes(rate_hz: int) -> tuple[int, int]:
    """Window and hop in samples of the frame spectra at a rate in Hz."""
    size = 2048 if rate_hz >= 32000 else 1024
    return size, size // 4


def magnitude_frames(audio: np.ndarray, size: int, hop: int) -> Iterator[Tensor]:
    """Magnitudes [frames, size / 2 + 1] of audio [samples], some hundred frames at a time, so that memory stays flat.

    Frame k starts at sample k * hop; a sound shorter than a window is filled up with zeros. Scaled so that a sine of
    amplitude 1 in the middle of a bin measures 1.
    """
    if len(audio) < size:
        audio = np.pad(audio, (0, size - len(audio)))
    frames = torch.from_numpy(np.ascontiguousarray(audio)).to(torch.float32).unfold(0, size, hop)
    window = torch.hann_window(size)
    for some in torch.split(frames, FRAMES_AT_ONCE):
        yield torch.fft.rfft(some * window).abs() * (2.0 / float(window.sum()))


@functools.lru_cache(maxsize=8)
def mel_filters(size: int, rate_hz: int, bands: int, f_min_hz: float = 30.0) -> Tensor:
    """Triangular mel filters [size / 2 + 1, bands] on Slaney's scale, of equal area, up to half the rate in Hz."""
    return melscale_fbanks(size // 2 + 1, f_min_hz, rate_hz / 2.0, bands, rate_hz, norm="slaney", mel_scale="slaney")


@functools.lru_cache(maxsize=2)
def cepstra_matrix(count: int) -> Tensor:
    """[mel bands, count]: the cosines of c_1 to c_count, as means over the bands."""
    # Without norm torchaudio's matrix is 2 cos(...), so half of it over the bands is the mean.
    return create_dct(count + 1, MEL_BANDS, norm=None)[:, 1:] / (2.0 * MEL_BANDS)
