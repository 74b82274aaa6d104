"""Where the spectrum of a recording ends that was converted from a lower rate or has been through a lossy coder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from timbre.audit.meters.meter import Block, Frames, hann

FRAME_SECONDS = 0.085
FRAMES_AT_ONCE = 64
# Quieter frames tell nothing.
LEAST_DBFS = -70.0
# Neighbouring bins whose lower quartile is their level: partials stand out of it, noise and hits are what is left.
BAND_BINS = 16
# Lower is as good as nothing: the rounding to 16 bits lies at -98, that within decoders at -120.
LEVELS_DB = (-105, 20)
# Nothing converted from 8 kHz upwards ends lower.
LOWEST_EDGE_HZ = 3300.0
# An edge: so far apart two frequencies are, how high the upper may be as a share of half the rate, and by how much the
# level falls. A filter of 48 dB an octave falls by 7 dB in the wider of them. Digital filters have a zero at half the
# rate, so up there only the narrower counts.
EDGES = ((0.03, 0.93), (0.1, 0.75))
LEAST_DROP_DB = 14.0
# The usual level under an edge: the lower of what is right below it, and of what is from this share of it on.
BELOW_BANDS = 4
BELOW_SHARE = 0.7
# Past an edge there is a floor: it falls by less than this share of the edge's height.
FLOOR_SHARE = 0.5
FEWEST_FRAMES = 3
# Percentiles of the frames' levels: what is usual below an edge has to lie over what is rare above it, since the first
# moments of a drum or a cymbal reach higher than the rest of it.
USUAL_PERCENT, RARE_PERCENT = 95.0, 98.0

RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
FEWEST_MIRROR_FRAMES = 24
MOST_MIRROR_FRAMES = 512
MOST_PAIRS = 96
# Mean square of the coherence of mirror images; chance stays under it, and its spread falls with the frames.
LEAST_COHERENCE = 0.04
LEAST_COHERENT_FRAMES = 1.8
# Exactly periodic sound, as of a drum machine, is coherent about other frequencies too.
OTHER_SHARES = (1 / 2, 2 / 3, 4 / 5, 6 / 7)
LEAST_OVER_OTHERS = 3.0
# An edge so near to half a rate that has images is its.
MIRRORED_SHARE = 0.25


class Bandwidth:
    """The frequency past which there is nothing of the recording's own, where something cut it off.

    `bandwidth_hz` is NaN for a recording that no such thing is known of: one with a full spectrum as well as one that
    fades out by itself towards high frequencies, however dark it is. Otherwise `bandwidth_drop_db` says how far the
    spectrum falls there, over the hiss that is left or that a coding into few bits has made; infinite where what lies
    above is nothing but the mirror image of what lies below, which is what simple interpolation leaves.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._size = 2 ** round(np.log2(FRAME_SECONDS * rate_hz))
        self._frames = Frames(self._size)
        self._window = hann(self._size)
        self._scale = float(np.square(self._window).sum())
        self._counts = np.zeros((self._size // 2 // BAND_BINS, LEVELS_DB[1] - LEVELS_DB[0] + 1), np.int64)
        self._kept = _Kept(MOST_MIRROR_FRAMES)

    def add(self, block: Block) -> None:
        frames = self._frames.take(block.mono)
        for at in range(0, len(frames), FRAMES_AT_ONCE):
            part = frames[at : at + FRAMES_AT_ONCE]
            power = np.einsum("fs,fs->f", part, part) / self._size
            spectra = fft.rfft(part * self._window)
            heard = power > 10.0 ** (LEAST_DBFS / 10.0)
            self._kept.add(spectra, heard)
            self._count(spectra[heard])

    def result(self) -> dict:
        edge_hz, drop_db = self._edge()
        mirrored_hz = self._mirror() / 2.0
        if mirrored_hz and np.isnan(edge_hz):
            return {"bandwidth_hz": mirrored_hz, "bandwidth_drop_db": float("inf")}
        # A filter too gentle lets a little more than half the old rate pass.
        if mirrored_hz and abs(edge_hz / mirrored_hz - 1.0) < MIRRORED_SHARE:
            edge_hz = mirrored_hz
        return {"bandwidth_hz": edge_hz, "bandwidth_drop_db": drop_db}

    def _count(self, spectra: np.ndarray) -> None:
        """Add the bands' levels to the histograms, in dB re full scale were the band's density that of all bands."""
        bands, levels = self._counts.shape
        power = (spectra.real**2 + spectra.imag**2)[:, 1 : 1 + bands * BAND_BINS]
        low = np.partition(power.reshape(len(power), bands, BAND_BINS), BAND_BINS // 4, axis=2)[:, :, BAND_BINS // 4]
        level = np.rint(10.0 * np.log10(low / self._scale + 1e-17)).astype(np.int64) - LEVELS_DB[0]
        place = np.arange(bands) * levels + np.clip(level, 0, levels - 1)
        self._counts += np.bincount(place.ravel(), minlength=self._counts.size).reshape(bands, levels)

    def _percentile(self, percent: float) -> np.ndarray:
        """Level in dB under which a band is in so many percent of the frames, [bands]."""
        share = np.cumsum(self._counts, axis=1) / self._counts[0].sum()
        return LEVELS_DB[0] + np.argmax(share >= percent / 100.0 - 1e-9, axis=1).astype(np.float64)

    def _edge(self) -> tuple[float, float]:
        """Frequency in Hz and fall in dB of the steepest edge past which nothing comes again; NaN for none."""
        if self._counts[0].sum() < FEWEST_FRAMES:
            return float("nan"), float("nan")
        return steepest_edge(
            self._percentile(USUAL_PERCENT), self._percentile(RARE_PERCENT), self._rate_hz / self._size * BAND_BINS
        )

    def _mirror(self) -> int:
        """The lower rate in Hz whose mirror images the recording holds, 0 for none."""
        spectra, at = self._kept.frames()
        if len(at) < FEWEST_MIRROR_FRAMES:
            return 0
        found = {rate: self._coherence(spectra, at, rate) for rate in RATES_HZ if rate < 0.99 * self._rate_hz}
        # A rate's multiples have images as well.
        least = max(LEAST_COHERENCE, LEAST_COHERENT_FRAMES / len(at), 0.5 * max(found.values(), default=0.0))
        for rate_hz, coherence in found.items():
            if coherence > least:
                others = [self._coherence(spectra, at, share * rate_hz) for share in OTHER_SHARES]
                if coherence > LEAST_OVER_OTHERS * max(others):
                    return rate_hz
        return 0

    def _coherence(self, spectra: np.ndarray, at: np.ndarray, about_hz: float) -> float:
        """How much frequencies f just under half of `about_hz` and `about_hz` - f belong together, 0 to 1.

        A converter that does not suppress them leaves images: the conjugate spectrum about the old rate. The product of
        both bins then has the same phase in every frame, once the old rate's own is taken off. Returns: the square of
        that phase's mean vector, less what chance gives, averaged over pairs of bins. (Cyclostationarity of resampled
        signals, as Popescu & Farid 2005, "Exposing digital forgeries by detecting traces of resampling".)
        """
        both = round(about_hz * self._size / self._rate_hz)
        highest, last = (both - 1) // 2, spectra.shape[1] - 1
        lowest = max(int(0.45 * both), both - last + 1)
        if highest - lowest < 8:
            return 0.0
        low = np.unique(np.linspace(lowest, highest - 1, min(MOST_PAIRS, highest - lowest)).astype(int))
        images = spectra[:, both - low]
        if np.mean(images.real**2 + images.imag**2) < self._scale * 10.0 ** (LEVELS_DB[0] / 10.0):
            return 0.0
        product = spectra[:, low] * images
        product /= np.abs(product) + np.float32(1e-30)
        turns = at * (about_hz * self._size / self._rate_hz) % 1.0
        square = np.abs(np.exp(-2j * np.pi * turns) @ product / len(at)) ** 2
        return float((len(at) * np.median(square) - 1.0) / (len(at) - 1.0))


def steepest_edge(usual_db: np.ndarray, rare_db: np.ndarray, band_hz: float) -> tuple[float, float]:
    """Where the levels [bands] of a spectrum end, in Hz, and by how many dB they fall there at least; NaN for none.

    An edge is where the usual level a little lower lies over the highest of the rare levels from a little higher up to
    the end.
    """
    bands = len(usual_db)
    centres = (np.arange(bands) + 0.5) * band_hz
    rest, lowest = np.maximum.accumulate(rare_db[::-1])[::-1], np.minimum.accumulate(rare_db[::-1])[::-1]
    starts = np.minimum((BELOW_SHARE * np.arange(bands)).astype(int), np.arange(bands) - BELOW_BANDS + 1)
    best_hz, best_db = float("nan"), LEAST_DROP_DB
    for apart, highest in EDGES:
        low = np.flatnonzero((centres >= LOWEST_EDGE_HZ) & (centres * (1.0 + apart) <= highest * bands * band_hz))
        high = np.maximum(low + 2, np.searchsorted(centres, centres[low] * (1.0 + apart)))
        near, wide = _medians(usual_db, low - BELOW_BANDS + 1, low + 1), _medians(usual_db, starts[low], low + 1)
        drop = np.minimum(near, wide) - rest[high]
        drop[rest[high] - lowest[high] > FLOOR_SHARE * drop] = 0.0
        if len(drop) and drop.max() >= best_db:
            steepest = int(np.argmax(drop))
            middle = rest[high[steepest]] + drop[steepest] / 2.0
            last = np.flatnonzero(usual_db[: high[steepest] + 1] > middle)[-1]
            best_hz, best_db = float(centres[last] + band_hz / 2.0), float(drop[steepest])
    return best_hz, best_db if np.isfinite(best_hz) else float("nan")


def _medians(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Medians of `values` from each start to its end (exclusive), all at once: one by one they take longer than a
    second of sound does in every other meter together.
    """
    lengths = ends - starts
    at = starts[:, None] + np.arange(lengths.max(initial=1))
    rows = np.where(at < ends[:, None], values[np.minimum(at, len(values) - 1)], np.inf)
    rows.sort(axis=1)
    each = np.arange(len(rows))
    return (rows[each, (lengths - 1) // 2] + rows[each, lengths // 2]) / 2.0


@dataclass
class _Kept:
    """At most so many of a stream's frames, evenly spaced: whenever there are too many, every second one goes."""

    most: int

    def __post_init__(self) -> None:
        self._every, self._seen = 1, 0
        self._spectra: list[np.ndarray] = []
        self._at: list[int] = []

    def add(self, spectra: np.ndarray, heard: np.ndarray) -> None:
        for frame in np.flatnonzero(heard):
            at = self._seen + int(frame)
            if at % self._every == 0:
                self._spectra.append(spectra[frame].copy())
                self._at.append(at)
        self._seen += len(spectra)
        while len(self._spectra) > self.most:
            self._every *= 2
            keep = [at % self._every == 0 for at in self._at]
            self._spectra = [each for each, kept in zip(self._spectra, keep, strict=True) if kept]
            self._at = [each for each, kept in zip(self._at, keep, strict=True) if kept]

    def frames(self) -> tuple[np.ndarray, np.ndarray]:
        """Spectra [frames, bins] and the number of each frame [frames]."""
        return np.array(self._spectra), np.array(self._at)
