"""Which recordings sound of one place: a room, a microphone and where it stood.

Three things of a recording tell the place more than the music: its average spectrum, the spectrum of its pauses, and
how long it rings on. None of them does alone: softer or plucked playing has another spectrum in the same room. So a set
is split in two, and those again, only where the halves lie clearly apart, further than recordings within one of them
do, and where nothing else that is known says that they are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timbre.audit.meters.sketch import THIRDS_HZ

# How many times as far apart two groups must lie as their own recordings do from their middle.
LEAST_CONTRAST = 2.0
# The same where there is little but the spectrum, and within which share of the limit its recordings must lie then.
LONE_CONTRAST, LONE_SPREAD_SHARE = 3.0, 0.4
# Of the limits: what differs by less than this share of them is the same.
SAME_SHARE = 0.5
LEAST_PARTS, LEAST_SECONDS, LEAST_SHARE = 2, 10.0, 0.02
MOST_GROUPS = 6
ROUNDS = 30
# Under it a band holds nothing, as over the Nyquist frequency of the file.
EMPTY_DB = 70.0


@dataclass(frozen=True)
class Parts:
    """Half minutes of recordings, or whole shorter ones.

    file [parts]: number of the recording; seconds [parts]; ltas_db, noise_db [parts, bands] with their level removed,
    NaN where a band is empty or there is no noise to measure; decay_seconds [parts] or NaN.
    """

    file: np.ndarray
    seconds: np.ndarray
    ltas_db: np.ndarray
    noise_db: np.ndarray
    decay_seconds: np.ndarray

    def of(self, rows: np.ndarray) -> Parts:
        """Some of them."""
        return Parts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Limits:
    """How far apart places are: spectra and noise in dB RMS over the bands, decay as a ratio."""

    ltas_db: float
    noise_db: float
    decay_ratio: float


def level_removed(spectra_db: np.ndarray) -> np.ndarray:
    """Spectra [parts, bands] with the mean of their bands at 0 dB; a band far under the loudest one is NaN."""
    heard = np.where(spectra_db < spectra_db.max(axis=1, keepdims=True, initial=-np.inf) - EMPTY_DB, np.nan, spectra_db)
    return heard - _mean(heard, np.ones(heard.shape[1]), axis=1)[:, None]


def group(parts: Parts, limits: Limits) -> np.ndarray:
    """The group of each part, [parts] from 0; which of them is the first says nothing."""
    groups = np.zeros(len(parts.file), int)
    waiting = [0]
    while waiting and groups.max(initial=0) + 1 < MOST_GROUPS:
        number = waiting.pop(0)
        rows = np.flatnonzero(groups == number)
        halves = _split(parts.of(rows), parts.seconds.sum(), limits)
        if halves is not None:
            new = int(groups.max()) + 1
            groups[rows[halves]] = new
            waiting += [number, new]
    return groups


def distance_db(one: np.ndarray, other: np.ndarray) -> float:
    """RMS difference of two spectra in dB whatever their levels, over the bands that both have; NaN without any."""
    difference = (one - other)[np.isfinite(one - other)]
    return float(np.std(difference)) if len(difference) else float("nan")


def mean_spectrum(spectra_db: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Mean of spectra [parts, bands] in dB, weighted by their seconds; NaN in bands that none has."""
    return _mean(spectra_db, seconds[:, None], axis=0)


def mean_spectra(spectra_db: np.ndarray, seconds: np.ndarray, owner: np.ndarray, owners: int) -> np.ndarray:
    """The same for each of several owners of parts, [owners, bands]."""
    known = np.isfinite(spectra_db) * seconds[:, None]
    total, weights = np.zeros((owners, spectra_db.shape[1])), np.zeros((owners, spectra_db.shape[1]))
    np.add.at(total, owner, np.where(known > 0.0, spectra_db, 0.0) * known)
    np.add.at(weights, owner, known)
    return total / np.where(weights > 0.0, weights, np.nan)


def mean_decay(decay_seconds: np.ndarray) -> float:
    """Median of the decays that are known, NaN where there are none."""
    known = np.isfinite(decay_seconds) & (decay_seconds > 0.0)
    return float(np.median(decay_seconds[known])) if known.any() else float("nan")


