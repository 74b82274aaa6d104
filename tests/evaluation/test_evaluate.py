"""The whole evaluation on a small project: what it writes, what it survives, and that it repeats to the byte."""

import hashlib
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from support.exported import exchange_model
from support.played import DelayLine, Knobs

from timbre.audio.loudness import integrated_lufs
from timbre.errors import UserError
from timbre.evaluation.evaluate import run


class Hiss(torch.nn.Module):
    """Stands for an untrained model."""

    sample_rate, hop, channels = 16000, 100, 1

    def initial_state(self, batch: int) -> list[torch.Tensor]:
        return []

    def step(self, audio: torch.Tensor, state: list[torch.Tensor]):
        return audio.reshape(1, -1, 100) @ torch.ones(100, 100), state

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return 0.05 * torch.randn(audio.shape, generator=torch.Generator().manual_seed(0))


def evaluate(params) -> dict:
    return run(
        params,
        export=Path("models/export"),
        manifest=Path("data/cache/manifest.json"),
        normalized=Path("data/normalized"),
        reports=Path("reports/evaluation"),
        untrained=Hiss(),
    )


def summary() -> dict:
    return json.loads(Path("reports/evaluation/summary.json").read_text())


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_model_that_halves_the_level(project, params, rate):
    metrics = evaluate(params)
    reports = project / "reports/evaluation"
    assert metrics == json.loads((reports / "metrics.json").read_text())
    reconstruction, transfer = metrics["reconstruction"], metrics["transfer"]
    told = json.loads((reports / "summary.json").read_text())
    assert {f"{section}.{key}": value for section in metrics for key, value in metrics[section].items()} == {
        name: each["value"] for name, each in told.items()
    }
    anchors = {name.partition(".")[2]: each["anchors"] for name, each in told.items() if name.startswith("transfer")}
    assert reconstruction["f0_within_50_cents"] == 1.0
    assert reconstruction["loudness_l1_db"] == pytest.approx(6.02, abs=0.01)
    assert reconstruction["mcd_db"] == pytest.approx(0.0, abs=0.2)
    assert reconstruction["mss_excess_ratio"] < 0.5 < told["reconstruction.mss"]["anchors"]["untrained"]
    assert told["reconstruction.mss"]["anchors"].keys() == {
        "untrained", "mel_inversion", "target", "silence", "noise_floor", "identity",
    }  # fmt: skip
    assert told["reconstruction.f0_within_50_cents"]["anchors"]["target"] < 0.1, "the other take is an octave off"
    assert told["reconstruction.f0_rca50"]["anchors"]["target"] > 0.9
    assert reconstruction["f0_rca50"] == reconstruction["voicing_recall"] == 1.0
    assert reconstruction["kad_mfcc"] == pytest.approx(0.0, abs=0.01), "a gain is no timbre"
    assert reconstruction["harmonics_l1_db"] == pytest.approx(6.02, abs=0.01)
    assert reconstruction["onset_f"] == transfer["onset_f"] == anchors["onset_f"]["identity"] == 1.0
    assert transfer["f0_rca50"] == anchors["f0_rca50"]["identity"] == told["transfer.f0_rca50"]["share"] == 1.0
    assert transfer["leap_frames"] == 0 and told["transfer.leap_frames"]["worst"] == "flute"
    assert transfer["buzz_db"] is None and "unadapted" not in anchors["f0_rca50"], "the model has no controls"
    assert told["transfer.f0_rca50"]["items"] == 1, "hiss and silence have no pitch"
    assert transfer["ltas_db"] == pytest.approx(anchors["ltas_db"]["identity"], abs=1e-3)
    assert transfer["kad_mfcc"] == pytest.approx(anchors["kad_mfcc"]["identity"], abs=1e-3)
    assert told["transfer.ltas_db"]["share"] == pytest.approx(0.0, abs=1e-4)
    assert transfer["level_linearity_db"] == pytest.approx(0.0, abs=1e-4)
    assert metrics["model"] == {
        "bytes": (project / "models/export/model.ts").stat().st_size,
        "degeneracy": pytest.approx(0.96, abs=0.05),
        "degenerate": 0,
        "delay_jitter_impulse_samples": pytest.approx(0.0, abs=1e-6),
        "delay_jitter_onset_samples": 0.0,
        "delay_onset_samples": 100.0,
        "delay_samples": 100,
        "macs_per_second": 160 * 100 * 100,
        "parameters": 12,
        "streaming_max_diff": 0.0,
        "streaming_snr_db": 123.4,
        "silence_dbfs_after_1s": -120.0,
    }
    assert metrics["robustness"]["finite"] == metrics["robustness"]["returns_to_silence"] == 1
    assert metrics["robustness"]["sweep_peak_dbfs"] == pytest.approx(-6.02, abs=0.01)
    names = ["reconstruction/test__take_01", "reconstruction/test__take_02",
             "transfer/flute", "transfer/hiss", "transfer/silence"]  # fmt: skip
    expected = {"metrics.json", "summary.json", "items.csv", "index.html"}
    expected |= {f"audio/{name}.{side}.flac" for name in names for side in ("input", "output")}
    expected |= {f"plots/{name.replace('/', '_', 1)}.png" for name in names}
    expected |= {
        f"page/{name}.{side}.{kind}" for name in names for side in ("input", "output") for kind in ("js", "png")
    }
    expected |= {f"page/{name}.difference.png" for name in names}
    expected |= {f"page/{name}.target.png" for name in names if name.startswith("transfer")}
    assert set(digests(reports)) == expected
    table = pd.read_csv(reports / "items.csv")
    assert table["name"].tolist() == [name.split("/")[1] for name in names]
    assert table.set_index("name").loc["silence", ["f0_rca50", "loudness_r", "ltas_db", "input_lufs"]].isna().all()
    assert (table["output_lufs"] - table["input_lufs"]).dropna().to_numpy() == pytest.approx(-6.02, abs=0.01)
    heard, output = (soundfile.read(reports / f"audio/transfer/hiss.{side}.flac")[0] for side in ("input", "output"))
    assert output == pytest.approx(heard / 2, abs=2**-23), "aligned, same length, true level"


