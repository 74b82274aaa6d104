import numpy as np
import pandas as pd
import pyloudnorm
import pytest
import soundfile

from timbre.demo.corpus import make_inputs

RATE_HZ = 48_000
PITCHED_RANGES_HZ = {"flute": (190, 1430), "voice": (200, 500), "glide": (200, 1200)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    make_inputs(folder / "inputs", folder / "truth", seed=3)
    audio = {path.stem: soundfile.read(path)[0] for path in (folder / "inputs").iterdir()}
    truth = {path.stem: pd.read_csv(path).f0_hz.to_numpy() for path in (folder / "truth").iterdir()}
    return audio, truth


def test_the_set_is_complete(made):
    audio, truth = made
    assert set(audio) == {"flute", "voice", "glide", "drums", "sweep", "silence"}
    assert set(truth) == {"flute", "voice", "glide", "sweep"}
    assert all(sound.ndim == 1 for sound in audio.values())
    assert all(8 <= len(sound) / RATE_HZ <= 12 for name, sound in audio.items() if name != "silence")


@pytest.mark.parametrize("name", PITCHED_RANGES_HZ)
def test_pitched_inputs_have_the_true_pitch(made, name, f0_errors_cents):
    audio, truth = made[0][name], made[1][name]
    errors = f0_errors_cents(audio, truth)
    assert abs(np.median(errors)) < 2
    assert np.mean(np.abs(errors) < 20) > 0.97
    low, high = PITCHED_RANGES_HZ[name]
    assert low < truth[truth > 0].min() and truth.max() < high


def test_glide_covers_two_and_a_half_octaves_without_a_step(made):
    f0_hz = made[1]["glide"][made[1]["glide"] > 0]
    assert np.log2(f0_hz.max() / f0_hz.min()) == pytest.approx(2.5, abs=0.02)
    assert np.max(np.abs(np.diff(np.log2(f0_hz)))) < 0.02


def test_sweep_is_logarithmic(made):
    f0_hz = made[1]["sweep"][1:-2]
    assert f0_hz[0] == pytest.approx(50, rel=0.02) and f0_hz[-1] == pytest.approx(5000, rel=0.02)
    octaves = np.diff(np.log2(f0_hz))
    assert octaves == pytest.approx(np.full(len(octaves), octaves.mean()), abs=1e-3)


def test_levels(made):
    for name, audio in made[0].items():
        if name == "silence":
            assert not np.any(audio) and len(audio) == 4 * RATE_HZ
            continue
        assert np.max(np.abs(audio)) < 10 ** (-1 / 20)
        assert -24 < pyloudnorm.Meter(RATE_HZ).integrated_loudness(audio) < -19
