"""Which recordings hold the same sound: whole copies and parts of each other, re-coded, louder, later or cut.

The work grows with the hours, not with the pairs of files. Landmarks (see `fingerprint`) are sorted by their word, and
each is linked with a few of its equals next to it, never with all of them; links of one pair of files that agree on the
time between the two are votes. What has votes is compared by phases over a few seconds, and only where those are equal
over its whole length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft

from timbre.audit.dataset.fingerprint import (
    BIN_BITS,
    BINS,
    FRAME_SAMPLES,
    HOP_SAMPLES,
    HOPS_PER_SECOND,
    PHASE_STEP,
    PHASES,
    RATE_HZ,
    REGION_BINS,
    REGIONS,
    changes_of,
)
from timbre.audit.meters.sketch import Sketch

# A part that two recordings share is worth a word from this length on, or if it is nearly all that sounds in one.
LEAST_SECONDS, LEAST_SHARE = 5.0, 0.8

# Equal words: how many of them count in one file, and with how many of its neighbours each is linked.
WORDS_PER_FILE, LINKS = 2, 3
LAG_SPREAD_FRAMES = 2
LEAST_VOTES = 2
# In how many places a word may be before its links count less.
COMMON, COMMON_WEIGHT = 16, 0.5
# Where a file has hardly any landmarks, one must do.
FEW_LANDMARKS = 6
# Candidates for each file, and for each minute of it.
CANDIDATES, CANDIDATES_PER_MINUTE = 6, 2
TRIES = 8

LOOK_ROWS = 172
AT_ONCE = 128
# Times between two frames are tried in steps of half a sample, up to so many hops.
FINER, REACH_HOPS = 2, 1.25
LEAST_ROWS_EQUAL, LEAST_SHARE_EQUAL = 12, 0.25
LEAST_COSINE, LEAST_SHARE_AGREEING = 0.75, 0.7
BLOCK_ROWS = 43
BLOCK_EQUAL, BLOCK_SHARE, BLOCK_COHERENCE = 6, 0.25, 0.5
BRIDGED_BLOCKS = 2
READ_BLOCKS = 64
# Share of the landmarks of a common part that both files have, their words being mostly equal.
LEAST_LANDMARKS_SHARED, LEAST_WORD_EQUAL = 0.3, 0.6
# With fewer landmarks or different partials than these it is one stroke or note, and must be closer.
LONE_LANDMARKS, LONE_BINS = 3, 12
LONE_SHARE_EQUAL, LONE_ERRORS = 0.9, 0.05

_BIN_MASK = (1 << BIN_BITS) - 1
_TURN = np.exp(2j * np.pi * np.arange(PHASES) / PHASES).astype(np.complex64)
_REGION_OF_BIN = np.clip(np.searchsorted(REGION_BINS, np.arange(BINS), side="right") - 1, 0, REGIONS - 1)


@dataclass(frozen=True)
class Match:
    """The same sound in two recordings, by their numbers.

    error_rate: see `_error_rate`. at, of_at: seconds at which the common part starts in `file` and in `of`;
    seconds: its length. shared_seconds: what of it can be compared and is the same.
    """

    file: int
    of: int
    error_rate: float
    at: float
    of_at: float
    seconds: float
    shared_seconds: float


@dataclass(frozen=True)
class _Place:
    """A row of one file that sounds like the other, `sign` times, `shift` rows and `delay` half samples later."""

    one: int
    other: int
    row: int
    shift: int
    delay: int
    sign: int


def find_similar(sketches: Sequence[Sketch], most_errors: float) -> list[Match]:
    """All pairs of recordings that share a part, `of` before `file`, whose error rate lies under `most_errors`.

    Of several copies of one sound each is found with some of the others, not with all.
    """
    files, others, moments, lags = _candidates(sketches)
    found: dict[tuple[int, int], Match] = {}
    tries: dict[tuple[int, int], int] = defaultdict(int)
    for start in range(0, len(files), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        for one in _look(sketches, files[part], others[part], moments[part], lags[part], most_errors):
            pair = one.other, one.one
            # Loops agree at many distances.
            tries[pair] += 1
            if tries[pair] <= TRIES:
                match = _whole(sketches, one, most_errors)
                if match is not None and (pair not in found or found[pair].shared_seconds < match.shared_seconds):
                    found[pair] = match
    return sorted(found.values(), key=lambda match: (match.file, match.of))


def sounding_seconds(sketch: Sketch) -> float:
    """Seconds of a recording in which something can be compared."""
    blocks = 0
    for start in range(0, len(sketch.phases), READ_BLOCKS * BLOCK_ROWS):
        heard = (sketch.phases[start : start + READ_BLOCKS * BLOCK_ROWS] > 0).sum(axis=1)
        heard = np.add.reduceat(heard, np.arange(0, len(heard), BLOCK_ROWS))
        blocks += int((heard >= BLOCK_EQUAL).sum())
    return blocks * _seconds(BLOCK_ROWS)


def _candidates(sketches: Sequence[Sketch]) -> tuple[np.ndarray, ...]:
    """What may be a copy: numbers of the earlier and the later file, a frame of the earlier one, and how many frames
    later it is in the other; those with most votes first, so many for each file.
    """
    counts = np.array([len(sketch.words) for sketch in sketches], np.int64)
    if counts.sum() == 0:
        return (np.zeros(0, np.int64),) * 4
    words = np.concatenate([sketch.words for sketch in sketches])
    moments = np.concatenate([sketch.moments for sketch in sketches])
    files = np.repeat(np.arange(len(sketches), dtype=np.int32), counts)
    # By word, then by file, then by time: a stable sort keeps the order that they are in.
    order = np.argsort(words, kind="stable")
    words, moments, files = words[order], moments[order].astype(np.int32), files[order]
    again = np.zeros(len(words), bool)
    again[WORDS_PER_FILE:] = (words[WORDS_PER_FILE:] == words[:-WORDS_PER_FILE]) & (
        files[WORDS_PER_FILE:] == files[:-WORDS_PER_FILE]
    )
    words, moments, files = words[~again], moments[~again], files[~again]
    # What is everywhere, as the attack of a click, says little.
    new = np.ones(len(words), bool)
    new[1:] = words[1:] != words[:-1]
    sizes = np.diff(np.append(np.flatnonzero(new), len(words)))
    weights = np.where(sizes <= COMMON, 1.0, COMMON_WEIGHT).astype(np.float32)[np.cumsum(new) - 1]
    pairs, lags, places, votes = [], [], [], []
    for step in range(1, LINKS * WORDS_PER_FILE + 1):
        linked = np.flatnonzero((words[step:] == words[:-step]) & (files[step:] != files[:-step]))
        pairs.append(files[linked].astype(np.int64) * len(sketches) + files[linked + step])
        lags.append(moments[linked + step] - moments[linked])
        places.append(moments[linked])
        votes.append(weights[linked])
    pair, lag, place, weight = (np.concatenate(each) for each in (pairs, lags, places, votes))
    if len(pair) == 0:
        return (pair,) * 4
    order = np.lexsort((place, lag, pair))
    pair, lag, place, weight = pair[order], lag[order], place[order], weight[order]
    new = np.ones(len(pair), bool)
    new[1:] = (np.diff(pair) != 0) | (np.diff(lag) > LAG_SPREAD_FRAMES)
    starts = np.flatnonzero(new)
    votes = np.add.reduceat(weight, starts)
    middle = (starts + np.append(starts[1:], len(pair)) - 1) // 2
    one, other = np.divmod(pair[middle], len(sketches))
    enough = votes >= np.where(np.minimum(counts[one], counts[other]) <= FEW_LANDMARKS, 1, LEAST_VOTES)
    one, other, middle, votes = one[enough], other[enough], middle[enough], votes[enough]
    best = np.lexsort((lag[middle], other, one, -votes))
    one, other, middle = one[best], other[best], middle[best]
    minutes = np.array([len(sketch.phases) for sketch in sketches]) * _seconds(1) / 60.0
    most = CANDIDATES + (CANDIDATES_PER_MINUTE * minutes).astype(np.int64)
    kept = (_rank(one) < most[one]) & (_rank(other) < most[other])
    return one[kept], other[kept], place[middle[kept]].astype(np.int64), lag[middle[kept]].astype(np.int64)


def _rank(values: np.ndarray) -> np.ndarray:
    """How many equal ones come before each."""
    order = np.argsort(values, kind="stable")
    new = np.ones(len(values), bool)
    new[1:] = np.diff(values[order]) != 0
    starts = np.flatnonzero(new)
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))
    return rank


def _look(
    sketches: Sequence[Sketch],
    ones: np.ndarray,
    others: np.ndarray,
    moments: np.ndarray,
    lags: np.ndarray,
    most_errors: float,
) -> list[_Place]:
    """Candidates whose phases agree over a few seconds."""
    shifts = np.round(lags / PHASE_STEP).astype(np.int64)
    left = lags - PHASE_STEP * shifts
    a = np.zeros((len(ones), LOOK_ROWS, REGIONS), np.uint16)
    b = np.zeros_like(a)
    for number, (one, other) in enumerate(zip(ones, others, strict=True)):
        start, end = _overlap(sketches[one], sketches[other], shifts[number])
        start = max(start, min(moments[number] // PHASE_STEP - LOOK_ROWS // 2, end - LOOK_ROWS))
        rows_a, rows_b = _rows(sketches[one], sketches[other], start, min(end, start + LOOK_ROWS), shifts[number])
        a[number, : len(rows_a)], b[number, : len(rows_b)] = rows_a, rows_b
    bins, turns, heard = _compare(a, b)
    number, row, region = np.nonzero(turns)
    where = number * BINS + bins[number, row, region]
    values = turns[number, row, region]
    size = len(ones) * BINS
    sums = np.bincount(where, values.real, size) + 1j * np.bincount(where, values.imag, size)
    length = FINER * FRAME_SAMPLES
    agreement = fft.irfft(sums.reshape(-1, BINS), length) * (length / 2)
    reach = round(REACH_HOPS * FINER * HOP_SAMPLES)
    delays = left[:, None] * FINER * HOP_SAMPLES + np.arange(-reach, reach + 1)
    tried = np.take_along_axis(agreement, delays % length, axis=1)
    # Upside down is the same sound.
    best = np.abs(tried).argmax(axis=1)
    found = tried[np.arange(len(ones)), best]
    equal = np.bincount(number, minlength=len(ones))
    good = (equal >= LEAST_ROWS_EQUAL) & (equal >= LEAST_SHARE_EQUAL * heard.sum(axis=(1, 2)))
    good &= np.abs(found) >= (1.0 - 2.0 * most_errors) * equal
    # The votes may have been for the row beside the nearest one.
    row = FINER * PHASE_STEP * HOP_SAMPLES
    delay = shifts * row + delays[np.arange(len(ones)), best]
    shifts = np.round(delay / row).astype(np.int64)
    return [
        _Place(
            *(
                int(value[place])
                for value in (ones, others, moments // PHASE_STEP, shifts, delay - shifts * row, np.sign(found))
            )
        )
        for place in np.flatnonzero(good)
    ]


def _whole(sketches: Sequence[Sketch], place: _Place, most_errors: float) -> Match | None:
    """How much of two files around a place is the same, or None where it is too little."""
    one, other = sketches[place.one], sketches[place.other]
    start, end = _overlap(one, other, place.shift)
    blocks = -(-(end - start) // BLOCK_ROWS)
    seed = min(max(place.row - start, 0) // BLOCK_ROWS, blocks - 1)
    counts = np.zeros((3, blocks, REGIONS))
    seen = np.zeros(BINS, np.int64)
    low = high = seed // READ_BLOCKS * READ_BLOCKS
    # From the place on in both directions, as far as it goes on.
    while True:
        if high < blocks and (low == high or _goes_on(counts[:, low:high], last=True)):
            first, high = high, min(blocks, high + READ_BLOCKS)
        elif low > 0 and _goes_on(counts[:, low:high], last=False):
            first, low = max(0, low - READ_BLOCKS), max(0, low - READ_BLOCKS)
        else:
            break
        at, stop = start + first * BLOCK_ROWS, min(end, start + (first + READ_BLOCKS) * BLOCK_ROWS)
        bins, turns, both = _compare(*_rows(one, other, at, stop, place.shift))
        seen += np.bincount(bins[turns != 0], minlength=BINS)
        turned = place.sign * turns * np.exp(2j * np.pi / (FINER * FRAME_SAMPLES) * place.delay * bins)
        starts = np.arange(0, len(bins), BLOCK_ROWS)
        for kept, values in zip(counts, (both, turns != 0, turned.real), strict=True):
            kept[first : first + len(starts)] = np.add.reduceat(values, starts, axis=0, dtype=np.float64)
    same, empty = _judge(counts)
    runs = _runs(same, empty)
    if not runs:
        return None
    first, last = max(runs, key=lambda run: run[1] - run[0])
    same[:first], same[last:] = False, False
    heard, equal, agreement = counts[:, same].sum(axis=1)
    shared = _seconds(BLOCK_ROWS) * float(same.sum())
    seconds = _seconds(min(end - start, last * BLOCK_ROWS) - first * BLOCK_ROWS)
    if seconds < LEAST_SECONDS:
        shorter = min((one, other), key=lambda sketch: len(sketch.phases))
        if shared < LEAST_SHARE * sounding_seconds(shorter):
            return None
    rows = start + first * BLOCK_ROWS, start + last * BLOCK_ROWS
    lag = PHASE_STEP * place.shift + place.delay / (FINER * HOP_SAMPLES)
    landmarks, share = _landmarks_in_both(one, other, rows, lag)
    if share < LEAST_LANDMARKS_SHARED:
        return None
    if landmarks < LONE_LANDMARKS or (seen >= 2).sum() < LONE_BINS:
        # Two strokes on one bell have its phases too, hardly wrong.
        if equal.sum() < LONE_SHARE_EQUAL * heard.sum():
            return None
        most_errors *= LONE_ERRORS
    error_rate = _error_rate(heard, equal, agreement)
    if error_rate >= most_errors:
        return None
    at = _seconds(rows[0]), _seconds(rows[0] + place.shift) + place.delay / (FINER * RATE_HZ)
    # The silence before the sound, less half a frame; nothing starts in it.
    before = min(FRAME_SAMPLES / 2 / RATE_HZ, *at)
    return Match(place.other, place.one, error_rate, at[1] - before, at[0] - before, seconds, shared)


def _judge(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which blocks are the same in both, and in which hardly anything is heard, [blocks] each.

    counts: partials heard, those of them that are equal, and the sum of their cosines: [3, blocks, regions].
    """
    heard, equal, agreement = counts.sum(axis=2)
    same = (equal >= BLOCK_EQUAL) & (equal >= BLOCK_SHARE * heard) & (agreement >= BLOCK_COHERENCE * equal)
    return same, heard < BLOCK_EQUAL


