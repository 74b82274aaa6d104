"""Recordings below a temporary folder, audited and normalized as the stages do."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from timbre.audit.run import run as run_audit
from timbre.normalize.run import run as run_normalize
from timbre.params import load

RATE = 48000


@pytest.fixture
def params(tmp_path):
    """The project's parameters for tmp_path/raw; keywords change `normalize`, `sample_rate` and `channels` the data."""
    shipped = load(Path(__file__).parents[2] / "params.yaml")

    def make(sample_rate=RATE, channels=1, **settings):
        changes = {"raw": str(tmp_path / "raw"), "sample_rate": sample_rate, "channels": channels}
        data = shipped.data.model_copy(update=changes)
        normalize = shipped.normalize.model_copy(update=settings)
        return shipped.model_copy(update={"data": data, "normalize": normalize})

    return make


@pytest.fixture
def save(tmp_path):
    def write(name, samples, rate=RATE, **options):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, **({"subtype": "FLOAT"} if name.endswith("wav") else {}) | options)
        return path

    return write


@pytest.fixture
def noise():
    """Noise in the lower half of the band, shape (samples,)."""

    def make(seed, seconds=2.0, level=0.05, rate=RATE):
        spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(round(seconds * rate)))
        spectrum[len(spectrum) // 2 :] = 0.0
        return (level * np.sqrt(2.0) * np.fft.irfft(spectrum, round(seconds * rate))).astype(np.float32)

    return make


@pytest.fixture
def normalized(tmp_path, params):
    """Audit and normalize; returns (gains.csv by source, summary, folder)."""

    def go(**settings):
        chosen = params(**settings)
        run_audit(chosen, tmp_path / "audit")
        summary = run_normalize(chosen, tmp_path / "audit" / "files.csv", tmp_path / "out")
        return pd.read_csv(tmp_path / "out" / "gains.csv").set_index("source"), summary, tmp_path / "out"

    return go
