"""What lies under hearing: rumble, wind, handling, a drifting offset."""

from __future__ import annotations

import numpy as np
import soxr
from scipy.signal import butter, sosfilt, sosfilt_zi

from timbre.audit.meters.meter import Block

# At a tenth of it soxr holds nine seconds back, which a file of one second pays for as well.
RATE_HZ = 2000
HIGHEST_HZ = 10.0
# The ends of the sound are drawn out by as much, or an offset would begin and end with a thump.
EDGE_SECONDS = 0.2
_SECTIONS = butter(4, HIGHEST_HZ, fs=RATE_HZ, output="sos")


class Rumble:
    """Level of the mono sound under 10 Hz (Butterworth, 24 dB an octave), less its mean."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
        self._state: np.ndarray | None = None
        self._edge = np.zeros(round(EDGE_SECONDS * rate_hz), np.float32)
        self._taken, self._skipped, self._samples = 0, 0, 0
        self._sum, self._squares = 0.0, 0.0

    def add(self, block: Block) -> None:
        if len(block.mono) == 0:
            return
        if self._taken == 0:
            self._take(self._resampler.resample_chunk(self._edge + block.mono[0]))
        self._edge = np.full_like(self._edge, block.mono[-1])
        self._taken += len(block.mono)
        self._take(self._resampler.resample_chunk(block.mono))

    def result(self) -> dict:
        """End the stream. low_frequency_dbfs: NaN for under a tenth of a second."""
        if self._taken < 0.1 * self._rate_hz:
            return {"low_frequency_dbfs": float("nan")}
        self._take(self._resampler.resample_chunk(self._edge, last=True))
        mean = self._sum / self._samples
        return {"low_frequency_dbfs": float(10.0 * np.log10(max(self._squares / self._samples - mean**2, 1e-20)))}

    def _take(self, samples: np.ndarray) -> None:
        """Take the next of the resampled samples, but for those that lie in the drawn out ends."""
        skipped = min(len(samples), round(EDGE_SECONDS * RATE_HZ) - self._skipped)
        self._skipped += skipped
        wide = samples[skipped:].astype(np.float64)
        wide = wide[: max(0, self._taken * RATE_HZ // self._rate_hz - self._samples)]
        if len(wide) == 0:
            return
        if self._state is None:
            self._state = sosfilt_zi(_SECTIONS) * wide[0]
        low, self._state = sosfilt(_SECTIONS, wide, zi=self._state)
        self._samples += len(low)
        self._sum += float(low.sum())
        self._squares += float(np.square(low).sum())
