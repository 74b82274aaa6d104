"""What the tests of several rooms share: a tiny configuration, its network, recordings and cache, and rulers."""

import copy
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.presets import RAVE

# What is started in the background ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
RATE = 16000
HOP = 128
FEATURES = {
    "hop_samples": HOP,
    "window_samples": 1024,
    "f0_method": "yin",
    "f0_min_hz": 60.0,
    "f0_max_hz": 2000.0,
    "voiced_on": 0.8,
    "voiced_off": 0.6,
}
TINY = {
    "hidden": 16,
    "layers": 1,
    "harmonics": 11,
    "noise_bands": 17,
    "reverb_seconds": 0.0,
    "loudness_skip": True,
    "aligned": True,
    "fft_seconds": 0.128,
    "narrow_bands": 32,
    "steps": 6,
    "batch": 2,
    "crop_seconds": 0.2,
    "learning_rate": 0.002,
}


def _tone(f0_hz: float, seconds: float, rate: int = RATE, level: float = 0.1, harmonics: int = 8) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    partials = (np.sin(2 * np.pi * n * f0_hz * time) / n for n in range(1, harmonics + 1) if n * f0_hz < 0.45 * rate)
    return (level * sum(partials)).astype(np.float32)


def _snr_db(wanted, got) -> float:
    wanted, got = np.asarray(wanted, dtype=np.float64), np.asarray(got, dtype=np.float64)
    assert wanted.shape == got.shape
    error = np.square(wanted - got).sum()
    return np.inf if error == 0 else 10 * np.log10(np.square(wanted).sum() / error)


def _blocks(total: int, seed: int, unit: int = 1, most: int = 9) -> list[int]:
    draw, sizes = np.random.default_rng(seed), []
    while sum(sizes) < total:
        sizes.append(min(total - sum(sizes), unit * int(draw.integers(1, most + 1))))
    return sizes


def _raw_params() -> dict:
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["data"]["sample_rate"] = RATE
    raw["features"] = copy.deepcopy(FEATURES)
    raw["slice"] |= {"seconds": 0.25, "validation_share": 0.2, "test_share": 0.2}
    raw["train"] |= {"validate_every_steps": 3, "log_every_steps": 2}
    raw["export"] |= {"targets": ["torchscript"], "check_blocks_samples": [64, 500]}
    raw["sizes"]["tiny"]["ddsp"] = copy.deepcopy(TINY)
    raw["sizes"]["tiny"]["rave"] = copy.deepcopy(RAVE)
    return raw


# Test folders are no packages, so what tests call comes to them as fixtures.
@pytest.fixture(scope="session")
def harmonic_tone():
    """Tone of 1 / n partials, [samples] float32."""
    return _tone


@pytest.fixture(scope="session")
def snr_db():
    """Power of a signal over that of another's difference from it, dB."""
    return _snr_db


@pytest.fixture(scope="session")
def random_blocks():
    """Block sizes by chance that add up to a total."""
    return _blocks


@pytest.fixture(scope="session")
def make_raw_params():
    """What makes `raw_params`, for fixtures that outlive a test."""
    return _raw_params


@pytest.fixture
def raw_params() -> dict:
    """The project's params.yaml at 16 kHz with a network that trains in a second, as a dictionary to change."""
    return _raw_params()


@pytest.fixture
def params(raw_params):
    """`raw_params`, checked."""
    from timbre.params import parse

    return parse(raw_params)


@pytest.fixture(scope="session")
def tiny_features() -> dict:
    """The feature configuration of `params`."""
    from timbre.features.extractor import feature_config

    return feature_config(RATE, FEATURES)


@pytest.fixture(scope="session")
def tiny_manifest(tiny_features) -> dict:
    """What a configuration takes of a cache: features, channels, and statistics of recordings about 300 Hz."""
    loudness_db = [-45.0, -30.0, -24.0, -20.0, -16.0]
    statistics = {"voiced_share": 0.9, "f0_hz": [150.0, 220.0, 300.0, 400.0, 600.0], "loudness_db": loudness_db}
    return {"features": tiny_features, "channels": 1, "statistics": statistics}