def test_controls_are_neutral_for_the_target_and_adapt_the_inputs(with_knobs, params):
    metrics = evaluate(params)
    reports = with_knobs / "reports/evaluation"
    assert metrics["reconstruction"]["loudness_l1_db"] == pytest.approx(0.0, abs=1e-3)
    table = pd.read_csv(reports / "items.csv").set_index("name")
    gains_db = (table["output_lufs"] - table["input_lufs"]).dropna()
    assert gains_db["test__take_01"] == pytest.approx(0.0, abs=0.01) and gains_db["hiss"] == pytest.approx(6, abs=0.01)
    sides = {side: soundfile.read(reports / f"audio/transfer/hiss.{side}.flac")[0] for side in ("input", "unadapted")}
    assert np.array_equal(sides["input"], sides["unadapted"])
    assert not list(reports.glob("audio/reconstruction/*.unadapted.flac"))
    # The hum has an amplitude of 0.01 and the input's gain of 6 dB, the noise a level of 0.1.
    expected_db = 6 - 20 - 10 * np.log10(2)
    assert table["buzz_db"].dropna().to_dict() == {"hiss": pytest.approx(expected_db, abs=0.2)}
    assert metrics["transfer"]["buzz_db"] == table.loc["hiss", "buzz_db"]
    assert summary()["transfer.onset_f"]["anchors"]["unadapted"] == table.loc["flute", "onset_f_unadapted"] == 1.0
    page = (reports / "index.html").read_text()
    assert page.count("Without adaptation</span></button>") == 3 and "A faint buzz" in page
    assert "transfer/flute.unadapted.flac" in page and "<kbd>4</kbd>" in page


def test_without_adaptation_there_is_one_transfer(with_knobs, params):
    exchange_model(with_knobs / "models/export", Knobs(gain_db=0.0))
    metrics = evaluate(params)
    assert "unadapted" not in summary()["transfer.f0_rca50"]["anchors"]
    assert metrics["transfer"]["buzz_db"] == pytest.approx(-23.0, abs=0.2)
    page = (with_knobs / "reports/evaluation/index.html").read_text()
    assert "adaptation" not in page.lower() and "<kbd>4</kbd>" not in page
    assert not list((with_knobs / "reports").rglob("*.unadapted.flac"))