def _split(parts: Parts, all_seconds: float, limits: Limits) -> np.ndarray | None:
    """Which parts belong apart from the rest, [parts] bool; None where they are one."""
    if len(parts.file) < 2 * LEAST_PARTS:
        return None
    root = np.sqrt(len(THIRDS_HZ))
    ltas = _filled(parts.ltas_db, parts.seconds) / (limits.ltas_db * root)
    noise = _filled(parts.noise_db, parts.seconds) / (limits.noise_db * root)
    with np.errstate(divide="ignore", invalid="ignore"):
        decay = np.log(np.where(parts.decay_seconds > 0.0, parts.decay_seconds, np.nan)) / np.log(limits.decay_ratio)
    other = np.concatenate([ltas, _filled(decay[:, None], parts.seconds)], axis=1)
    measured = np.isfinite(parts.noise_db).any(axis=1)
    # By the noise, which knows no music, then by all that is known.
    for features, rows in ((noise, measured), (np.concatenate([other, noise], axis=1), np.ones_like(measured))):
        if rows.sum() < 2 * LEAST_PARTS:
            continue
        apart = np.zeros(len(rows), bool)
        apart[rows] = _two_means(features[rows], parts.seconds[rows])
        if apart.any() and not apart[rows].all():
            # Those without pauses go where they sound like.
            apart[~rows] = _nearer(other, parts.seconds, apart, rows)[~rows]
            if _are_places(parts.of(~apart), parts.of(apart), all_seconds, limits):
                return apart
    return None


def _are_places(one: Parts, other: Parts, all_seconds: float, limits: Limits) -> bool:
    """Whether two groups of parts are two places."""
    for half in (one, other):
        if len(half.file) < LEAST_PARTS or half.seconds.sum() < max(LEAST_SECONDS, LEAST_SHARE * all_seconds):
            return False
    ltas, ltas_spread = _apart(one.ltas_db, other.ltas_db, one.seconds, other.seconds)
    noise, noise_spread = _apart(one.noise_db, other.noise_db, one.seconds, other.seconds)
    decays = mean_decay(one.decay_seconds), mean_decay(other.decay_seconds)
    ratio = max(decays) / min(decays) if np.isfinite(decays).all() else float("nan")
    noise_stands_out = noise >= LEAST_CONTRAST * noise_spread
    if noise >= limits.noise_db and noise_stands_out:
        return True
    # Other music has another spectrum too, and rings on otherwise: one of them alone says little.
    same_noise = noise < SAME_SHARE * limits.noise_db
    if ratio >= limits.decay_ratio and ltas >= SAME_SHARE * limits.ltas_db:
        return bool(ltas >= (LONE_CONTRAST if same_noise else LEAST_CONTRAST) * ltas_spread)
    if same_noise or ltas < LEAST_CONTRAST * ltas_spread:
        return False
    if ltas < limits.ltas_db or ratio < 1.0 + SAME_SHARE * (limits.decay_ratio - 1.0):
        return False
    if np.isfinite(noise) and noise_stands_out:
        return True
    return bool(ltas >= LONE_CONTRAST * ltas_spread and ltas_spread < LONE_SPREAD_SHARE * limits.ltas_db)


def _apart(one: np.ndarray, other: np.ndarray, seconds: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Distance in dB between the middles of two groups of spectra, and RMS distance from its middle within a group."""
    rows = [np.isfinite(spectra).any(axis=1) for spectra in (one, other)]
    if min(rows[0].sum(), rows[1].sum()) < LEAST_PARTS:
        return float("nan"), float("nan")
    groups = [(one[rows[0]], seconds[rows[0]]), (other[rows[1]], others[rows[1]])]
    middles = [mean_spectrum(spectra, weights) for spectra, weights in groups]
    spreads = []
    for (spectra, weights), middle in zip(groups, middles, strict=True):
        squares = np.nanmean(np.square(spectra - middle), axis=1)
        # The middle is drawn to the few that it is the mean of.
        spreads.append(np.average(squares, weights=weights) * len(spectra) / (len(spectra) - 1))
    return distance_db(*middles), float(np.sqrt(np.mean(spreads)))


def _two_means(features: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Two groups of rows by k-means (Lloyd 1982), begun along the direction in which they differ most: [rows] bool."""
    centred = features - np.average(features, axis=0, weights=seconds)
    along = np.linalg.svd(np.sqrt(seconds)[:, None] * centred, full_matrices=False)[2][0]
    apart = centred @ along > 0.0
    for _ in range(ROUNDS):
        if apart.all() or not apart.any():
            break
        nearer = _nearer(features, seconds, apart, np.ones_like(apart))
        if (nearer == apart).all():
            break
        apart = nearer
    return apart


def _nearer(features: np.ndarray, seconds: np.ndarray, apart: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which rows are nearer to the middle of those of `rows` that are apart than to the middle of its others."""
    middles = [np.average(features[side], axis=0, weights=seconds[side]) for side in (rows & ~apart, rows & apart)]
    return np.square(features - middles[1]).sum(axis=1) < np.square(features - middles[0]).sum(axis=1)


def _filled(values: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """With the mean of the others where one is not known."""
    mean = _mean(values, seconds[:, None], axis=0)
    return np.where(np.isfinite(values), values, np.where(np.isfinite(mean), mean, 0.0))


def _mean(values: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
    known = np.isfinite(values) * weights
    total = known.sum(axis=axis)
    with np.errstate(invalid="ignore"):
        return (np.where(np.isfinite(values), values, 0.0) * known).sum(axis=axis) / np.where(total > 0, total, np.nan)
