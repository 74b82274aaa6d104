"""A small folder of recordings with one of every fault."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from timbre.audio.table import to_table
from timbre.audit.checks.find import find_warnings
from timbre.audit.dataset.facts import SetFacts
from timbre.audit.exclude import leave_out_leaks, mark_duplicates, refuse
from timbre.audit.recordings import Recordings
from timbre.params import load

RATE = 48000


# A recording that nothing is wrong with; columns that are not here are empty.
GOOD = {
    "readable": True, "reason": "", "held_out": False, "duration_seconds": 700.0, "sample_rate_hz": RATE,
    "channels": 2, "subtype": "PCM_24", "loudness_lufs": -20.0, "loudness_range_lu": 8.0, "true_peak_dbtp": -3.0,
    "mix_true_peak_dbtp": -3.5, "clipped_runs": 0, "clipped_percent": 0.0, "pile_up_ratio": 1.0,
    "dc_offset_dbfs": -90.0, "low_frequency_dbfs": -80.0, "silence_percent": 5.0, "longest_pause_seconds": 1.5,
    "longest_pause_at_seconds": 12.0, "noise_floor_dbfs": -80.0, "snr_db": 60.0, "hum_db": 1.0,
    "clicks_per_minute": 0.0, "effective_bits": 24, "pitched_percent": 90.0, "polyphony": 1.0,
    "onsets_per_second": 1.0, "silent_channels": 0, "channel_correlation": 0.5, "mono_loss_db": 0.5,
    "channel_plan": "mean",
}  # fmt: skip


@pytest.fixture
def row():
    """A row of the table; keywords change it."""
    return lambda name, **changes: GOOD | {"file": name, "pcm_sha256": name} | changes


@pytest.fixture
def judge(params):
    """Rows as the audit judges them: the recordings with what is left out marked, and the warnings."""

    def make(*rows, facts=None, foreign=(), settings=None):
        rows, settings = [dict(one) for one in rows], settings or params("x")
        refuse(rows, settings.audit.thresholds)
        mark_duplicates(rows)
        table = to_table(rows)
        facts = facts or SetFacts()
        leave_out_leaks(table, facts.similar)
        recordings = Recordings(table, facts, settings, list(foreign))
        return recordings, find_warnings(recordings)

    return make


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
