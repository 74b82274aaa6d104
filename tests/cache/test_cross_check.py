"""The comparison with a second pitch tracker."""

import json

import numpy as np
import pytest
import soundfile

from timbre.cache import cross_check
from timbre.cache.build import build_cache
from timbre.cache.cross_check import Agreement, at_times, doubtful, second_f0, swift_f0
from timbre.errors import UserError
from timbre.params import parse

CONFIG = {"sample_rate": 16000, "hop_samples": 128, "window_samples": 1024, "f0_min_hz": 60.0, "f0_max_hz": 2000.0}


@pytest.fixture
def checked(raw_params, monkeypatch):
    monkeypatch.setenv("TIMBRE_JOBS", "1")
    raw_params["slice"]["cross_check"] = "swift_f0"
    return parse(raw_params)


def ramp(audio, rate_hz):
    """Stands for a tracker: the sound's own samples are its pitch in Hz, every millisecond."""
    seconds = np.arange(0, len(audio) / rate_hz, 0.001)
    return seconds, 1000.0 * audio[(seconds * rate_hz).round().astype(int).clip(max=len(audio) - 1)].astype(float)


def test_a_track_at_other_times_is_a_straight_line_between_voiced_points():
    seconds, f0_hz = np.arange(5) * 0.016, np.array([100.0, 400.0, 0.0, 200.0, 200.0])
    got = at_times(np.array([-0.01, 0.0, 0.008, 0.02, 0.04, 0.05, 0.064, 0.07]), seconds, f0_hz)
    assert got == pytest.approx([0, 100, 200, 0, 0, 200, 200, 0])
    assert at_times(np.array([0.0]), np.array([0.0]), np.array([100.0])).tolist() == [0.0]


@pytest.mark.parametrize("start", (0, 5000))
def test_times_are_those_of_the_windows_middles_in_any_pieces(tmp_path, monkeypatch, start):
    monkeypatch.setattr(cross_check, "swift_f0", ramp)
    audio = np.linspace(0.0, 0.9, 48000, dtype=np.float32)  # 100 to 900 "Hz" at its own time
    soundfile.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    entry = {"file": "a.wav", "start_samples": start, "samples": 40000, "frames": 317}
    got = np.concatenate([second_f0(tmp_path, entry, CONFIG, first, 100) for first in range(0, 400, 100)])
    assert got.shape == (317,)
    middle = (np.arange(317) + 1) * 128 - 512
    wanted = 900.0 * (middle + start) / 47999
    heard = (middle >= 0) & (middle < 39900) & (wanted > 61.0)
    assert got[heard] == pytest.approx(wanted[heard], rel=0.01)
    assert (got[(middle < 0) | (middle > 40100)] == 0).all()
    assert ((got == 0) | (got >= 60.0)).all()


def test_shares_are_of_the_frames_voiced_in_both():
    agreement = Agreement()
    f0_hz, second = np.full(20, 200.0), np.full(20, 200.0)
    second[:3] = 400.0
    second[3] = 200.0 * 2 ** (49 / 1200)
    second[4] = 200.0 * 2 ** (51 / 1200)
    second[18:] = 0.0
    voiced = np.ones(20)
    voiced[17] = 0.0
    for part in (slice(0, 7), slice(7, 20)):
        agreement.add(2, f0_hz[part], voiced[part], second[part])
    assert agreement.apart_percent(2) == pytest.approx(100 * 4 / 17, abs=0.01)
    agreement.add(0, f0_hz[:7], voiced[:7], second[:7])
    assert agreement.apart_percent(0) is None


def test_doubtful_files_come_worst_first_and_once():
    shares = [("b", 11.0), ("a", 11.0), ("c", 10.0), ("d", None), ("e", 2.0), ("e", 80.0), ("e", None)]
    assert doubtful([{"file": name, "f0_apart_percent": share} for name, share in shares]) == ["e", "a", "b"]


def test_the_manifest_names_a_file_on_which_the_trackers_disagree(checked, recordings, tmp_path, monkeypatch):
    def track(audio, rate_hz):
        seconds = np.arange(0, len(audio) / rate_hz, 0.016)
        peak = np.fft.rfftfreq(len(audio), 1 / rate_hz)[np.abs(np.fft.rfft(audio)).argmax()]
        # b/c.flac is 330 Hz: there it errs by an octave.
        return seconds, np.full(len(seconds), peak * (2.0 if 325 < peak < 335 else 1.0))

    monkeypatch.setattr(cross_check, "swift_f0", track)
    monkeypatch.setattr(cross_check, "require", lambda _: None)
    monkeypatch.setattr("timbre.cache.build.require", lambda _: None)
    build_cache(checked, recordings, tmp_path / "cache")
    manifest = json.loads((tmp_path / "cache" / "manifest.json").read_text())
    assert manifest["f0_doubtful"] == ["b/c.flac"]
    shares = {entry["file"]: entry["f0_apart_percent"] for entry in manifest["files"]}
    assert shares["b/c.flac"] > 90
    assert max(shares[name] for name in ("a.flac", "b/d.flac", "f.flac")) < 5
    assert shares["g.flac"] is None  # silence


def test_without_a_cross_check_the_manifest_says_nothing_of_it(tiny_cache):
    assert "f0_" not in (tiny_cache / "manifest.json").read_text().replace("f0_hz", "").replace("f0_m", "")


def test_a_missing_package_is_told_before_any_work(checked, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the package swift-f0.*`pip install -e \.\[pitch\]`"):
        build_cache(checked, recordings, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("f0_hz", (110.0, 440.0, 1200.0))
def test_the_real_tracker_finds_a_tone_and_its_times(harmonic_tone, f0_hz):
    pytest.importorskip("swift_f0")
    tone = np.concatenate([np.zeros(8000, np.float32), harmonic_tone(f0_hz, 1.0), np.zeros(8000, np.float32)])
    seconds, found = swift_f0(tone, 16000)
    assert np.median(np.abs(1200 * np.log2(found[found > 0] / f0_hz))) < 20
    assert seconds[found > 0][0] == pytest.approx(0.5, abs=0.05)
    assert seconds[found > 0][-1] == pytest.approx(1.5, abs=0.05)
    assert swift_f0(np.zeros(16000, np.float32), 16000)[1].max() == 0


def test_the_real_tracker_agrees_on_plain_tones_byte_for_byte_twice(checked, recordings, tmp_path):
    pytest.importorskip("swift_f0")
    written = []
    for name in ("one", "two"):
        manifest = build_cache(checked, recordings, tmp_path / name)
        written.append((tmp_path / name / "manifest.json").read_bytes())
    assert written[0] == written[1]
    assert manifest["f0_doubtful"] == []
    assert all((entry["f0_apart_percent"] or 0.0) < 5.0 for entry in manifest["files"])