def _goes_on(counts: np.ndarray, last: bool) -> bool:
    """Whether the same sound reaches the edge of the blocks that are read, or might."""
    same, empty = _judge(counts[:, -READ_BLOCKS:] if last else counts[:, :READ_BLOCKS])
    edge = (same | empty)[-BRIDGED_BLOCKS - 1 :] if last else (same | empty)[: BRIDGED_BLOCKS + 1]
    return bool(edge.any() and same.any())


def _error_rate(heard: np.ndarray, equal: np.ndarray, agreement: np.ndarray) -> float:
    """Share of wrong bits that two fingerprints have where both have the same partial, from counts [regions].

    A half (1 - the mean cosine of the differences of phase), the mean over the regions in which there are enough: 0 for
    equal waveforms, 0.5 for others. Two takes may share a part of their sound, as a sampled drum; so it is 0.5 unless
    the regions that agree hold most of what is heard.
    """
    share, cosine = equal / np.maximum(heard, 1.0), agreement / np.maximum(equal, 1.0)
    agrees = (share >= LEAST_SHARE_EQUAL) & (cosine >= LEAST_COSINE)
    if heard[agrees].sum() < LEAST_SHARE_AGREEING * heard.sum():
        return 0.5
    enough = agrees & (equal >= 0.05 * equal.sum())
    return float(0.5 - 0.5 * np.mean(cosine[enough]))


