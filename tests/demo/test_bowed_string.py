import numpy as np
import pytest

from timbre.demo.bowed_string import SAMPLE_RATE_HZ, StringControls, bow_strings

POSITION = 0.125
VELOCITY = 0.15


def steady(f0_hz: float, pressure: float = 0.8, points: int = 701) -> StringControls:
    rise = np.minimum(1, np.arange(points) / 30)
    return StringControls(
        f0_hz=np.full(points, f0_hz),
        bow_velocity=VELOCITY * rise,
        bow_force=pressure * VELOCITY / POSITION * rise,
        bow_position=np.full(points, POSITION),
        ring_seconds=np.full(points, 1.2),
    )


def seeds(count: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(5).spawn(count)


def settled(wave: np.ndarray) -> np.ndarray:
    return wave[-SAMPLE_RATE_HZ // 5 :]


@pytest.fixture(scope="module")
def chromatic():
    """Every third semitone over the range, at the force the score asks for there."""
    f0s_hz = 196 * 2 ** (np.arange(0, 35, 3) / 12)
    pressures = 0.85 - 0.2 * np.clip(np.log2(f0s_hz / 196) / 2, 0, 1)
    strings = [steady(f0_hz, pressure) for f0_hz, pressure in zip(f0s_hz, pressures, strict=True)]
    return f0s_hz, bow_strings(strings, seeds(len(strings)))


def test_sounds_at_the_asked_pitch(chromatic, measure_f0_hz):
    errors = [1200 * np.log2(measure_f0_hz(settled(wave)) / f0_hz) for f0_hz, wave in zip(*chromatic, strict=True)]
    assert np.max(np.abs(errors)) < 5


def test_slips_once_per_period(chromatic):
    """In Helmholtz motion the wave is a sawtooth with a first partial of velocity / (pi * position)."""
    for f0_hz, wave in zip(*chromatic, strict=True):
        part = settled(wave)
        window = np.hanning(len(part))
        turning = np.exp(-2j * np.pi * f0_hz * np.arange(len(part)) / SAMPLE_RATE_HZ)
        first_partial = 2 * np.abs(np.sum(part * window * turning)) / window.sum()
        assert first_partial == pytest.approx(VELOCITY / (np.pi * POSITION), rel=0.1), f0_hz


def test_force_brightens():
    waves = bow_strings([steady(440.0, pressure) for pressure in (0.55, 0.75, 1.0)], seeds(3))
    shares = []
    for wave in waves:
        power = np.abs(np.fft.rfft(settled(wave) * np.hanning(len(settled(wave))))) ** 2
        frequencies_hz = np.fft.rfftfreq(len(settled(wave)), 1 / SAMPLE_RATE_HZ)
        shares.append(power[frequencies_hz > 3000].sum() / power.sum())
    assert shares == sorted(shares)
    assert shares[-1] > 1.25 * shares[0]


def test_neighbours_have_no_influence():
    short, long = steady(300.0, points=101), steady(700.0, points=201)
    first, second = seeds(2)
    together = bow_strings([long, short], [second, first])
    assert np.array_equal(bow_strings([short], [first])[0], together[1])
    assert np.array_equal(bow_strings([long], [second])[0], together[0])


def test_rests_when_the_bow_does_not_touch():
    string = steady(300.0, pressure=0.0, points=51)
    assert np.max(np.abs(bow_strings([string], seeds(1))[0])) < 1e-12


def test_rings_down_in_the_given_time():
    string = steady(400.0, points=801)
    string.bow_force[400:] = 0.0
    string.ring_seconds[:] = 0.4
    wave = bow_strings([string], seeds(1))[0]
    first, second = (np.std(wave[round(at * SAMPLE_RATE_HZ) :][:2400]) for at in (0.45, 0.65))
    assert 20 * np.log10(first / second) == pytest.approx(60 * 0.2 / 0.4, abs=8)