class Breaks(DelayLine):
    """Loud samples make it give no numbers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x.abs() < 2.0)


def test_an_input_that_the_model_breaks_at_is_listed_and_the_rest_goes_on(project, params, tone, rate):
    exchange_model(project / "models/export", Breaks(0))
    soundfile.write(project / "inputs/loud.wav", 30 * tone(300.0), rate, subtype="FLOAT")
    soundfile.write(project / "inputs/one.wav", np.ones(1), rate)
    evaluate(params)
    table = pd.read_csv(project / "reports/evaluation/items.csv").set_index("name")
    assert "not numbers (NaN or infinite)" in table.loc["loud", "status"]
    assert table.drop("loud")["status"].eq("measured").all() and "one" in table.index
    assert not list(project.glob("reports/evaluation/audio/transfer/loud*"))


class Drone(DelayLine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.1 * torch.sin(0.1 * torch.arange(x.shape[2])).expand(x.shape)


def test_a_model_that_plays_the_same_whatever_it_hears_is_warned_of(project, params):
    exchange_model(project / "models/export", Drone(0))
    metrics = evaluate(params)
    assert metrics["model"]["degenerate"] == 1 and metrics["model"]["degeneracy"] < 0.1
    assert metrics["transfer"]["level_linearity_db"] == pytest.approx(9.0, abs=1e-3)
    assert "It plays the same whatever it hears" in (project / "reports/evaluation/index.html").read_text()


def test_a_long_input_is_measured_in_stretches_and_shown_where_it_is_loudest(
    project, params, tone, noise, rate, monkeypatch
):
    monkeypatch.setattr("timbre.evaluation.scratch.STRETCH_SECONDS", 2.0)
    long = np.concatenate([tone(250.0, 2.0, level=0.05), noise(4.0, 1e-4), tone(250.0, 2.0)])
    soundfile.write(project / "inputs/long.wav", long, rate, subtype="FLOAT")
    evaluate(params)
    reports = project / "reports/evaluation"
    row = pd.read_csv(reports / "items.csv").set_index("name").loc["long"]
    assert (row["seconds"], row["f0_rca50"], row["onset_f"]) == (8.0, 1.0, 1.0)
    assert row["output_lufs"] == pytest.approx(integrated_lufs(long / 2, rate), abs=0.01)
    output, _ = soundfile.read(reports / "audio/transfer/long.output.flac")
    assert output == pytest.approx(long / 2, abs=2**-23)
    assert re.search(r"6\.\d to 7\.\d s of 8\.0 s", (reports / "index.html").read_text())


class Sides(DelayLine):
    """A stereo model of known answer: the left side at half the level, the right one as it is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[1] == 2
        return x * torch.tensor([[0.5], [1.0]])


def test_a_stereo_model_is_played_in_stereo_and_measured_on_the_mean(project, params, tone, noise, rate):
    exchange_model(project / "models/export", Sides(0, channels=2), features=None)
    sides = np.stack([tone(), noise()])
    soundfile.write(project / "inputs/sides.wav", sides.T, rate, subtype="FLOAT")
    evaluate(params)
    audio = project / "reports/evaluation/audio"
    heard, output = (soundfile.read(audio / f"transfer/sides.{side}.flac")[0].T for side in ("input", "output"))
    assert heard == pytest.approx(sides, abs=2**-23)
    assert output == pytest.approx(sides * [[0.5], [1.0]], abs=2**-23)
    mono, _ = soundfile.read(audio / "transfer/hiss.output.flac")
    assert mono[:, 0] == pytest.approx(mono[:, 1] / 2, abs=2**-22), "a mono input is doubled"
    table = pd.read_csv(project / "reports/evaluation/items.csv").set_index("name")
    mean = (0.5 * sides[0] + sides[1]) / 2
    assert table.loc["sides", "output_lufs"] == pytest.approx(integrated_lufs(mean, rate), abs=0.01)


def test_of_a_divided_recording_the_test_part_alone_is_played(project, params, rate):
    path = project / "data/cache/manifest.json"
    manifest = json.loads(path.read_text())
    parts = {"train": (0, rate), "test": (rate + 8000, 8000)}
    manifest["files"] = [
        {"file": "test/take_01.flac", "split": split, "start_samples": start, "samples": samples}
        for split, (start, samples) in parts.items()
    ]
    path.write_text(json.dumps(manifest))
    evaluate(params)
    name = "test__take_01 1.5 to 2 s"
    table = pd.read_csv(project / "reports/evaluation/items.csv").set_index("name")
    assert table.loc[name, "seconds"] == 0.5
    heard, _ = soundfile.read(project / f"reports/evaluation/audio/reconstruction/{name}.input.flac")
    whole, _ = soundfile.read(project / "data/normalized/test/take_01.flac")
    assert np.array_equal(heard, whole[-8000:])
    assert "test/take_01.flac, 1.5 to 2 s" in (project / "reports/evaluation/index.html").read_text()