def _landmarks_in_both(one: Sketch, other: Sketch, rows: tuple[int, int], lag: float) -> tuple[int, float]:
    """How many landmarks of a part of one recording the other has too, so many frames later, and which share."""
    first, last = np.searchsorted(one.moments, np.array(rows) * PHASE_STEP)
    if first == last or len(other.moments) == 0:
        return 0, 0.0
    wanted = one.moments[first:last].astype(np.float64) + lag
    near = np.searchsorted(other.moments, wanted)
    mine = changes_of(one.words[first:last]).astype(np.float32)
    best = np.zeros(len(wanted))
    for place in (near - 1, near):
        place = np.clip(place, 0, len(other.moments) - 1)
        theirs = changes_of(other.words[place]).astype(np.float32)
        equal = (mine * theirs).sum(axis=1) / np.sqrt((mine**2).sum(axis=1) * (theirs**2).sum(axis=1))
        best = np.maximum(best, np.where(np.abs(other.moments[place] - wanted) <= LAG_SPREAD_FRAMES, equal, 0.0))
    both = int((best >= LEAST_WORD_EQUAL).sum())
    return both, both / len(wanted)


def _compare(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bins; how their phase turned from one to the other, 0 where they differ; the share of the two that is heard."""
    bins, phase_a = a & _BIN_MASK, a >> BIN_BITS
    equal = (bins == (b & _BIN_MASK)) & (bins > 0)
    turns = np.where(equal, _TURN[((b >> BIN_BITS) - phase_a.astype(np.int16)) % PHASES], 0)
    return bins.astype(np.int64), turns, 0.5 * (a > 0) + 0.5 * (b > 0)


def _overlap(one: Sketch, other: Sketch, shift: int) -> tuple[int, int]:
    """Rows of one recording during which the other, so many rows later, goes on too."""
    return max(0, -shift), min(len(one.phases), len(other.phases) - shift)


def _rows(one: Sketch, other: Sketch, start: int, end: int, shift: int) -> tuple[np.ndarray, np.ndarray]:
    return one.phases[start:end], other.phases[start + shift : end + shift]


def _runs(same: np.ndarray, empty: np.ndarray) -> list[tuple[int, int]]:
    """First and last block (exclusive) of runs of the same sound; silence and a few others between do not end one."""
    runs: list[list[int]] = []
    places = np.flatnonzero(same)
    others = np.cumsum(~same & ~empty)
    for place in places:
        if runs and others[place] - others[runs[-1][1] - 1] <= BRIDGED_BLOCKS:
            runs[-1][1] = int(place) + 1
        else:
            runs.append([int(place), int(place) + 1])
    return [(first, last) for first, last in runs]


def _seconds(rows: float) -> float:
    return rows * PHASE_STEP / HOPS_PER_SECOND
