"""Clicks: jumps of a few samples that stand in sound which goes on as it was before them."""

from __future__ import annotations

import numpy as np

from timbre.audit.meters.meter import Block, Frames

CELLS_PER_SECOND = 1000
CONTEXT_CELLS = 30
NEW_CELLS = 1000
# Cells on either side of a click's own that its filter ringing may reach.
GUARD_CELLS = 1
# How far a click stands out of the second largest cell around it, in third differences and in the residual.
LEAST_RATIO = 4.0
LEAST_RESIDUAL_RATIO = 5.0
LEAST_DIFFERENCE = 0.01
# Third difference of one sample that stands out by 1.
JUMP = 3.0
# What sounds after a click is as loud as what sounded before it: of a note's beginning or end that is not true.
LARGEST_STEP_DB = 6.0
STEP_CELLS = 10
# What lies so far under a click does not matter to it.
DEAF_SHARE = 1e-2
ORDER = 16
AT_ONCE = 64
LEAST_SECONDS = 15.0


class Clicks:
    """Counts clicks in the mono sound.

    A click is a burst of under a millisecond, at least four times as high as anything but one other within 30 ms on
    either side, both in the third difference of the sound, whatever its level, and in the residual of a linear
    prediction of 16th order that is fitted to its surroundings without it (Godsill & Rayner, "Digital Audio
    Restoration", 1998, 5.2). So the pulses of a voice or a bow are none, down to 33 Hz. Besides, what sounds in the
    10 ms after it is within 6 dB of what sounded before it, sound and residual, so that an attack is none, nor is a
    note's cut end; and it is no fainter than about -50 dBFS. The first and the last 30 ms are not searched.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._cell = max(4, round(rate_hz / CELLS_PER_SECOND))
        # A residual rings for as many samples as the prediction has coefficients.
        self._guard = GUARD_CELLS + ORDER // self._cell
        self._frames = Frames((NEW_CELLS + 2 * CONTEXT_CELLS) * self._cell, NEW_CELLS * self._cell)
        self._samples, self._searched, self._clicks = 0, 0, 0
        self._largest, self._at_seconds = 0.0, float("nan")

    def add(self, block: Block) -> None:
        self._samples += len(block.mono)
        for frame in self._frames.take(block.mono):
            self._search(frame)
            self._searched += NEW_CELLS * self._cell

    def result(self) -> dict:
        """End the stream.

        Returns: clicks_per_minute, where a sound under 15 s is taken as that long, so that one click alone stays under
        the limit of 5; click_at_seconds, where the one lies that stands out most, NaN without any.
        """
        rest = self._frames.rest()
        self._search(rest[: len(rest) // self._cell * self._cell])
        seconds = max(LEAST_SECONDS, self._samples / self._rate_hz)
        return {
            "clicks_per_minute": 60.0 * self._clicks / seconds,
            "click_at_seconds": self._at_seconds,
        }

    def _search(self, samples: np.ndarray) -> None:
        """Find the clicks of samples, but for those in the context at either end."""
        if len(samples) < (2 * CONTEXT_CELLS + 1) * self._cell:
            return
        jumps = np.zeros(len(samples), np.float32)
        np.abs(np.diff(samples, 3), out=jumps[1:-2])
        places, ratios = stand_out(jumps.reshape(-1, self._cell).max(axis=1))
        centres = places * self._cell + jumps.reshape(-1, self._cell)[places].argmax(axis=1)
        for first in range(0, len(centres), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            good = self._stays_as_it_was(samples, centres[some], jumps[centres[some]] / JUMP)
            self._clicks += int(good.sum())
            best = np.where(good, ratios[some], 0.0)
            if len(best) and best.max() > self._largest:
                self._largest = float(best.max())
                self._at_seconds = (self._searched + int(centres[some][best.argmax()])) / self._rate_hz

    def _stays_as_it_was(self, samples: np.ndarray, centres: np.ndarray, bursts: np.ndarray) -> np.ndarray:
        """Which of the bursts [places] of given height are single ones in sound that is as loud after as before."""
        cell = self._cell
        reach = (CONTEXT_CELLS - 1) * cell
        around = samples[centres[:, None] + np.arange(-reach, reach)].astype(np.float64)
        good = np.abs(_step_db(around, cell, self._guard, bursts)) < LARGEST_STEP_DB
        residual = np.abs(_residual(around[good], cell))
        place = reach // cell
        own = np.arange(place - GUARD_CELLS, place + self._guard + 1)
        cells = residual.reshape(len(residual), 2 * reach // cell, cell).max(axis=2)
        others = np.partition(np.delete(cells, own, axis=1), -2, axis=1)[:, -2]
        bursts = cells[:, own].max(axis=1)
        stays = np.abs(_step_db(residual, cell, self._guard, bursts)) < LARGEST_STEP_DB
        good[good] = stays & (bursts > LEAST_RESIDUAL_RATIO * others)
        return good


def stand_out(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places in `cells` [cells] that are several times as high as the second highest of the 30 on either side.

    The nearest on either side do not count, and the first and last 30 are no places. Returns: places, how many times.
    """
    reach, near = CONTEXT_CELLS, GUARD_CELLS + 1
    middle = cells[reach:-reach]
    windows = np.lib.stride_tricks.sliding_window_view(cells, reach - near + 1)
    before, after = windows[: len(middle)].max(axis=1), windows[reach + near : reach + near + len(middle)].max(axis=1)
    # A cheap condition first: the second highest of both sides is at least the lower of their highest.
    high = (middle >= LEAST_DIFFERENCE) & (middle >= LEAST_RATIO * np.minimum(before, after))
    high &= (middle > cells[reach - 1 : -reach - 1]) & (middle >= cells[reach + 1 : len(cells) - reach + 1])
    places = np.flatnonzero(high)
    sides = np.concatenate([windows[places], windows[places + reach + near]], axis=1)
    ratios = middle[places] / np.maximum(np.partition(sides, -2, axis=1)[:, -2], 1e-9)
    stands = ratios >= LEAST_RATIO
    return places[stands] + reach, ratios[stands]


