"""Buzz and leaps made by hand."""

import numpy as np
import pytest

from timbre.evaluation.metrics.artefacts import buzz_db, can_buzz, leap_frames, unpitched_frames
from timbre.evaluation.metrics.tracks import Tracks, tracks_of

HOP, WINDOW = 128, 1024


def track(f0_hz, voiced=None, loudness_db: float = -20.0) -> Tracks:
    f0_hz = np.asarray(f0_hz, dtype=float)
    voiced = np.ones(len(f0_hz), bool) if voiced is None else np.asarray(voiced, bool)
    return Tracks(f0_hz, voiced, np.full(len(f0_hz), loudness_db))


def test_frames_without_pitch_keep_their_distance_from_the_voiced_ones():
    voiced = np.array([0, 0, 0, 1, 0, 0, 0, 0], bool)
    tracks = Tracks(np.full(8, 100.0), voiced, np.array([-20.0] * 7 + [-90.0]))
    assert unpitched_frames(tracks).tolist() == [True, True, False, False, False, True, True, False]
    assert not can_buzz(tracks)
    assert len(unpitched_frames(track([]))) == 0


@pytest.mark.parametrize("level_db", [-40.0, 0.0, 6.0])
def test_buzz_of_a_known_level(noise, rate, extractor, level_db):
    audio = noise()
    tracks = tracks_of(audio, extractor)
    buzz = np.sqrt(2) * 0.1 * np.sin(2 * np.pi * 110 * np.arange(len(audio)) / rate) * 10 ** (level_db / 20)
    assert buzz_db(audio, buzz, tracks, HOP, WINDOW) == pytest.approx(level_db, abs=0.1)
    assert buzz_db(audio, np.zeros_like(audio), tracks, HOP, WINDOW) == -120.0


def test_what_sounds_under_a_tone_is_no_buzz(tone, noise, rate, extractor):
    """A tone between two noises: harmonics count under the noises alone, to within a window of the tone."""
    audio = np.concatenate([noise(1.0), tone(seconds=1.0), noise(1.0)])
    tracks = tracks_of(audio, extractor)
    under_tone, under_noise = np.zeros_like(audio), np.zeros_like(audio)
    under_tone[rate + WINDOW : 2 * rate - WINDOW] = 1.0
    under_noise[: rate - WINDOW], under_noise[2 * rate + WINDOW :] = 0.01, 0.01
    assert buzz_db(audio, under_tone, tracks, HOP, WINDOW) == -120.0
    assert buzz_db(audio, under_noise, tracks, HOP, WINDOW) == pytest.approx(-20.0, abs=0.5)


def test_a_pitched_sound_and_silence_cannot_buzz(tone, rate, extractor):
    for audio in (tone()[rate // 2 : 3 * rate // 2], np.zeros(rate, np.float32), np.zeros(5, np.float32)):
        assert buzz_db(audio, audio, tracks_of(audio, extractor), HOP, WINDOW) is None


NOTE = np.full(60, 220.0)


def output(positions, octaves: float, octave: int = 0) -> Tracks:
    f0_hz = NOTE * 2.0**octave
    f0_hz[positions] *= 2.0**octaves
    return track(f0_hz)


@pytest.mark.parametrize("octave", [-1, 0, 2])
def test_a_leap_of_three_frames_at_a_start_in_any_octave(octave):
    assert leap_frames(track(NOTE), output([0, 1, 2], 1.5, octave)) == 3
    assert leap_frames(track(NOTE), output([], 0.0, octave)) == 0


@pytest.mark.parametrize(
    ("positions", "octaves", "frames"),
    [
        ([1, 2, 4, 5, 6], 1.2, 3),  # the longest run
        ([55, 56, 57, 58, 59], -1.2, 5),  # at the end, downwards
        ([5, 6, 7, 8, 9, 10], 1.2, 3),  # the first 8 frames alone
        ([30, 31, 32], 2.0, 0),  # in the middle of a note
        ([0, 1, 2], 0.9, 0),  # no more than an octave
    ],
)
def test_what_counts_as_a_leap(positions, octaves, frames):
    assert leap_frames(track(NOTE), output(positions, octaves)) == frames


def test_leaps_count_where_both_have_a_pitch_and_the_input_sounds():
    voiced = np.ones(60, bool)
    voiced[20:25] = False
    leaping = output([15, 16, 17, 21, 22, 25, 26], 1.5)
    assert leap_frames(track(NOTE, voiced), leaping) == 3
    mute = Tracks(leaping.f0_hz, np.zeros(60, bool), leaping.loudness_db)
    assert leap_frames(track(NOTE, voiced), mute) == 0
    breath = Tracks(NOTE, np.ones(60, bool), np.where(np.arange(60) < 5, -80.0, -20.0))
    assert leap_frames(breath, output([0, 1, 2, 3], 2.0)) == 0


def test_an_unpitched_input_has_no_leaps():
    assert leap_frames(track(NOTE, np.zeros(60)), track(NOTE)) is None
    assert leap_frames(track([]), track([])) is None
