"""Rooms that are made up: what is one place, and what is two."""

import numpy as np
import pytest

from timbre.audit.dataset.environments import Limits, Parts, distance_db, group, level_removed, mean_spectrum
from timbre.audit.meters.sketch import THIRDS_HZ

LIMITS = Limits(ltas_db=8.0, noise_db=10.0, decay_ratio=2.0)
BANDS = len(THIRDS_HZ)
OCTAVES = np.log2(THIRDS_HZ / 1000.0)


def takes(rng, count, room_db=0.0, noise_db=None, decay_seconds=np.nan, music_db=3.0):
    """Spectra of takes in a room: music that differs from take to take, in octaves rather than bands."""
    music = np.stack(
        [np.interp(OCTAVES, np.arange(-4.0, 4.0), music_db * rng.standard_normal(8)) for _ in range(count)]
    )
    spectra = -40.0 - 4.0 * OCTAVES + music + room_db + rng.uniform(-9.0, 9.0, (count, 1))
    noise = np.full((count, BANDS), np.nan)
    if noise_db is not None:
        noise = -90.0 + noise_db + 0.5 * rng.standard_normal((count, BANDS))
    decay = decay_seconds * np.exp(0.2 * rng.standard_normal(count))
    return np.full(count, 25.0), level_removed(spectra), level_removed(noise), decay


def together(*rooms):
    seconds, ltas, noise, decay = (np.concatenate(each) for each in zip(*rooms, strict=True))
    return Parts(np.arange(len(seconds)), seconds, ltas, noise, decay)


def is_split(groups, first):
    """Whether groups are these two: the first so many, and the rest."""
    return groups.max() == 1 and len(set(groups[:first])) == len(set(groups[first:])) == 1


FLAT, RUMBLE, HISS = np.zeros(BANDS), -6.0 * OCTAVES, 6.0 * OCTAVES
ROOMS = {
    "noise alone": ({"noise_db": RUMBLE}, {"noise_db": HISS}),
    "spectrum and noise": ({"noise_db": FLAT}, {"noise_db": -2.5 * OCTAVES, "room_db": 5.0 * OCTAVES}),
    "spectrum and decay": ({"decay_seconds": 0.3}, {"decay_seconds": 1.5, "room_db": 4.0 * OCTAVES}),
    "spectrum alone": ({}, {"room_db": 6.0 * OCTAVES}),
}


@pytest.mark.parametrize("rooms", ROOMS.values(), ids=ROOMS)
def test_two_rooms(rooms):
    right = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        music_db = 2.0 if "noise_db" not in rooms[0] else 3.0
        parts = together(takes(rng, 8, music_db=music_db, **rooms[0]), takes(rng, 6, music_db=music_db, **rooms[1]))
        right += is_split(group(parts, LIMITS), 8)
    assert right >= 19


@pytest.mark.parametrize(
    "known", [{}, {"noise_db": FLAT}, {"decay_seconds": 0.4}, {"noise_db": RUMBLE, "decay_seconds": 1.0}]
)
@pytest.mark.parametrize("music_db", [2.0, 5.0, 10.0])
def test_one_room_is_not_split(known, music_db):
    split = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        split += group(together(takes(rng, 12, music_db=music_db, **known)), LIMITS).max() > 0
    assert split <= 1


def test_loud_and_plucked_takes_in_one_room():
    rng = np.random.default_rng(0)
    bowed, plucked = takes(rng, 8, noise_db=RUMBLE), takes(rng, 8, noise_db=RUMBLE, room_db=6.0 * OCTAVES)
    assert group(together(bowed, plucked), LIMITS).max() == 0


def test_a_single_take_is_no_place():
    rng = np.random.default_rng(0)
    assert group(together(takes(rng, 12, noise_db=RUMBLE), takes(rng, 1, noise_db=HISS)), LIMITS).max() == 0
    assert group(together(takes(rng, 1)), LIMITS).tolist() == [0]
    assert group(together(takes(rng, 1)).of(np.zeros(0, int)), LIMITS).tolist() == []


def test_takes_without_pauses_go_where_they_sound_like():
    rng = np.random.default_rng(0)
    rooms = [{"noise_db": RUMBLE}, {"noise_db": HISS, "room_db": 5.0 * OCTAVES}]
    measured = [takes(rng, 6, music_db=1.0, **room) for room in rooms]
    legato = [takes(rng, 3, music_db=1.0, room_db=room.get("room_db", 0.0)) for room in rooms]
    groups = group(together(measured[0], legato[0], measured[1], legato[1]), LIMITS)
    assert is_split(groups, 9)


def test_three_rooms():
    rng = np.random.default_rng(0)
    groups = group(together(*(takes(rng, 6, noise_db=noise) for noise in (FLAT, RUMBLE, HISS))), LIMITS)
    assert sorted(np.bincount(groups)) == [6, 6, 6]


def test_distances():
    one = np.array([0.0, 3.0, np.nan, -3.0])
    assert distance_db(one, one + 7.0) == 0.0
    assert distance_db(one, np.array([1.0, 3.0, 5.0, -4.0])) == pytest.approx(np.std([-1.0, 0.0, 1.0]))
    assert np.isnan(distance_db(one, np.full(4, np.nan)))
    mean = mean_spectrum(np.stack([one, one + 4.0]), np.array([3.0, 1.0]))
    assert np.allclose(mean, one + 1.0, equal_nan=True)
    empty = level_removed(np.array([[-20.0, -30.0, -120.0]]))
    assert np.allclose(empty, [[5.0, -5.0, np.nan]], equal_nan=True)