def _step_db(around: np.ndarray, cell: int, guard: int, bursts: np.ndarray) -> np.ndarray:
    """By how much [places, samples] are louder after the bursts [places] in their middle than before, dB [places]."""
    middle, span = around.shape[1] // 2, STEP_CELLS * cell
    before = around[:, middle - cell - span : middle - cell]
    after = around[:, middle + guard * cell : middle + guard * cell + span]
    deaf = np.square(DEAF_SHARE * bursts)
    return 10.0 * np.log10((np.square(after).mean(axis=1) + deaf) / (np.square(before).mean(axis=1) + deaf))


def _residual(around: np.ndarray, cell: int) -> np.ndarray:
    """What linear prediction leaves of [places, samples]; the coefficients are fitted with the middle bridged over."""
    places, samples = around.shape
    if places == 0:
        return around
    middle, bridge = samples // 2, cell // 2
    fitted = around.copy()
    ends = around[:, middle - bridge - 1], around[:, middle + bridge + 1]
    fitted[:, middle - bridge : middle + bridge + 1] = np.linspace(*ends, 2 * bridge + 3, axis=1)[:, 1:-1]
    fitted *= np.hanning(samples + 2)[1:-1]
    spectrum = np.fft.rfft(fitted, 2 * samples)
    lags = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=1)[:, : ORDER + 1]
    # A little white noise keeps silence and pure tones solvable.
    lags[:, 0] = lags[:, 0] * (1.0 + 1e-6) + 1e-9
    matrix = lags[:, np.abs(np.arange(ORDER)[:, None] - np.arange(ORDER))]
    predictor = np.linalg.solve(matrix, lags[:, 1:, None])[:, :, 0]
    residual = around.copy()
    for lag in range(1, ORDER + 1):
        residual[:, lag:] -= predictor[:, lag - 1 : lag] * around[:, :-lag]
    residual[:, :ORDER] = 0.0
    return residual
