"""Each measure on a sound whose answer is known."""

import numpy as np
import pytest
import soundfile

from timbre.audio.loudness import integrated_lufs, loudness_range_lu, true_peak_dbtp
from timbre.audit import measures
from timbre.audit.measures import measure

RATE = 48000
NOISE = (0.1 * np.random.default_rng(0).standard_normal((3 * RATE, 2))).astype(np.float32)


@pytest.fixture
def measured(tmp_path):
    def run(samples, rate=RATE, name="a.wav", **options):
        soundfile.write(tmp_path / name, samples, rate, **({"subtype": "FLOAT"} | options))
        return measure(tmp_path / name, name, -0.5)

    return run


def test_mono(measured):
    row = measured(NOISE[:, 0])
    assert (row["channels"], row["channel_plan"], row["subtype"]) == (1, "mono", "FLOAT")
    assert row["duration_seconds"] == 3.0
    assert row["loudness_lufs"] == pytest.approx(integrated_lufs(NOISE[:, 0], RATE), abs=1e-6)
    assert row["loudness_range_lu"] == pytest.approx(loudness_range_lu(NOISE[:, 0], RATE), abs=1e-6)
    assert row["true_peak_dbtp"] == row["mix_true_peak_dbtp"] == true_peak_dbtp(NOISE[:, 0], RATE)
    assert np.isnan(row["channel_correlation"])


def test_stereo_is_measured_as_its_mean(measured):
    row = measured(NOISE)
    mean = NOISE.mean(axis=1)
    assert row["channel_plan"] == "mean"
    assert row["channel_correlation"] == pytest.approx(np.corrcoef(NOISE.T)[0, 1], abs=1e-6)
    assert row["loudness_lufs"] == pytest.approx(integrated_lufs(mean, RATE), abs=1e-4)
    assert row["mix_true_peak_dbtp"] == pytest.approx(true_peak_dbtp(mean, RATE), abs=1e-4)
    assert row["true_peak_dbtp"] == pytest.approx(true_peak_dbtp(NOISE, RATE), abs=1e-4)


def test_inverted_stereo_is_measured_on_the_left(measured):
    row = measured(np.stack([NOISE[:, 0], -0.9 * NOISE[:, 0]], axis=1))
    assert (row["channel_plan"], row["channel_correlation"]) == ("left", pytest.approx(-1.0))
    assert row["loudness_lufs"] == pytest.approx(integrated_lufs(NOISE[:, 0], RATE), abs=1e-4)
    assert row["mix_true_peak_dbtp"] == pytest.approx(true_peak_dbtp(NOISE[:, 0], RATE), abs=1e-4)


def test_dual_mono_and_a_silent_side(measured):
    assert measured(NOISE[:, [0, 0]])["channel_correlation"] == pytest.approx(1.0)
    row = measured(NOISE * [1.0, 0.0])
    assert row["silent_channels"] == 1 and row["channel_plan"] == "mean" and np.isnan(row["channel_correlation"])


def test_six_channels(measured):
    row = measured(np.tile(NOISE, 3))
    assert (row["channels"], row["channel_plan"]) == (6, "mean")


@pytest.mark.parametrize("level_dbfs", [-20.0, -50.0, -70.0])
def test_dc_offset(measured, level_dbfs):
    tone = 0.1 * np.sin(2.0 * np.pi * 100.0 * np.arange(RATE) / RATE)
    row = measured((tone + 10.0 ** (level_dbfs / 20.0)).astype(np.float32))
    assert row["dc_offset_dbfs"] == pytest.approx(level_dbfs, abs=0.01)


