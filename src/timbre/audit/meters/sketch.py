"""What the comparison of all recordings needs to know of each: little enough to hold thousands of hours at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import soxr
from scipy import fft

from timbre.audit.dataset.fingerprint import (
    BINS,
    FRAME_SAMPLES,
    HOP_SAMPLES,
    RATE_HZ,
    Fingerprinter,
    band_weights,
)
from timbre.audit.meters.meter import Block

# Third octaves around 63 Hz to 8 kHz (IEC 61260-1, base 10).
THIRDS_HZ = 1000.0 * 10.0 ** (np.arange(-12, 10) / 10.0)
SPECTRUM_STEP = 4
PART_FRAMES = 2580  # of the spectrum: half a minute
MFCC_STEP, MFCC_FRAMES = 2, 43  # a second of every second frame
# The first MFCCs tell the colour of a sound; those above them begin to tell the notes of a melody apart.
MFCCS, MELS = 8, 40
SILENT_RMS = 1e-3
# Frames at once: a whole number of all that is counted above. Always so many until the end, since the last bits of a
# matrix product depend on its size, and those of a sketch may not depend on how the file was cut into blocks.
CHUNK_FRAMES = 172
LOWEST_DB, LEVELS = -120, 140
DEEPEST_DB = 80.0
# Quietest share of the frames, and how far the loudest must lie over them to call it noise.
QUIET_SHARE, LEAST_RANGE_DB = 0.05, 30.0
DIGITAL_SILENCE_DB = -100


@dataclass(frozen=True, eq=False)
class Sketch:
    """One recording, in 70 bytes a second besides its phases, which have 690 and may lie on disk.

    words, moments: landmarks of the fingerprint and their frames; phases: the rest of it [frames / 2, 8] (see
    `timbre.audit.dataset.fingerprint`). mfcc: mean and standard deviation of 8 MFCCs in each second that sounds,
    [seconds, 16]. spectra_db: average spectrum of each half minute in third octaves, [parts, 22], dBFS; part_seconds:
    their lengths [parts]. noise_db: spectrum of the quietest frames [22], NaN where there are no pauses.
    """

    words: np.ndarray
    moments: np.ndarray
    phases: Sequence | np.ndarray
    mfcc: np.ndarray
    spectra_db: np.ndarray
    part_seconds: np.ndarray
    noise_db: np.ndarray

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sketch):
            return NotImplemented
        names = [field.name for field in fields(self)]
        return all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=name == "noise_db") for name in names
        )


class Sketcher:
    """Makes the sketch of a recording's mono sound, at 22.05 kHz."""

    def __init__(self, rate_hz: int) -> None:
        self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
        self._same_rate = rate_hz == RATE_HZ
        # So that a sound that starts at once has a beginning.
        self._waiting = np.zeros(FRAME_SAMPLES, np.float32)
        self._samples, self._frames = 0, 0
        window = np.hanning(FRAME_SAMPLES + 1)[:-1]
        self._window = (2.0 / window.sum() * window).astype(np.float32)
        # Of a sound's RMS in the sum of its spectrum's squares, for that window.
        self._to_power = 0.5 * window.sum() ** 2 / (FRAME_SAMPLES * np.sum(window**2))
        self._fingerprint = Fingerprinter()
        self._spectrum = _Spectrum()
        self._colours = _Colours(self._to_power)

    def add(self, block: Block) -> None:
        self._take(block.mono if self._same_rate else self._stream.resample_chunk(block.mono))

    def result(self) -> dict:
        if not self._same_rate:
            self._take(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        # The same silence at the end, and what the last frames lack.
        frames = self._samples // HOP_SAMPLES + FRAME_SAMPLES // HOP_SAMPLES
        self._waiting = np.append(self._waiting, np.zeros(FRAME_SAMPLES + SPECTRUM_STEP * HOP_SAMPLES, np.float32))
        while frames > self._frames:
            self._chunk(min(CHUNK_FRAMES, -(-(frames - self._frames) // SPECTRUM_STEP) * SPECTRUM_STEP))
        words, moments, phases = self._fingerprint.result(frames)
        spectra_db, part_seconds, noise_db = self._spectrum.result()
        mfcc = self._colours.result(frames)
        return {"sketch": Sketch(words, moments, phases, mfcc, spectra_db, part_seconds, noise_db)}

    def _take(self, samples: np.ndarray) -> None:
        self._samples += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        # The last of them waits: how long it is shows at the end only.
        while len(self._waiting) > (CHUNK_FRAMES - 1) * HOP_SAMPLES + FRAME_SAMPLES:
            self._chunk(CHUNK_FRAMES)

    def _chunk(self, count: int) -> None:
        """Read so many frames."""
        part = self._waiting[: (count - 1) * HOP_SAMPLES + FRAME_SAMPLES]
        frames = np.lib.stride_tricks.sliding_window_view(part, FRAME_SAMPLES)[::HOP_SAMPLES]
        spectra = fft.rfft(frames * self._window)
        power = spectra.real**2 + spectra.imag**2
        self._fingerprint.add(spectra, power)
        self._spectrum.add(power[::SPECTRUM_STEP], self._to_power)
        self._colours.add(power[::MFCC_STEP])
        self._waiting = self._waiting[count * HOP_SAMPLES :]
        self._frames += count


class _Spectrum:
    """Average spectrum of each half minute, and of the quietest frames."""

    def __init__(self) -> None:
        self._sum, self._count = np.zeros(len(THIRDS_HZ)), 0
        self._parts: list[tuple[np.ndarray, int]] = []
        self._frames = np.zeros(LEVELS, np.int64)
        self._by_level = np.zeros((LEVELS, len(THIRDS_HZ)))

    def add(self, power: np.ndarray, to_power: float) -> None:
        """Take power spectra [frames, bins]; to_power: what makes their sum a mean square."""
        thirds = (power @ _THIRD_WEIGHTS).astype(np.float64)
        level_db = 10.0 * np.log10(np.maximum(power.sum(axis=1, dtype=np.float64) * to_power, 1e-30))
        place = np.clip(np.floor(level_db).astype(int) - LOWEST_DB, 0, LEVELS - 1)
        sounding = level_db > DIGITAL_SILENCE_DB
        self._frames += np.bincount(place[sounding], minlength=LEVELS)
        np.add.at(self._by_level, place[sounding], thirds[sounding])
        self._sum += thirds[sounding].sum(axis=0)
        self._count += int(sounding.sum())
        if SPECTRUM_STEP * self._count >= PART_FRAMES:
            self._end_part()

    def result(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self._count:
            self._end_part()
        seconds = np.array([count for _, count in self._parts], np.float32)
        spectra = np.array([mean for mean, _ in self._parts]).reshape(-1, len(THIRDS_HZ))
        return _db(spectra), seconds * np.float32(SPECTRUM_STEP * HOP_SAMPLES / RATE_HZ), self._noise_db()

    def _end_part(self) -> None:
        self._parts.append((self._sum / self._count, self._count))
        self._sum, self._count = np.zeros(len(THIRDS_HZ)), 0

    def _noise_db(self) -> np.ndarray:
        share = np.cumsum(self._frames) / max(1, self._frames.sum())
        quiet, loud = np.searchsorted(share, [QUIET_SHARE, 1.0 - QUIET_SHARE])
        if loud - quiet < LEAST_RANGE_DB:
            return np.full(len(THIRDS_HZ), np.nan, np.float32)
        return _db(self._by_level[: quiet + 1].sum(axis=0) / self._frames[: quiet + 1].sum())


class _Colours:
    """Mean and spread of the MFCCs (Davis & Mermelstein 1980) in every second that sounds, without c0."""

    def __init__(self, to_power: float) -> None:
        self._least = SILENT_RMS**2 / to_power
        self._seconds: list[np.ndarray] = []

    def add(self, power: np.ndarray) -> None:
        """Take power spectra [frames, bins] of whole seconds, the last one excepted."""
        power = np.pad(power, ((0, -len(power) % MFCC_FRAMES), (0, 0)))
        seconds = (power @ _MEL_WEIGHTS).reshape(-1, MFCC_FRAMES, MELS)
        sounding = (power.sum(axis=1) > self._least).reshape(-1, MFCC_FRAMES, 1)
        floor = seconds.max(axis=(1, 2), keepdims=True) * np.float32(10.0 ** (-DEEPEST_DB / 10.0))
        mfcc = 10.0 * np.log10(np.maximum(seconds, np.maximum(floor, np.float32(1e-20)))) @ _COSINES
        with np.errstate(invalid="ignore"):  # a silent second becomes NaN
            mean = (mfcc * sounding).sum(axis=1) / sounding.sum(axis=1)
            spread = np.sqrt((np.square(mfcc - mean[:, None]) * sounding).sum(axis=1) / sounding.sum(axis=1))
        self._seconds.append(np.concatenate([mean, spread], axis=1).astype(np.float16))

    def result(self, frames: int) -> np.ndarray:
        """Of the first `frames` frames; under half a second at the end does not count, unless it is all there is."""
        seconds = np.concatenate(self._seconds)[: max(1, round(frames / (MFCC_STEP * MFCC_FRAMES)))]
        return seconds[np.isfinite(seconds).all(axis=1)]


def _mel_weights() -> np.ndarray:
    """Triangles of equal width on the mel scale (O'Shaughnessy 1987: 2595 log10(1 + f / 700)), [bins, 40]."""
    highest = 2595.0 * np.log10(1.0 + 0.5 * RATE_HZ / 700.0)
    corners_hz = 700.0 * (10.0 ** (np.linspace(0.0, highest, MELS + 2) / 2595.0) - 1.0)
    hz = np.arange(BINS)[:, None] * (RATE_HZ / FRAME_SAMPLES)
    rising = (hz - corners_hz[:-2]) / np.diff(corners_hz)[:-1]
    falling = (corners_hz[2:] - hz) / np.diff(corners_hz)[1:]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _db(power: np.ndarray) -> np.ndarray:
    return (10.0 * np.log10(np.maximum(power, 1e-15))).astype(np.float32)


_THIRD_WEIGHTS = band_weights(np.append(THIRDS_HZ, 1e4) / 10.0**0.05)
_MEL_WEIGHTS = _mel_weights()
_COSINES = fft.dct(np.eye(MELS), norm="ortho")[:, 1 : MFCCS + 1].astype(np.float32)
