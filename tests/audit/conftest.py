"""A small folder of recordings with one of every fault."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from timbre.params import load

RATE = 48000


@pytest.fixture
def params():
    """The project's parameters, with another folder of recordings."""
    shipped = load(Path(__file__).parents[2] / "params.yaml")
    return lambda raw: shipped.model_copy(update={"data": shipped.data.model_copy(update={"raw": str(raw)})})


@pytest.fixture
def save(tmp_path):
    """Write one recording below tmp_path/raw."""

    def write(name, samples, rate=RATE, **options):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, **options)
        return path

    return write


@pytest.fixture
def tone():
    def make(seconds=2.0, hertz=220.0, amplitude=0.3, rate=RATE):
        t = np.arange(round(seconds * rate)) / rate
        return (amplitude * np.sin(2.0 * np.pi * hertz * t) * (0.6 + 0.4 * np.sin(2.0 * np.pi * t))).astype(np.float32)

    return make


@pytest.fixture
def faulty(tmp_path, save, tone):
    """tmp_path/raw with good recordings and one of every fault."""
    for number in range(3):
        save(f"good {number}.wav", tone(hertz=200.0 + 50.0 * number))
    save("größer 🎻/take 1.flac", tone(hertz=500.0))
    save("<b>x</b>.wav", tone(hertz=510.0))
    save("hot.wav", np.clip(5.0 * tone(), -1.0, 1.0))
    save("offset.aiff", tone(hertz=520.0) + 0.05)
    save("inverted.wav", np.stack([tone(), -tone()], axis=1))
    save("copy.wav", tone(hertz=200.0))
    save("learnt.wav", tone(hertz=530.0))
    save("Test/learnt too.wav", tone(hertz=530.0))
    save("test/held out.ogg", tone(hertz=540.0))
    save("faint.wav", tone(amplitude=0.004))
    save("silent.wav", np.zeros(RATE))
    save("short.wav", tone(0.02))
    save("phone.mp3", tone(rate=8000), rate=8000)
    save("coarse.wav", tone(hertz=550.0), subtype="PCM_U8")
    raw = tmp_path / "raw"
    (raw / "text.wav").write_text("hello")
    (raw / "empty.wav").write_bytes(b"")
    (raw / "voice.m4a").write_bytes(b"x")
    whole = (raw / "good 1.wav").read_bytes()
    (raw / "cut.wav").write_bytes(whole[: len(whole) // 2])
    return raw
