"""Whole octaves towards the recordings' pitch."""

import numpy as np
import pytest
import torch

from timbre.models.ddsp.octave_match import OctaveMatch

FPS = 100.0
RANGE_HZ = [110.0, 220.0, 440.0]


def octaves(f0_hz: np.ndarray, voiced: np.ndarray | None = None, target_hz: list | None = RANGE_HZ) -> np.ndarray:
    match = OctaveMatch(target_hz, FPS)
    f0, on = torch.tensor(f0_hz).float()[None], torch.tensor(np.ones(len(f0_hz)) if voiced is None else voiced)
    return match.step(f0, on.float()[None], match.initial_state(1))[0][0].numpy()


NOTES = [(220.0, 0), (120.0, 0), (440.0, 0), (600.0, 0), (1000.0, -1), (80.0, 0), (70.0, 1), (60.0, 1), (30.0, 2)]


@pytest.mark.parametrize(("f0_hz", "wanted"), NOTES)
def test_a_note_far_outside_the_range_of_the_recordings_comes_to_it(f0_hz, wanted):
    assert (octaves(np.full(50, f0_hz)) == wanted).all()


def test_another_register_is_followed_once_it_is_the_rule():
    f0_hz = np.concatenate([np.full(100, 220.0), np.full(12000, 1760.0)])
    got = octaves(f0_hz)
    assert (got[:110] == 0).all()
    assert got[-1] in (-1, -2) and len(np.unique(got)) <= 3


def test_a_melody_about_the_border_does_not_leap_about():
    draw = np.random.default_rng(0)
    notes = np.repeat(440.0 * 2 ** (0.5 + draw.normal(0, 0.15, 60)), 30)
    voiced = np.tile(np.r_[np.ones(27), np.zeros(3)], 60)
    assert len(np.unique(octaves(notes, voiced)[20:])) == 1


def test_a_wrong_first_pitch_is_put_right_soon():
    f0_hz = np.concatenate([[1900.0], np.full(60, 230.0)])
    assert (octaves(f0_hz)[12:] == 0).all()


def test_unvoiced_frames_count_for_nothing():
    assert (octaves(np.full(40, 1760.0), np.zeros(40)) == 0).all()


def test_any_blocks_equal_the_whole(random_blocks):
    draw, match = np.random.default_rng(1), OctaveMatch(RANGE_HZ, FPS)
    f0 = torch.tensor(220.0 * 2 ** draw.normal(1, 1.2, 300)).float()[None]
    voiced = torch.tensor(draw.uniform(size=300) > 0.3).float()[None]
    whole, _ = match.step(f0, voiced, match.initial_state(1))
    state, pieces, at = match.initial_state(1), [], 0
    for size in random_blocks(300, 0):
        y, state = match.step(f0[:, at : at + size], voiced[:, at : at + size], state)
        pieces.append(y)
        at += size
    assert torch.equal(whole, torch.cat(pieces, dim=1))


def test_without_a_known_pitch_nothing_moves():
    assert (octaves(np.full(40, 1760.0), target_hz=None) == 0).all()
