"""Levels of partials against tones whose partials are known."""

import numpy as np
import pytest

from timbre.evaluation.metrics.harmonics import harmonic_amplitudes, harmonics_l1_db
from timbre.evaluation.metrics.tracks import tracks_of


def partials(rate: int, f0_hz, gains_db, seconds: float = 1.5) -> np.ndarray:
    """Partials at multiples of f0 in Hz, a number or a track, [samples]."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(f0_hz, round(seconds * rate))) / rate
    tones = [10 ** (gain / 20) * np.sin(n * phase + n) for n, gain in enumerate(gains_db, start=1)]
    return (0.1 * sum(tones)).astype(np.float32)


def vibrato(rate: int, f0_hz: float, cents: float = 30.0, seconds: float = 1.5) -> np.ndarray:
    return f0_hz * 2 ** (cents / 1200 * np.sin(2 * np.pi * 5.0 * np.arange(round(seconds * rate)) / rate))


@pytest.fixture
def distance(extractor, rate):
    def measured(reference, output) -> float | None:
        tracks = tracks_of(reference, extractor)
        outputs = np.stack([reference, output])
        same, found = harmonics_l1_db(reference, outputs, tracks, rate, extractor.hop, extractor.window)
        assert same == (None if found is None else 0.0), "outputs are measured apart"
        return found

    return measured


@pytest.mark.parametrize("f0_hz", [73.0, 220.0, 931.0])
def test_amplitudes_of_known_partials(rate, f0_hz):
    gains_db = [0.0, -20.0, -3.0, -29.0, -10.0, -7.0][: int(rate / 2 / f0_hz - 0.5)]
    audio = partials(rate, f0_hz, gains_db).astype(float)
    found = harmonic_amplitudes(np.stack([audio, 0.5 * audio]), 9000.5, f0_hz, rate)
    assert found[0, : len(gains_db)] == pytest.approx(0.1 * 10 ** (np.array(gains_db) / 20), rel=0.02, abs=2e-4)
    assert found[1] == pytest.approx(found[0] / 2)
    assert found[0, len(gains_db) :].max(initial=0.0) < 3e-3
    assert found.shape[1] == int(rate / 2 / f0_hz - 0.5)


def test_a_window_beyond_the_sound_measures_nothing(rate):
    audio = np.ones((1, 1000))
    assert harmonic_amplitudes(audio, 100.0, 100.0, rate) is None
    assert harmonic_amplitudes(audio, 900.0, 100.0, rate) is None
    assert harmonic_amplitudes(audio, 500.0, 100.0, rate).shape == (1, 79)


@pytest.mark.parametrize("f0_hz", [110.0, 440.0])
@pytest.mark.parametrize("gain_db", [-12.0, 0.0, 5.0])
def test_a_gain_is_its_own_distance(rate, distance, f0_hz, gain_db):
    audio = partials(rate, f0_hz, [0, -6, -9, -12])
    assert distance(audio, audio * np.float32(10 ** (gain_db / 20))) == pytest.approx(abs(gain_db), abs=1e-3)


@pytest.mark.parametrize("f0_hz", [110.0, 440.0, 770.0])
@pytest.mark.parametrize("moving", [False, True])
def test_one_partial_of_six_changed_by_6_db(rate, distance, f0_hz, moving):
    gains_db = np.array([0, -4, -8, -12, -15, -18], dtype=float)
    track = vibrato(rate, f0_hz) if moving else f0_hz
    reference = partials(rate, track, gains_db)
    output = partials(rate, track, gains_db + np.array([0, 0, 6, 0, 0, 0]))
    assert distance(reference, output) == pytest.approx(1.0, abs=0.02)


def test_partials_under_30_db_are_not_asked_for_and_a_missing_one_counts_to_the_floor(rate, distance):
    reference = partials(rate, 300.0, [0, -6, -40])
    assert distance(reference, partials(rate, 300.0, [0, -6, -34])) == pytest.approx(0.0, abs=0.02)
    lacking = partials(rate, 300.0, [0, -200, -40])
    assert distance(reference, lacking) == pytest.approx((60 - 6) / 2, abs=0.5)
    assert distance(reference, np.zeros_like(reference)) == pytest.approx((60 + 54) / 2, abs=0.1)


def test_frames_lie_where_the_sound_is(rate, distance):
    """A swell of 20 dB a second is heard in both at the same place: shifted by 50 ms it differs by 1 dB."""
    audio = partials(rate, 220.0, [0, -6, -12])
    swell = 10 ** (np.arange(len(audio)) / rate)
    late = partials(rate, 220.0, [0, -6, -12]) * 10 ** (np.arange(len(audio)) / rate - 0.05)
    assert distance(0.1 * audio * swell, 0.1 * late) == pytest.approx(1.0, abs=0.01)


def test_the_pitch_is_taken_from_the_middle_of_its_window(rate, extractor):
    """On a glide every partial is found at full level only if the track's frames stand at their windows' middles."""
    f0_hz = 200.0 * 2 ** (np.arange(round(1.5 * rate)) / rate)
    audio = partials(rate, f0_hz, [0.0] * 10)
    tracks = tracks_of(audio, extractor)
    flat = [
        harmonic_amplitudes(audio[None].astype(float), (frame + 1) * 128 - 512 + late, tracks.f0_hz[frame], rate)[0, 9]
        for late in (0, 512)
        for frame in range(40, 140, 10)
    ]
    assert np.mean(flat[:10]) == pytest.approx(0.1, rel=0.02)
    assert np.mean(flat[10:]) < 0.095


@pytest.mark.parametrize("sound", ["noise", "silence"])
def test_unpitched_sounds_have_no_harmonics(noise, rate, distance, sound):
    audio = noise() if sound == "noise" else np.zeros(2 * rate, np.float32)
    assert distance(audio, audio) is None
