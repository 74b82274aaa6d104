"""Pitch and loudness measures: known shifts and gains, silence and noise, and mir_eval's own figures."""

import mir_eval
import numpy as np
import pytest

from timbre.evaluation.metrics.tracks import (
    Tracks,
    f0_median_cents,
    f0_rca,
    f0_within_cents,
    loudness_l1_db,
    loudness_r,
    tracks_of,
    voicing_recall,
)


def shifted(tracks: Tracks, cents) -> Tracks:
    return Tracks(tracks.f0_hz * 2 ** (np.asarray(cents) / 1200), tracks.voiced, tracks.loudness_db)


@pytest.fixture(scope="module")
def sung(tone, extractor) -> Tracks:
    return tracks_of(tone(), extractor)


def test_a_sound_against_itself_is_perfect(sung):
    assert f0_within_cents(sung, sung, 50.0) == 1.0
    assert f0_rca(sung, sung, 50.0) == voicing_recall(sung, sung) == 1.0
    assert f0_median_cents(sung, sung) == 0.0
    assert loudness_l1_db(sung, sung) == 0.0
    assert loudness_r(sung, sung) == pytest.approx(1.0)


@pytest.mark.parametrize(("cents", "share"), [(30.0, 1.0), (-49.0, 1.0), (100.0, 0.0), (1200.0, 0.0)])
def test_a_known_shift_of_the_track(sung, cents, share):
    other = shifted(sung, cents)
    assert f0_within_cents(sung, other, 50.0) == share
    assert f0_rca(sung, other, 50.0) == (1.0 if cents == 1200.0 else share)
    assert f0_median_cents(sung, other) == pytest.approx(abs(cents))


@pytest.mark.parametrize(("cents", "share"), [(30.0, 1.0), (100.0, 0.0)])
def test_a_known_shift_of_the_sound(tone, extractor, cents, share):
    reference, output = (tracks_of(tone(f0), extractor) for f0 in (220.0, 220.0 * 2 ** (cents / 1200)))
    assert f0_median_cents(reference, output) == pytest.approx(cents, abs=1.5)
    assert f0_within_cents(reference, output, 50.0) == pytest.approx(share, abs=0.03)


def test_an_octave_counts_as_right_only_for_chroma(tone, extractor):
    reference, output = (tracks_of(tone(f0), extractor) for f0 in (220.0, 440.0))
    assert f0_rca(reference, output, 50.0) > 0.95
    assert f0_within_cents(reference, output, 50.0) < 0.05


def test_the_figures_are_those_of_mir_eval_from_hertz(sung):
    rng = np.random.default_rng(0)
    voiced = rng.random(len(sung.f0_hz)) < 0.8
    wander = rng.normal(scale=60.0, size=len(voiced)) + 1200.0 * (rng.random(len(voiced)) < 0.2)
    output = Tracks(shifted(sung, wander).f0_hz, voiced, sung.loudness_db)
    times = np.arange(len(voiced)) * 0.008
    scores = mir_eval.melody.evaluate(times, sung.f0_hz * sung.voiced, times, output.f0_hz * voiced, hop=None)
    assert f0_within_cents(sung, output, 50.0) == pytest.approx(scores["Raw Pitch Accuracy"])
    assert f0_rca(sung, output, 50.0) == pytest.approx(scores["Raw Chroma Accuracy"])
    assert voicing_recall(sung, output) == pytest.approx(scores["Voicing Recall"])
    assert voicing_recall(sung, output) == pytest.approx(voiced[sung.melody].mean())


def test_an_unvoiced_output_has_no_pitch(sung):
    mute = Tracks(sung.f0_hz, np.zeros_like(sung.voiced), sung.loudness_db)
    assert f0_within_cents(sung, mute, 50.0) == voicing_recall(sung, mute) == 0.0
    assert f0_median_cents(sung, mute) is None


@pytest.mark.parametrize("sound", ["noise", "silence"])
def test_pitch_is_not_asked_for_where_there_is_none(noise, rate, extractor, sung, sound):
    audio = noise() if sound == "noise" else np.zeros(2 * rate, np.float32)
    reference = tracks_of(audio, extractor)
    assert f0_within_cents(reference, sung, 50.0) is None
    assert f0_rca(reference, sung, 50.0) is voicing_recall(reference, sung) is None
    assert f0_median_cents(reference, sung) is None
    assert reference.median_f0_hz is None


def test_a_known_gain_is_the_loudness_error(tone, extractor, sung):
    quieter = tracks_of((tone() * 10 ** (-6 / 20)).astype(np.float32), extractor)
    assert loudness_l1_db(sung, quieter) == pytest.approx(6.0, abs=1e-3)
    assert loudness_r(sung, quieter) == pytest.approx(1.0, abs=1e-4)


def test_loudness_that_goes_the_other_way_correlates_negatively(sung):
    other = Tracks(sung.f0_hz, sung.voiced, -60.0 - sung.loudness_db)
    assert loudness_r(sung, other) == pytest.approx(-1.0)


def test_loudness_of_silence_and_of_steady_sounds(rate, extractor, sung):
    silence = tracks_of(np.zeros(2 * rate, np.float32), extractor)
    assert loudness_l1_db(silence, sung) is None
    assert loudness_r(silence, sung) is None
    steady = Tracks(sung.f0_hz, sung.voiced, np.full_like(sung.loudness_db, -20.0))
    assert loudness_r(steady, sung) is None, "nothing to follow"
    assert loudness_r(sung, steady) == 0.0, "follows nothing"


def test_the_shortest_sound_has_no_frames_and_no_figures(extractor):
    empty = tracks_of(np.ones(5, np.float32), extractor)
    assert [f0_rca(empty, empty, 50.0), loudness_r(empty, empty), loudness_l1_db(empty, empty)] == [None] * 3