def test_the_same_project_gives_the_same_bytes(project, params, tmp_path_factory, monkeypatch):
    evaluate(params)
    first = digests(project / "reports/evaluation")
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if threads > 1 else 2)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    project.rename(elsewhere)
    monkeypatch.chdir(elsewhere)
    try:
        evaluate(params)
    finally:
        torch.set_num_threads(threads)
    assert digests(elsewhere / "reports/evaluation") == first


def test_the_page_finds_what_lies_beside_it_and_escapes_names(project, params, tone, rate):
    soundfile.write(project / "inputs/<b>&'\"#.wav", tone(250.0), rate)
    evaluate(params)
    reports = project / "reports/evaluation"
    page = (reports / "index.html").read_text()
    assert "&lt;b&gt;&amp;&#39;&#34;#.wav" in page and "<b>&" not in page
    beside = [unquoted(link) for link in re.findall(r'(?:src|href)="(?!data:|#)([^"]+)"', page)]
    assert len(beside) == 6 * 2 + 6 * 3 + 4 + 1, "files to open, pictures, those of the target, items.csv"
    assert all((reports / link).is_file() for link in beside)
    sounds = [unescape(key) for key in re.findall(r'data-sound="([^"]+)"', page)]
    assert len(sounds) == 16 and all((reports / f"page/{key}.js").is_file() for key in sounds)
    assert str(project) not in page


def unquoted(link: str) -> str:
    return unquote(unescape(link))


def test_an_unreadable_input_is_listed_and_the_rest_goes_on(project, params):
    (project / "inputs/broken.wav").write_bytes(b"not a sound")
    metrics = evaluate(params)
    assert metrics["transfer"]["f0_rca50"] == 1.0
    table = pd.read_csv(project / "reports/evaluation/items.csv").set_index("name")
    assert table.loc["broken", "status"].startswith("skipped: does not decode")
    page = (project / "reports/evaluation/index.html").read_text()
    assert "could not be read" in page and "broken.wav" in page


def test_an_unreadable_take_takes_no_other_with_it(project, params):
    (project / "data/normalized/test/take_02.flac").write_bytes(b"not a sound")
    metrics = evaluate(params)
    assert metrics["reconstruction"]["f0_within_50_cents"] == 1.0
    told = summary()["reconstruction.onset_f"]
    assert told["items"] == 1 and "target" in told["anchors"], "the take itself, half its length later"


def test_no_readable_input_is_an_error_that_leaves_no_report(project, params):
    for path in (project / "inputs").iterdir():
        path.write_bytes(b"not a sound")
    with pytest.raises(UserError, match=r"inputs: none of the 3 recordings can be read.*flute\.wav"):
        evaluate(params)
    assert not (project / "reports/evaluation").exists()
    assert not list((project / "reports").iterdir())


def test_without_held_out_recordings_it_warns_and_goes_on(project, params, capsys):
    (project / "data/cache/manifest.json").write_text(json.dumps({"files": []}))
    metrics = evaluate(params)
    assert "warning: no held-out recordings" in capsys.readouterr().err
    assert metrics["reconstruction"]["mss"] is None and metrics["transfer"]["ltas_db"] is None
    assert metrics["transfer"]["f0_rca50"] == 1.0
    assert "no held-out recordings" in (project / "reports/evaluation/index.html").read_text()


def test_sounds_over_full_scale_are_turned_down_in_their_file_alone(project, params, tone, rate):
    loud = (30 * tone(300.0)).astype(np.float32)
    soundfile.write(project / "inputs/loud.wav", loud, rate, subtype="FLOAT")
    evaluate(params)
    table = pd.read_csv(project / "reports/evaluation/items.csv").set_index("name")
    gain_db = table.loc["loud", "input_file_gain_db"]
    written, _ = soundfile.read(project / "reports/evaluation/audio/transfer/loud.input.flac")
    assert gain_db < -10 and written == pytest.approx(loud * 10 ** (gain_db / 20), abs=1e-5)
    assert "peaks over full scale" in (project / "reports/evaluation/index.html").read_text()