def test_silence_share(measured):
    samples = np.concatenate([NOISE[:, 0], np.zeros(RATE, np.float32)])
    assert measured(samples)["silence_percent"] == pytest.approx(25.0)
    assert measured(np.zeros(RATE, np.float32))["silence_percent"] == 100.0
    assert measured(np.zeros(RATE, np.float32))["loudness_lufs"] == -np.inf
    # Just over and under the limit of -60 dBFS RMS.
    for level_dbfs, percent in ((-59.9, 0.0), (-60.1, 100.0)):
        tone = np.sqrt(2.0) * 10.0 ** (level_dbfs / 20.0) * np.sin(2.0 * np.pi * 100.0 * np.arange(RATE) / RATE)
        assert measured(tone.astype(np.float32))["silence_percent"] == percent


def test_pitched_share_is_of_what_sounds(measured):
    tone = 0.1 * np.sin(2.0 * np.pi * 220.0 * np.arange(RATE) / RATE)
    samples = np.concatenate([NOISE[:RATE, 0], np.zeros(RATE, np.float32), tone])
    assert measured(samples)["pitched_percent"] == pytest.approx(50.0)
    assert measured(np.stack([samples, -samples], axis=1))["pitched_percent"] == pytest.approx(50.0)
    assert np.isnan(measured(np.zeros(RATE, np.float32))["pitched_percent"])


def test_clipping_in_percent_of_all_channels(measured):
    tone = np.clip(2.0 * np.sin(2.0 * np.pi * 100.0 * np.arange(RATE) / RATE), -1.0, 1.0) * 0.8
    row = measured(np.stack([tone, NOISE[:RATE, 0]], axis=1), subtype="PCM_16")
    assert row["clipped_runs"] == pytest.approx(200, abs=1)
    assert row["clipped_percent"] == pytest.approx(100.0 / 3.0, abs=0.5)
    assert measured(NOISE, subtype="PCM_16")["clipped_runs"] == 0


def test_hash_is_of_the_sound_not_of_the_file(measured):
    whole = np.rint(32768 * NOISE).astype(np.int16)
    pcm = measured(whole, name="a.wav", subtype="PCM_16")["pcm_sha256"]
    assert measured(whole, name="b.flac", subtype="PCM_16")["pcm_sha256"] == pcm
    assert measured(whole, name="c.aiff", subtype="PCM_24")["pcm_sha256"] == pcm
    assert measured(whole, name="d.wav", subtype="PCM_16", rate=44100)["pcm_sha256"] != pcm
    assert measured(whole[:, 0], name="e.wav", subtype="PCM_16")["pcm_sha256"] != pcm
    assert measured(whole // 2, name="f.wav", subtype="PCM_16")["pcm_sha256"] != pcm


def test_twenty_milliseconds_and_old_telephones(measured):
    row = measured(NOISE[:960, 0])
    assert row["readable"] and np.isfinite(row["loudness_lufs"]) and np.isnan(row["loudness_range_lu"])
    row = measured(NOISE[:16000, 0], rate=8000, name="phone.mp3", subtype="MPEG_LAYER_III")
    assert row["readable"] and row["sample_rate_hz"] == 8000
    assert measured(NOISE[:20, 0])["reason"] == "lasts only 0.42 ms"


def test_block_size_makes_no_difference(measured, monkeypatch):
    whole = measured(NOISE)
    decode = measures.blocks
    monkeypatch.setattr(measures, "blocks", lambda path: decode(path, 1234))
    parts = measured(NOISE)
    assert parts.keys() == whole.keys()
    for key, value in whole.items():
        assert parts[key] == (pytest.approx(value, rel=1e-4, nan_ok=True) if isinstance(value, float) else value), key


def test_unreadable_is_a_row_with_a_reason(tmp_path):
    (tmp_path / "a.wav").write_text("hello")
    row = measure(tmp_path / "a.wav", "test/a.wav", -0.5)
    assert row["held_out"] and not row["readable"] and "does not decode" in row["reason"]


def test_a_name_that_is_no_text(tmp_path):
    row = measure(tmp_path / "x.wav", "caf\udce9.wav", -0.5)
    assert not row["readable"] and "UTF-8" in row["reason"]
    row["file"].encode()
