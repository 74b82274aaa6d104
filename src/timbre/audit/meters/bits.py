"""How fine the steps are in which a recording was stored, wherever it has been since."""

from __future__ import annotations

import numpy as np

from timbre.audit.meters.meter import Block

# Bits a sample of libsndfile's codings; what is not here has as many as it needs.
PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "ULAW": 8, "ALAW": 8, "PCM_16": 16, "ALAC_16": 16}
COARSE_BITS, FINE_BITS = 16, 24
# Near silence every code is used, so fine steps are sought there; coarse ones in the whole range.
COARSE_TOP, FINE_TOP = 1.0, 2.0**-7
LEAST_NEIGHBOURS = 64
LEAST_FINE_BITS = 14
LEAST_CODES = 8
PART_SAMPLES = 1 << 16
# Steps between codes that lie further apart than this many tell less than their rounding hides.
WIDEST_GAP_STEPS = 8
LEAST_SHARE = 0.9


class EffectiveBits:
    """The bits of the coarsest channel under full scale that its samples need, whatever the file has room for."""

    def __init__(self, channels: int, subtype: str) -> None:
        self.channels, self.file_bits = channels, PCM_BITS.get(subtype, FINE_BITS)
        self._coarse = [Codes(COARSE_BITS, COARSE_TOP) for _ in range(channels)]
        self._fine = [Codes(FINE_BITS, FINE_TOP) for _ in range(channels if self.file_bits > COARSE_BITS else 0)]

    def add(self, block: Block) -> None:
        for codes in (self._coarse, self._fine):
            for one, row in zip(codes, block.rows, strict=False):
                one.add(row)

    def of_channels(self) -> list[int]:
        """The bits of each channel; those of the file where they are unknown."""
        return [self.file_bits if bits is None else bits for bits in self._found()]

    def result(self) -> dict:
        """effective_bits: none where it cannot be told, as in silence and square waves."""
        told = [bits for bits in self._found() if bits is not None]
        return {"effective_bits": min(told) if told else None}

    def _found(self) -> list[int | None]:
        found = [one.bits() for one in self._coarse]
        for channel, fine in enumerate(self._fine):
            if found[channel] == COARSE_BITS:
                # Wider steps the coarse codes would have shown: what looks like them is a tone of few values.
                bits = fine.bits()
                found[channel] = bits if bits is None or bits >= LEAST_FINE_BITS else FINE_BITS
        return [None if bits is None else min(bits, self.file_bits) for bits in found]


class Codes:
    """Which of the codes of `bits` a stream uses, between -top and top; and on what grid they lie.

    A recording that was stored in few bits keeps their steps in a wider format, also after a gain. Its values then are
    k s, rounded to the codes of the wider one, so that gaps between neighbouring values are about whole multiples of s.
    """

    def __init__(self, bits: int, top: float) -> None:
        self._bits, self._top, self._scale = bits, top, 2.0 ** (bits - 1)
        self._used = np.zeros(2 * round(top * self._scale) + 1, bool)
        self._full = False

    def add(self, samples: np.ndarray) -> None:
        """Take the next samples [samples]."""
        for first in range(0, len(samples), PART_SAMPLES):
            # Codes never go, so that nothing can make the grid coarse again.
            if not self._full:
                self._use(samples[first : first + PART_SAMPLES])

    def bits(self) -> int | None:
        """The bits of full scale whose steps the grid has; None where it is unknown."""
        if self._full:
            return self._bits
        codes = np.flatnonzero(self._used)
        if len(codes) < LEAST_CODES:
            return None
        gaps = np.diff(codes)
        step = float(np.percentile(gaps, 25, method="lower"))
        for _ in range(2):
            steps = np.rint(gaps / step)
            told = (steps >= 1) & (steps <= WIDEST_GAP_STEPS)
            if not told.any():
                return self._bits
            step = gaps[told].sum() / steps[told].sum()
        off = np.abs(gaps / step - np.rint(gaps / step))[gaps < (WIDEST_GAP_STEPS + 0.5) * step]
        # Two rounded codes miss by one at most.
        on_grid = np.mean(off <= min(0.25, 1.01 / step + 0.02)) >= LEAST_SHARE if len(off) else False
        return round(self._bits - np.log2(step)) if on_grid else self._bits

    def _use(self, samples: np.ndarray) -> None:
        near = samples if self._top >= 1.0 else samples[np.abs(samples) < self._top]
        last = len(self._used) - 1
        codes = np.rint(near * np.float32(self._scale)) + np.float32(last // 2)
        self._used[np.clip(codes, 0, last, out=codes).astype(np.int32)] = True
        self._full = np.count_nonzero(self._used[1:] & self._used[:-1]) >= LEAST_NEIGHBOURS
