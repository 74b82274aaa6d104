import numpy as np
import pyloudnorm

RATE_HZ = 48_000
HOP = RATE_HZ // 100


def levels_db(audio: np.ndarray) -> np.ndarray:
    frames = audio[: len(audio) // HOP * HOP].reshape(-1, HOP)
    return 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)


def test_truth_is_what_sounds(clean_takes, f0_errors_cents):
    errors = np.concatenate([f0_errors_cents(audio, f0_hz) for audio, f0_hz in clean_takes])
    assert len(errors) > 500
    assert abs(np.median(errors)) < 2
    assert np.median(np.abs(errors)) < 5
    assert np.mean(np.abs(errors) < 15) > 0.97
    assert np.mean(np.abs(errors) < 50) > 0.99


def test_truth_starts_and_stops_with_the_sound(clean_takes):
    for audio, f0_hz in clean_takes:
        assert len(f0_hz) == len(audio) // HOP + 1
        loud = levels_db(audio) > -50
        sounding = f0_hz[:-1] > 0
        # Frame k of the level lies half a hop later than point k of the truth.
        assert np.mean(loud == sounding) > 0.95
        onsets = np.flatnonzero(np.diff(sounding.astype(int)) == 1)
        assert len(onsets) >= 1
        for onset in onsets:
            assert np.any(np.abs(np.flatnonzero(np.diff(loud.astype(int)) == 1) - onset) <= 4)


def test_levels_are_musical(clean_takes):
    for audio, f0_hz in clean_takes:
        assert -26 < pyloudnorm.Meter(RATE_HZ).integrated_loudness(audio) < -14
        assert np.max(np.abs(audio)) < 10 ** (-1 / 20)
        # Away from the edges of phrases, where the string still rings.
        rest = np.convolve(f0_hz > 0, np.ones(21), "same")[:-1] == 0
        assert -84 < np.median(levels_db(audio)[rest]) < -76


def test_has_no_dead_notes(clean_takes):
    for audio, f0_hz in clean_takes:
        inside = np.convolve(f0_hz > 0, np.ones(9), "same")[:-1] == 9
        assert levels_db(audio)[inside].min() > -60


def test_reaches_beyond_12_khz(clean_takes):
    for audio, _ in clean_takes:
        power = np.abs(np.fft.rfft(audio)) ** 2
        frequencies_hz = np.fft.rfftfreq(len(audio), 1 / RATE_HZ)
        share_db = 10 * np.log10(power[frequencies_hz > 12_000].sum() / power.sum())
        assert -60 < share_db < -20
