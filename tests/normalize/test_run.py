"""What is written: level, ceiling, rate, channel, order, bytes."""

import hashlib

import numpy as np
import pandas as pd
import pyebur128
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
        "file", "held_out", "gain_db", "loudness_lufs", "true_peak_dbtp", "channel_plan", "duration_seconds", "group",
        "noise_floor_dbfs", "limited_db", "limited_seconds", "trimmed_seconds",
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


def written(folder, name):
    samples, _ = soundfile.read(folder / name, dtype="float32", always_2d=True)
    return samples


@pytest.mark.parametrize("rate", [22050, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_levels_are_libebur128s(save, noise, normalized, channels, rate):
    hot = np.stack([noise(0, level=0.02), noise(1, level=0.05)], axis=1)
    hot[20000:20600] *= 1.0 + 14.0 * np.hanning(600)[:, None]
    save("hot.wav", hot)
    save("other.wav", noise(2, seconds=4.0, level=0.1))
    gains, _, folder = normalized(channels=channels, sample_rate=rate, limiter_max_db=6.0, target_lufs=-16.0)
    assert gains.loc["hot.wav", "limited_db"] > 0.5
    for row in gains.itertuples():
        samples = written(folder, row.file)
        modes = pyebur128.MeasurementMode.MODE_I | pyebur128.MeasurementMode.MODE_TRUE_PEAK
        state = pyebur128.R128State(channels, rate, modes)
        state.add_frames(samples.astype(np.float64).ravel(), len(samples))
        assert row.loudness_lufs == pytest.approx(pyebur128.get_loudness_global(state), abs=0.1)
        peak = 20.0 * np.log10(max(pyebur128.get_true_peak(state, channel) for channel in range(channels)))
        # EBU Tech 3341: a meter may show 0.2 dB more than there is, and 0.4 less.
        assert -0.4 <= row.true_peak_dbtp - peak <= 0.2
        assert peak <= -1.0


def test_the_limiter_lets_the_gain_be_and_tells_where_it_worked(save, noise, normalized, capsys):
    save("a.wav", noise(0, seconds=3.0, level=0.05))
    click = noise(1, seconds=3.0, level=0.05)
    click[RATE : RATE + 20] = 0.6
    save("click.wav", click)
    plain, _, _ = normalized(target_lufs=-14.0)
    assert plain["limited_db"].max() == 0.0 and not (normalized()[2] / "limited.csv").exists()
    gains, summary, folder = normalized(target_lufs=-14.0, limiter_max_db=12.0)
    assert summary["gains"][0]["lowered_db"] == 0.0 and gains["gain_db"].min() > plain["gain_db"].max() + 3.0
    assert gains.loc["click.wav", "true_peak_dbtp"] <= -1.0
    spans = pd.read_csv(folder / "limited.csv")
    assert list(spans.columns) == ["file", "start_seconds", "end_seconds", "most_db"]
    ((_, start, end, most),) = spans.to_numpy()
    assert 0.99 < start < 1.0 < end < 2.0
    assert gains.loc["click.wav", "limited_db"] == pytest.approx(most)
    assert gains.loc["click.wav", "limited_seconds"] == pytest.approx(end - start, abs=1e-3)
    (told,) = summary["limited_files"]
    assert told == {"file": "click.wav", "seconds": pytest.approx(end - start, abs=1e-3), "most_db": round(most, 3)}
    assert "peaks limited in 1 recording" in capsys.readouterr().out
    # Everywhere else the gain undone is the source.
    undone = written(folder, "click.flac")[:, 0] / 10.0 ** (gains.loc["click.wav", "gain_db"] / 20.0)
    away = np.abs(np.arange(len(click)) / RATE - 0.5 * (start + end)) > 0.5 * (end - start) + 1e-4
    np.testing.assert_allclose(undone[away], (click - click.mean())[away], atol=2e-6)
    assert np.abs(undone - click)[~away].max() > 0.1


def test_the_limiter_takes_off_no_more_than_told(save, noise, normalized):
    for number, peak in enumerate((0.2, 0.5, 0.95)):
        sound = noise(number, level=0.01)
        sound[1000 * (number + 1)] = peak
        save(f"{number}.wav", sound)
    gains, summary, _ = normalized(target_lufs=-14.0, limiter_max_db=3.0)
    assert 2.5 < gains.loc["2.wav", "limited_db"] <= 3.0
    assert gains["true_peak_dbtp"].max() <= -1.0
    assert summary["gains"][0]["limited_by"] == "2.wav"


def test_a_peak_that_grows_beyond_the_limiter_lowers_the_gain_once_more(save, noise, normalized):
    offset = 0.1 + noise(0, level=0.02)
    offset[::7000] = -0.3
    save("offset.wav", offset)
    gains, summary, _ = normalized(target_lufs=-10.0, limiter_max_db=2.0)
    assert gains["true_peak_dbtp"].max() <= -0.95
    assert gains["limited_db"].max() == pytest.approx(2.0, abs=0.06)
    assert summary["gains"][0]["limited_by"] == "offset.wav"


def test_mode_none_limits_nothing(save, noise, normalized):
    save("over.wav", noise(0, level=0.6))
    gains, _, folder = normalized(mode="none", limiter_max_db=12.0)
    assert gains["true_peak_dbtp"].max() > 0.0 and gains["limited_db"].max() == 0.0
    assert not (folder / "limited.csv").exists()


@pytest.mark.parametrize(("channels", "from_hz"), [(1, 48000), (2, 48000), (1, 44100)])
def test_pauses_are_cut_out_and_every_place_is_found_again(save, noise, normalized, capsys, channels, from_hz):
    sound = noise(0, seconds=6.0, level=0.05, rate=from_hz)
    at = np.arange(len(sound)) / from_hz
    sound *= (at > 1.0) & (at < 1.5) | (at > 4.0)
    save("a.wav", np.stack([sound, 0.5 * sound[::-1]], axis=1) if channels == 2 else sound, from_hz)
    save("b.wav", noise(1, seconds=3.0, level=0.03))
    _, _, folder = normalized(channels=channels)
    whole, other = written(folder, "a.flac"), written(folder, "b.flac")
    gains, summary, folder = normalized(channels=channels, trim_silence=True, trim_padding_seconds=0.1)
    kept = pd.read_csv(folder / "kept.csv")
    assert list(kept.columns) == ["file", "source", "start_seconds", "source_start_seconds", "seconds"]
    assert set(kept["source"]) == {"a.wav", "b.wav"}
    gain = np.abs(written(folder, "b.flac")).max() / np.abs(other).max()
    trimmed = written(folder, "a.flac")
    for row in kept[kept["source"] == "a.wav"].itertuples():
        here, there, samples = (round(RATE * each) for each in row[3:])
        # Less some milliseconds: what a resampler rings on.
        inside = slice(200, samples - 200)
        expected = gain * whole[there : there + samples][inside]
        np.testing.assert_allclose(
            trimmed[here : here + samples][inside], expected, atol=2e-3 if from_hz != RATE else 1e-5
        )
    assert gains.loc["b.wav", "trimmed_seconds"] == 0.0
    assert gains.loc["a.wav", "trimmed_seconds"] == pytest.approx(6.0 - len(trimmed) / RATE, abs=1e-4)
    if channels == 1:
        assert gains.loc["a.wav", "duration_seconds"] == pytest.approx(0.5 + 2.0 + 0.3 + 0.02, abs=0.06)
    minutes = gains["trimmed_seconds"].sum() / 60.0
    assert summary["trimmed_minutes"] == pytest.approx(minutes, abs=1e-3)
    assert summary["minutes"] + minutes == pytest.approx(9.0 / 60.0, abs=1e-3)
    assert "were pauses and are cut out" in capsys.readouterr().out
    assert summary["training_loudness_lufs"] == pytest.approx(-20.0, abs=0.3)


def test_groups_are_told_one_by_one(save, noise, normalized, capsys):
    save("top.wav", noise(0, level=0.01))
    save("x/a.wav", noise(1, level=0.02))
    save("x/test/b.wav", noise(2, level=0.04))
    save("test/y/c.wav", noise(3, level=0.08))
    gains, summary, _ = normalized(mode="group")
    assert dict(gains["group"]) == {"top.wav": ".", "x/a.wav": "x", "x/test/b.wav": "x", "test/y/c.wav": "y"}
    assert gains.loc["x/a.wav", "gain_db"] == gains.loc["x/test/b.wav", "gain_db"]
    for name in ("top.wav", "x/a.wav", "test/y/c.wav"):
        assert gains.loc[name, "loudness_lufs"] == pytest.approx(-20.0, abs=0.02)
    told = {gain["group"]: (gain["files"], gain["held_out_files"]) for gain in summary["gains"]}
    assert told == {".": (1, 0), "x": (2, 1), "y": (1, 1)}
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("  in no folder: 1 recording; -") for line in lines)
    assert any(line.startswith("  x: 2 recordings, 1 of them held out; -") and "gain +" in line for line in lines)
    assert any(line.startswith("  y: 1 recording, all held out, so that they set") for line in lines)


def test_noise_that_the_gain_lifts_is_told(save, noise, params, normalized, tmp_path, capsys):
    for number, name in enumerate(("noisy.wav", "clean.wav", "dense.wav")):
        save(name, noise(number, level=0.01))
    normalized()
    files = tmp_path / "audit" / "files.csv"
    table = pd.read_csv(files, keep_default_na=False)
    table["noise_floor_dbfs"] = table["file"].map({"noisy.wav": -60.0, "clean.wav": -80.0, "dense.wav": ""})
    table.to_csv(files, index=False)
    capsys.readouterr()
    summary = run(params(), files, tmp_path / "out")
    gains = pd.read_csv(tmp_path / "out" / "gains.csv").set_index("source")
    gain_db = gains.loc["noisy.wav", "gain_db"]
    assert gain_db > 12.0
    assert gains.loc["noisy.wav", "noise_floor_dbfs"] == pytest.approx(-60.0 + gain_db, abs=1e-3)
    assert gains.loc["clean.wav", "noise_floor_dbfs"] == pytest.approx(-80.0 + gain_db, abs=1e-3)
    assert np.isnan(gains.loc["dense.wav", "noise_floor_dbfs"])
    assert summary["lifted_noise_files"] == [{"file": "noisy.wav", "noise_floor_dbfs": round(-60.0 + gain_db, 2)}]
    assert "noisy.wav: the gain lifts its noise floor to -4" in capsys.readouterr().out
    assert run(params(mode="none"), files, tmp_path / "out")["lifted_noise_files"] == []
    assert run(params(noise_floor_max_dbfs=-40.0), files, tmp_path / "out")["lifted_noise_files"] == []


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
