"""What is written: level, ceiling, rate, channel, order, bytes."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import soundfile

from timbre.audio.loudness import integrated_lufs, true_peak_dbtp
from timbre.errors import UserError
from timbre.normalize.run import run

RATE = 48000


def test_levels_are_those_of_gains_csv_and_relations_stay(save, noise, normalized):
    save("quiet.wav", noise(0, level=0.02))
    save("a b/größer 🎻.wav", noise(1, seconds=3.0, level=0.08))
    save("TEST/held.wav", noise(2))
    gains, summary, folder = normalized()
    assert list(gains.columns) == [
        "file", "held_out", "gain_db", "loudness_lufs", "true_peak_dbtp", "channel_plan", "duration_seconds",
    ]  # fmt: skip
    assert gains["gain_db"].nunique() == 1
    assert dict(gains["held_out"]) == {"TEST/held.wav": True, "a b/größer 🎻.wav": False, "quiet.wav": False}
    for row in gains.itertuples():
        samples, rate = soundfile.read(folder / row.file, dtype="float32")
        info = soundfile.info(folder / row.file)
        assert (rate, info.format, info.subtype, info.channels) == (RATE, "FLAC", "PCM_24", 1)
        assert row.loudness_lufs == pytest.approx(integrated_lufs(samples, rate), abs=1e-3)
        assert row.true_peak_dbtp == pytest.approx(true_peak_dbtp(samples, rate), abs=1e-3)
        assert row.duration_seconds == len(samples) / rate
    gain = 10.0 ** (gains["gain_db"].iloc[0] / 20.0)
    samples, _ = soundfile.read(folder / "quiet.flac")
    centred = noise(0, level=0.02) - noise(0, level=0.02).mean()
    np.testing.assert_allclose(samples, gain * centred, atol=1e-6)
    assert summary["training_loudness_lufs"] == pytest.approx(-20.0, abs=0.01)


def test_a_hot_file_lowers_the_gain_and_is_named(save, noise, normalized, capsys):
    save("a.wav", noise(0, level=0.01))
    click = noise(1, level=0.01)
    click[1000] = 0.9
    save("click.wav", click)
    gains, summary, _ = normalized()
    (gain,) = summary["gains"]
    assert gain["limited_by"] == "click.wav" and gain["lowered_db"] > 5.0
    assert gain["gain_db"] + gain["lowered_db"] == pytest.approx(gain["wanted_db"], abs=1e-3)
    assert -1.2 < gains.loc["click.wav", "true_peak_dbtp"] <= -0.95
    told = capsys.readouterr().out
    assert "because of the peak in click.wav" in told and "without that file" in told


@pytest.mark.parametrize("mode", ["dataset", "group", "file"])
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_ceiling_holds_after_resampling(save, noise, normalized, mode, rate):
    # Rare bursts of full-scale noise: quiet on the whole, so that the ceiling decides, and ringing when resampled.
    rng = np.random.default_rng(0)
    for number, name in enumerate(("a.wav", "b.wav", "x/c.wav")):
        bursts = np.repeat(rng.random(RATE // 50) < 0.02, 50)
        save(name, np.sign(rng.standard_normal(RATE)) * bursts * 0.4, (44100, 48000, 96000)[number])
    gains, summary, folder = normalized(mode=mode, sample_rate=rate, target_lufs=-10.0)
    assert all(gain["lowered_db"] > 1.0 for gain in summary["gains"])
    for row in gains.itertuples():
        samples, written_rate = soundfile.read(folder / row.file, dtype="float32")
        assert written_rate == rate
        assert true_peak_dbtp(samples, rate) <= -1.0 + 0.05
    if mode == "dataset":
        assert gains["gain_db"].nunique() == 1


def test_a_peak_that_grows_on_the_way_lowers_the_gain_once_more(save, noise, normalized):
    # Without its offset the lower half reaches further down than anything did before.
    offset = 0.1 + noise(0, level=0.02)
    offset[::7000] = -0.3
    save("offset.wav", offset)
    save("other.wav", noise(1, level=0.01))
    gains, summary, _ = normalized(target_lufs=-10.0)
    assert gains["true_peak_dbtp"].max() == pytest.approx(-1.0, abs=0.05)
    assert gains["gain_db"].nunique() == 1
    assert summary["gains"][0]["limited_by"] == "offset.wav"
    assert summary["gains"][0]["gain_db"] == gains["gain_db"].iloc[0]


def test_offset_goes_and_the_right_channel_is_chosen(save, noise, normalized):
    left, right = noise(0), noise(1)
    save("offset.wav", left + 0.1)
    save("mean.wav", np.stack([left, right], axis=1))
    save("inverted.wav", np.stack([right, -0.8 * right], axis=1))
    gains, summary, folder = normalized(mode="none")
    assert dict(gains["channel_plan"]) == {"inverted.wav": "left", "mean.wav": "mean", "offset.wav": "mono"}
    assert summary["left_channel_files"] == ["inverted.wav"]
    wanted = {"offset": left, "mean": (left + right) / 2, "inverted": right}
    for name, sound in wanted.items():
        samples, _ = soundfile.read(folder / f"{name}.flac")
        np.testing.assert_allclose(samples, sound - sound.mean(), atol=3e-7)


def test_stereo_keeps_both_sides_under_one_gain_without_offset(save, noise, normalized):
    left, right, extra = noise(0), noise(1, level=0.02), noise(2, level=0.2)
    save("both.wav", np.stack([left + 0.1, right - 0.05], axis=1))
    save("mono.wav", left)
    save("surround.wav", np.stack([left, right, extra, extra, extra], axis=1))
    save("inverted.wav", np.stack([right, -0.8 * right], axis=1))
    gains, summary, folder = normalized(channels=2)
    plans = {"both.wav": "stereo", "inverted.wav": "left", "mono.wav": "mono", "surround.wav": "stereo"}
    assert dict(gains["channel_plan"]) == plans and summary["left_channel_files"] == ["inverted.wav"]
    gain = 10.0 ** (gains["gain_db"].iloc[0] / 20.0)
    assert gains["gain_db"].nunique() == 1
    wanted = {"both": (left, right), "mono": (left, left), "surround": (left, right), "inverted": (right, right)}
    for name, sides in wanted.items():
        samples, _ = soundfile.read(folder / f"{name}.flac")
        expected = gain * np.stack([side - side.mean() for side in sides], axis=1)
        np.testing.assert_allclose(samples, expected, atol=2e-6)


@pytest.mark.parametrize("rate", [44100, 48000])
def test_stereo_levels_are_those_of_both_channels(save, noise, normalized, rate):
    loud = np.stack([noise(0, level=0.02), noise(1, level=0.1)], axis=1)
    save("a.wav", loud)
    save("mono.wav", noise(2, level=0.05))
    gains, summary, folder = normalized(channels=2, sample_rate=rate)
    for row in gains.itertuples():
        samples, _ = soundfile.read(folder / row.file, dtype="float32")
        assert samples.shape[1] == 2
        assert row.loudness_lufs == pytest.approx(integrated_lufs(samples, rate), abs=1e-3)
        assert row.true_peak_dbtp == pytest.approx(true_peak_dbtp(samples, rate), abs=1e-3)
    assert summary["training_loudness_lufs"] == pytest.approx(-20.0, abs=0.01)
    gain_db = gains.loc["a.wav", "gain_db"]
    assert gains.loc["a.wav", "loudness_lufs"] == pytest.approx(integrated_lufs(loud, RATE) + gain_db, abs=0.01)


def test_in_stereo_the_hotter_channel_meets_the_ceiling(save, noise, normalized):
    right = noise(1, level=0.01)
    right[1000] = 0.9
    save("a.wav", np.stack([noise(0, level=0.01), right], axis=1))
    gains, summary, _ = normalized(channels=2)
    assert -1.2 < gains.loc["a.wav", "true_peak_dbtp"] <= -0.95
    assert summary["gains"][0]["limited_by"] == "a.wav"


def test_stereo_of_two_silent_channels_is_told(save, noise, normalized):
    save("a.wav", np.stack([0 * noise(0), 0 * noise(0), noise(1), noise(2)], axis=1))
    with pytest.raises(UserError, match=r"a\.wav: its first two channels are silent"):
        normalized(channels=2)


def test_long_sounds_do_not_depend_on_blocks(save, noise, normalized, monkeypatch):
    save("a.wav", np.stack([noise(0, seconds=4.0), noise(1, seconds=4.0)], axis=1), 44100)
    _, _, folder = normalized()
    whole = (folder / "a.flac").read_bytes()
    monkeypatch.setattr("timbre.audio.io.BLOCK_VALUES", 6000)
    _, _, folder = normalized()
    first, _ = soundfile.read(folder / "a.flac")
    (folder / "whole.flac").write_bytes(whole)
    second, _ = soundfile.read(folder / "whole.flac")
    np.testing.assert_allclose(first, second, atol=3e-7)


def test_copies_and_refused_files_are_listed(save, noise, normalized, tmp_path):
    save("a.wav", noise(0))
    save("learnt.wav", noise(1))
    save("test/learnt.wav", noise(1))
    save("copy.flac", np.zeros(RATE))
    save("a.flac", noise(2))
    (tmp_path / "raw" / "broken.wav").write_text("hello")
    gains, summary, folder = normalized()
    assert dict(gains["file"]) == {
        "a.flac": "a.flac.flac", "a.wav": "a.wav.flac", "test/learnt.wav": "test/learnt.flac",
    }  # fmt: skip
    left_out = pd.read_csv(folder / "left_out.csv").set_index("source")["reason"]
    assert set(left_out.index) == {"broken.wav", "copy.flac", "learnt.wav"}
    assert left_out["learnt.wav"] == "is the same as test/learnt.wav"
    assert "silence" in left_out["copy.flac"]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {*gains["file"], "gains.csv", "left_out.csv", "summary.json"}
    assert summary["left_out_files"] == 3


def test_nothing_left_out_is_an_empty_table(save, noise, normalized):
    save("a.wav", noise(0))
    assert (normalized()[2] / "left_out.csv").read_text() == "source,reason\n"


def test_equal_bytes_for_any_number_of_jobs(save, noise, normalized, monkeypatch):
    for number in range(4):
        save(f"{number}.wav", noise(number, rate=44100), 44100)
    results = []
    for jobs in ("1", "2", "2"):
        monkeypatch.setenv("TIMBRE_JOBS", jobs)
        _, _, folder = normalized()
        results.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()})
    assert results[0] == results[1] == results[2]


def test_mode_none_tells_what_it_clips(save, noise, normalized, capsys):
    save("over.wav", noise(0, level=0.6))
    gains, summary, _ = normalized(mode="none")
    assert gains.loc["over.wav", "gain_db"] == 0.0
    assert summary["clipped_files"] == ["over.wav"]
    assert "over.wav" in capsys.readouterr().out


def test_twenty_milliseconds_and_eight_kilohertz(save, noise, normalized):
    save("short.wav", noise(0, seconds=0.02))
    save("phone.mp3", noise(1, rate=8000), 8000)
    gains, _, folder = normalized()
    assert gains.loc["short.wav", "duration_seconds"] == pytest.approx(0.02)
    assert soundfile.info(folder / "phone.flac").samplerate == RATE
    assert gains.loc["phone.mp3", "duration_seconds"] == pytest.approx(2.0, abs=0.01)


def test_a_recording_that_changed_since_the_audit(save, noise, normalized, params, tmp_path):
    path = save("a.wav", noise(0))
    normalized()
    before = sorted(item.name for item in (tmp_path / "out").iterdir())
    path.unlink()
    with pytest.raises(UserError, match=r"a\.wav cannot be opened.*dvc repro"):
        run(params(), tmp_path / "audit" / "files.csv", tmp_path / "out")
    assert sorted(item.name for item in (tmp_path / "out").iterdir()) == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["audit", "out", "raw"]


def test_no_audit(params, tmp_path):
    with pytest.raises(UserError, match="dvc repro audit"):
        run(params(), tmp_path / "files.csv", tmp_path / "out")


def test_nothing_for_training(save, noise, normalized, params, tmp_path):
    save("a.wav", noise(0))
    normalized()
    files = tmp_path / "audit" / "files.csv"
    table = pd.read_csv(files, keep_default_na=False)
    table["held_out"] = True
    table.to_csv(files, index=False)
    with pytest.raises(UserError, match="no usable recording for training"):
        run(params(), files, tmp_path / "out")
