"""Sounds and exported models that the tests of the evaluation share."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from support.exported import write_export
from support.played import RATE, DelayLine, Knobs

from timbre.features.extractor import extractor_of, feature_config
from timbre.params import Params, parse

FEATURES = {
    "hop_samples": 128,
    "window_samples": 1024,
    "f0_method": "yin",
    "f0_min_hz": 60.0,
    "f0_max_hz": 2000.0,
    "voiced_on": 0.8,
    "voiced_off": 0.6,
}


KNOBS = [
    {"name": "input_gain_db", "least": -24.0, "most": 24.0, "default": 6.0, "neutral": 0.0, "unit": "dB",
     "meaning": "gain of the input", "knob": [-20.0, 20.0]},
    {"name": "harmonic_noise_balance", "least": -1.0, "most": 1.0, "default": 0.0, "neutral": 0.0, "unit": "",
     "meaning": "balance", "knob": None},
]  # fmt: skip


def make_tone(
    f0_hz: float = 220.0, seconds: float = 2.0, level: float = 0.2, rate: int = RATE, seed: int = 0
) -> np.ndarray:
    """Ten partials that swell and fade, over a little hiss, [samples] float32."""
    time = np.arange(round(seconds * rate)) / rate
    swell = 0.2 + 0.8 * np.sin(np.pi * time / seconds) ** 2
    partials = sum(np.sin(2 * np.pi * n * f0_hz * time) / n for n in range(1, 11) if n * f0_hz < 0.45 * rate)
    hiss = np.random.default_rng(seed).normal(size=len(time)) * 1e-4
    return (level * swell * partials + hiss).astype(np.float32)


def make_noise(seconds: float = 2.0, level: float = 0.1, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return (level * np.random.default_rng(seed).normal(size=round(seconds * rate))).astype(np.float32)


# Test folders are no packages, so what tests call comes to them as fixtures.
@pytest.fixture(scope="session")
def tone():
    return make_tone


@pytest.fixture(scope="session")
def noise():
    return make_noise


@pytest.fixture(scope="session")
def rate() -> int:
    return RATE


@pytest.fixture(scope="session")
def extractor():
    return extractor_of(feature_config(RATE, FEATURES))


@pytest.fixture
def with_knobs(project) -> Path:
    """The project, with the model that has controls."""
    export = project / "models/export"
    write_export(export, Knobs(), controls=KNOBS)
    return project


@pytest.fixture
def params() -> Params:
    """The project's own params.yaml at the rate and features of these tests."""
    raw = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    raw["data"] |= {"sample_rate": RATE, "test_inputs": "inputs"}
    raw["features"] = FEATURES
    raw["evaluate"] = {"block_samples": 512, "f0_tolerance_cents": 50.0, "page_seconds": 1.0}
    return parse(raw)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder as the stages before evaluate leave it: two held-out takes, three inputs; the test runs in it."""
    monkeypatch.chdir(tmp_path)
    export = tmp_path / "models/export"
    write_export(export, DelayLine(100, 0.5), features=feature_config(RATE, FEATURES))
    takes = {"test/take_01.flac": make_tone(220.0), "test/take_02.flac": make_tone(440.0, seed=1)}
    for name, audio in takes.items():
        path = tmp_path / "data/normalized" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio, RATE, subtype="PCM_24")
    splits = dict.fromkeys(takes, "test") | {"a.flac": "train"}
    entries = [{"file": name, "split": splits[name], "start_samples": 0, "samples": 2 * RATE} for name in splits]
    (tmp_path / "data/cache").mkdir()
    manifest = {"features": feature_config(RATE, FEATURES), "files": entries}
    (tmp_path / "data/cache/manifest.json").write_text(json.dumps(manifest))
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    soundfile.write(inputs / "flute.wav", np.stack([make_tone(330.0, rate=44100)] * 2, axis=1), 44100)
    soundfile.write(inputs / "hiss.wav", make_noise(), RATE)
    soundfile.write(inputs / "silence.wav", np.zeros(RATE), RATE)
    return tmp_path