@pytest.fixture(scope="session")
def tiny_config(tiny_manifest):
    """Configuration of an untrained network; keywords change its preset."""
    from timbre import models

    def make(seed: int = 0, features: dict = tiny_manifest["features"], **changes) -> dict:
        return models.describe("ddsp", TINY | changes, tiny_manifest | {"features": features}, seed)

    return make


@pytest.fixture(scope="session")
def tiny_network(tiny_config):
    """An untrained network in evaluation mode; keywords as `tiny_config`."""
    from timbre import models

    return lambda **changes: models.build(tiny_config(**changes)).eval()


@pytest.fixture(scope="session")
def band_config(tiny_manifest):
    """Configuration of an untrained network of noise bands; keywords change its preset."""
    from timbre import models

    preset = {"hidden": 16, "layers": 1, "narrow_bands": 32}

    def make(seed: int = 0, features: dict = tiny_manifest["features"], **changes) -> dict:
        return models.describe(
            "ddsp", preset | changes, tiny_manifest | {"features": features}, seed, synth="noise_bands"
        )

    return make


@pytest.fixture(scope="session")
def band_network(band_config):
    """An untrained network in evaluation mode; keywords as `band_config`."""
    from timbre import models

    return lambda **changes: models.build(band_config(**changes)).eval()


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> Path:
    """Normalised recordings: some seconds of tones, one of 20 ms, one of exactly four slices, one of silence."""
    import soundfile

    folder = tmp_path_factory.mktemp("normalized")
    noise = np.random.default_rng(0)
    tones = {"a.flac": (220.0, 1.7), "b/c.flac": (330.0, 1.3), "b/d.flac": (147.0, 1.1), "e.flac": (440.0, 0.02)}
    sounds = {name: _tone(*how) * np.float32(1 + noise.uniform()) for name, how in tones.items()}
    # 0.25 s at 16 kHz in frames of 128 samples: a slice is 31 frames.
    sounds["f.flac"] = _tone(262.0, 4 * 31 * HOP / RATE)
    sounds["g.flac"] = np.zeros(9000, dtype=np.float32)
    for name, audio in sounds.items():
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, audio, RATE, subtype="PCM_24")
    return folder


def _cache(source: Path, folder: Path, raw: dict) -> Path:
    from timbre.cache.build import build_cache
    from timbre.params import parse

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIMBRE_JOBS", "1")
        build_cache(parse(raw), source, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_cache(recordings, tmp_path_factory) -> Path:
    """The cache of `recordings`. Read it only."""
    return _cache(recordings, tmp_path_factory.mktemp("data") / "cache", _raw_params())


@pytest.fixture(scope="session")
def stereo_recordings(recordings, tmp_path_factory) -> Path:
    """`recordings` in the left channel, the same at half the level and a little later in the right one."""
    import soundfile

    folder = tmp_path_factory.mktemp("stereo")
    for path in sorted(recordings.rglob("*.flac")):
        left = soundfile.read(path, dtype="float32")[0]
        target = folder / path.relative_to(recordings)
        target.parent.mkdir(exist_ok=True)
        soundfile.write(target, np.stack([left, 0.5 * np.roll(left, 7)], axis=1), RATE, subtype="PCM_24")
    return folder


@pytest.fixture(scope="session")
def stereo_cache(stereo_recordings, tmp_path_factory) -> Path:
    """The cache of `stereo_recordings`. Read it only."""
    raw = _raw_params() | {"model": "rave"}
    raw["data"]["channels"] = 2
    return _cache(stereo_recordings, tmp_path_factory.mktemp("data") / "cache", raw)


@pytest.fixture(scope="session")
def rave_preset():
    """A small RAVE preset; keywords change it."""
    return lambda **changes: RAVE | changes


@pytest.fixture(scope="session")
def rave_config(tiny_manifest):
    """Configuration of an untrained RAVE network; keywords change its preset."""
    from timbre import models

    def make(seed: int = 0, channels: int = 1, **changes) -> dict:
        return models.describe("rave", RAVE | changes, tiny_manifest | {"channels": channels}, seed)

    return make


@pytest.fixture(scope="session")
def rave_network(rave_config):
    """An untrained RAVE network in evaluation mode, loud enough to be heard; keywords as `rave_config`."""
    from timbre import models

    def make(**changes):
        network = models.build(rave_config(**changes)).eval()
        network.decoder.waveform.weighted.magnitude.data *= 30.0
        return network

    return make
