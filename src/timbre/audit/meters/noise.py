"""The noise of a recording, heard where nothing is played."""

from __future__ import annotations

import numpy as np
from scipy import fft

from timbre.audit.meters.meter import Block, Frames
from timbre.audit.meters.pauses import frame_power, frame_samples

# Levels are counted in steps of a quarter of a dB.
LOWEST_DBFS, HIGHEST_DBFS, STEPS_PER_DB = -140, 20, 4
QUIETEST_SHARE, MUSIC_SHARE, LOUD_SHARE = 0.01, 0.9, 0.95
# Pauses lie within so much of the quietest frames, and are so much of the sound at least.
PAUSE_DB, LEAST_PAUSE_SHARE = 3.0, 0.04
LEAST_SNR_DB = 10.0
LEAST_FRAMES = 20
# Geometric over arithmetic mean of the power in neighbouring bins: 0.56 for any noise, near 0 for partials.
LEAST_FLATNESS = 0.45
FIRST_BIN, BAND_BINS = 4, 16
STEADY_DB, FALLING_DB = 1.3, 0.4
MOST, MOSTLY = 0.5, 0.6
# Where what is played is noise too, there are so many times as many frames in the pauses as in the 3 dB above them.
LEAST_GAP = 2.0
FRAMES_AT_ONCE = 256


class NoiseFloor:
    """Level of the noise in the pauses of the mono sound, where it has some.

    Of 50 ms frames that are not digital silence, those within 3 dB of the quietest hundredth are pauses where they are
    at least 4 % of all and lie 10 dB under the loudest twentieth, and where most of them are noise by their spectrum
    and as loud as the frame before or after them, and do not mostly stand in a fall. Where what is played is noise too,
    by the loudest tenth, the pauses must stand apart from it as well. Else what is quietest is music, the tail of a
    note or a gust, and the floor is not measurable.
    """

    def __init__(self, rate_hz: int) -> None:
        length = max(2 * FIRST_BIN, frame_samples(rate_hz))
        self._frames_of = Frames(length)
        self._window = np.hanning(length).astype(np.float32)
        steps = (HIGHEST_DBFS - LOWEST_DBFS) * STEPS_PER_DB + 1
        self._counts, self._flat, self._steady, self._falling = np.zeros((4, steps), np.int64)
        # The last two frames, of which the newer waits for its successor.
        self._levels, self._flatness = np.full(2, -np.inf), np.zeros(2)

    def add(self, block: Block) -> None:
        frames = self._frames_of.take(block.mono)
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            some = frames[first : first + FRAMES_AT_ONCE]
            self._count(_level_dbfs(some), flatness(some * self._window))

    def result(self) -> dict:
        """End the stream.

        Returns: noise_floor_dbfs, the median level of the pauses; snr_db, by how much the loudest twentieth of the
        frames is louder. Both NaN where there is nothing to measure it in.
        """
        self._count(np.array([-np.inf]), np.zeros(1))
        total = np.cumsum(self._counts)
        missing = {"noise_floor_dbfs": float("nan"), "snr_db": float("nan")}
        if total[-1] < LEAST_FRAMES:
            return missing
        shares = np.array([QUIETEST_SHARE, MUSIC_SHARE, LOUD_SHARE])
        quietest, music, loud = np.searchsorted(total, shares * total[-1])
        width = int(PAUSE_DB * STEPS_PER_DB) + 1
        pauses = slice(quietest, quietest + width)
        count = total[pauses][-1]
        if self._flat[music:].sum() >= MOST * self._counts[music:].sum():
            above = self._counts[pauses.stop : pauses.stop + width].sum()
            if self._counts[pauses].sum() < LEAST_GAP * above:
                return missing
        floor = int(np.searchsorted(total, 0.5 * count))
        flat, steady, falling = (kind[: pauses.stop].sum() for kind in (self._flat, self._steady, self._falling))
        noisy = min(flat, steady) >= MOST * count and falling < MOSTLY * count
        if count < LEAST_PAUSE_SHARE * total[-1] or not noisy or loud - floor < LEAST_SNR_DB * STEPS_PER_DB:
            return missing
        return {"noise_floor_dbfs": LOWEST_DBFS + floor / STEPS_PER_DB, "snr_db": float(loud - floor) / STEPS_PER_DB}

    def _count(self, levels: np.ndarray, flat: np.ndarray) -> None:
        """Take the next frames' levels and flatnesses [frames]."""
        levels, flat = np.concatenate([self._levels, levels]), np.concatenate([self._flatness, flat])
        self._levels, self._flatness = levels[-2:], flat[-2:]
        with np.errstate(invalid="ignore"):  # two silent frames
            change = np.nan_to_num(np.abs(np.diff(levels)), nan=np.inf)
            falling = levels[:-2] - levels[2:] > FALLING_DB
        levels, flat, steady = levels[1:-1], flat[1:-1], np.minimum(change[:-1], change[1:]) < STEADY_DB
        place = np.rint((levels.clip(LOWEST_DBFS, HIGHEST_DBFS) - LOWEST_DBFS) * STEPS_PER_DB).astype(np.int64)
        sounds = levels > LOWEST_DBFS
        for counts, which in (
            (self._counts, sounds),
            (self._flat, sounds & (flat >= LEAST_FLATNESS)),
            (self._steady, sounds & steady),
            (self._falling, sounds & falling),
        ):
            counts += np.bincount(place[which], minlength=len(counts))


def flatness(frames: np.ndarray) -> np.ndarray:
    """How noise-like windowed frames [frames, samples] are: spectral flatness in bands of 16 bins from the fifth on.

    The ratio of geometric to arithmetic mean of the power in a band (Gray & Markel 1974), averaged over the bands with
    their power as the weight, so that the colour of a noise does not count.
    """
    spectrum = fft.rfft(frames, axis=1)
    bands = max(1, (spectrum.shape[1] - FIRST_BIN) // BAND_BINS)
    spectrum = spectrum[:, FIRST_BIN : FIRST_BIN + bands * BAND_BINS]
    power = (spectrum.real**2 + spectrum.imag**2).reshape(len(frames), bands, -1) + np.float32(1e-20)
    geometric = np.exp(np.log(power).mean(axis=2))
    return geometric.sum(axis=1) / power.mean(axis=2).sum(axis=1)


def _level_dbfs(frames: np.ndarray) -> np.ndarray:
    power = frame_power(frames)
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(power.astype(np.float64))
