import itertools

import numpy as np
import pytest

from timbre.demo.score import HIGHEST_MIDI, LOWEST_MIDI, POINTS_PER_SECOND, STYLES, improvise, play_phrase


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(5))
def test_notes_fill_the_phrase_within_the_range(style, seed):
    notes = improvise(np.random.default_rng(seed), style, 72.0, 3300)
    assert notes[0].start == 0 and notes[-1].stop == 3300
    assert all(before.stop == after.start for before, after in itertools.pairwise(notes))
    assert all(LOWEST_MIDI <= note.midi <= HIGHEST_MIDI for note in notes)
    assert all(note.slide < note.stop - note.start for note in notes)
    assert min(note.stop - note.start for note in notes) >= 1000 * style.note_seconds[0] - 1
    assert not notes[0].slurred


@pytest.mark.parametrize("centre_midi", (LOWEST_MIDI, 72.0, HIGHEST_MIDI))
def test_curves_are_playable(centre_midi):
    controls = play_phrase(np.random.default_rng(1), STYLES[0], centre_midi, 3.0)
    assert len(controls.f0_hz) == 3 * POINTS_PER_SECOND + 1
    for curve in vars(controls).values():
        assert curve.shape == controls.f0_hz.shape and np.all(np.isfinite(curve))
    lowest, highest = (440 * 2 ** ((midi - 69) / 12) for midi in (LOWEST_MIDI - 0.5, HIGHEST_MIDI + 0.5))
    assert lowest < controls.f0_hz.min() and controls.f0_hz.max() < highest
    assert np.all(controls.bow_force >= 0)
    assert controls.bow_velocity[0] == 0 and controls.bow_velocity[-1] == 0


def test_phrases_of_one_seed_are_equal_and_of_two_are_not():
    first, again, other = (play_phrase(np.random.default_rng(seed), STYLES[1], 70.0, 2.0) for seed in (1, 1, 2))
    assert np.array_equal(first.f0_hz, again.f0_hz) and np.array_equal(first.bow_force, again.bow_force)
    assert not np.array_equal(first.f0_hz, other.f0_hz)


def test_vibrato_and_slides_are_there():
    controls = play_phrase(np.random.default_rng(4), STYLES[3], 72.0, 4.0)
    cents = 1200 * np.log2(controls.f0_hz)
    steps = np.abs(np.diff(cents))
    assert np.mean((steps > 0.3) & (steps < 30)) > 0.2
