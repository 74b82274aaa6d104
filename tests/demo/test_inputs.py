import numpy as np
import pandas as pd
import pyloudnorm
import pytest
import scipy.signal
import soundfile

from timbre.demo.corpus import make_inputs

RATE_HZ = 48_000
PITCHED_RANGES_HZ = {"flute": (190, 1430), "voice": (200, 500), "glide": (200, 1200), "speech": (89, 161)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    make_inputs(folder / "inputs", folder / "truth", seed=3)
    audio = {path.stem: soundfile.read(path)[0] for path in (folder / "inputs").iterdir()}
    truth = {path.stem: pd.read_csv(path).f0_hz.to_numpy() for path in (folder / "truth").iterdir()}
    return audio, truth


def test_the_set_is_complete(made):
    audio, truth = made
    assert set(audio) == {"flute", "voice", "glide", "drums", "sweep", "silence", "noise", "speech"}
    assert set(truth) == {"flute", "voice", "glide", "sweep", "speech"}
    assert all(sound.ndim == 1 for sound in audio.values())
    assert all(8 <= len(sound) / RATE_HZ <= 12 for name, sound in audio.items() if name != "silence")


@pytest.mark.parametrize("name", PITCHED_RANGES_HZ)
def test_pitched_inputs_have_the_true_pitch(made, name, f0_errors_cents):
    audio, truth = made[0][name], made[1][name]
    errors = f0_errors_cents(audio, truth, lowest_hz=85.0 if name == "speech" else 150.0)
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


def test_noise_is_white_swells_and_stops(made):
    audio = made[0]["noise"]
    level_db = [10 * np.log10(np.mean(audio[at - 2400 : at] ** 2)) for at in np.arange(1, 70) * RATE_HZ // 10]
    assert np.argmax(level_db[:40]) == pytest.approx(24, abs=1) and level_db[69 - 1] - min(level_db[30:60]) > 30
    assert not np.any(audio[7 * RATE_HZ :])
    density = scipy.signal.welch(audio, RATE_HZ, nperseg=1024)[1]
    assert np.std(10 * np.log10(density[5:-5])) < 1.0


def test_speech_has_falling_sentences_hisses_and_pauses(made):
    audio, f0_hz = made[0]["speech"], made[1]["speech"]
    hop = RATE_HZ // 100
    f0_hz = f0_hz[: len(audio) // hop]
    frames = audio[: len(f0_hz) * hop].reshape(-1, hop)
    power = np.mean(frames**2, axis=1)
    quiet = power < 1e-9
    pauses = np.flatnonzero(np.diff(np.flatnonzero(~quiet)) > 50)
    assert len(pauses) == 2, "three sentences"
    for piece in np.split(np.flatnonzero(~quiet), pauses + 1):
        pitch = f0_hz[piece][f0_hz[piece] > 0]
        assert pitch[:5].mean() > 140 > 105 > pitch[-5:].mean()
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(hop), axis=1)) ** 2
    high = spectrum[:, 30:].sum(axis=1) / np.maximum(spectrum.sum(axis=1), 1e-20)
    unvoiced = (f0_hz == 0) & (power > 1e-6)
    assert unvoiced.sum() > 50, "half a second of consonants"
    assert np.median(high[unvoiced]) > 0.5 > 0.1 > np.median(high[f0_hz > 0])


def test_levels(made):
    for name, audio in made[0].items():
        if name == "silence":
            assert not np.any(audio) and len(audio) == 4 * RATE_HZ
            continue
        assert np.max(np.abs(audio)) < 10 ** (-1 / 20)
        assert -24 < pyloudnorm.Meter(RATE_HZ).integrated_loudness(audio) < -19
