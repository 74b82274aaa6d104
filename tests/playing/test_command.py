"""`timbre render`: files and folders through a model."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path, PurePath

import numpy as np
import pytest
import soundfile
import soxr
import torch
from support.played import RATE, DelayLine, Knobs

from timbre import __main__
from timbre.playing.command import Sound, output_names
from timbre.playing.torchscript import TorchScriptPlayer

ROOT = Path(__file__).resolve().parents[2]


def noise(samples: int, channels: int = 1, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, level, (samples, channels)).astype(np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """A folder with delay lines of one and two channels, and a model with controls."""
    folder = tmp_path_factory.mktemp("models")
    torch.jit.script(DelayLine(100, hop=64)).save(str(folder / "mono.ts"))
    torch.jit.script(DelayLine(100, channels=2)).save(str(folder / "stereo.ts"))
    torch.jit.script(Knobs()).save(str(folder / "knobs.ts"))
    return folder


@pytest.fixture
def command(models, tmp_path, monkeypatch, capsys):
    """Runs `timbre render` in a fresh folder; returns its exit status and the lines of both channels."""
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str, model: str = "mono.ts") -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "argv", ["timbre", "render", *arguments, "--model", str(models / model)])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        told = capsys.readouterr()
        return ended.value.code, told.out.splitlines(), told.err

    yield run
    signal.signal(signal.SIGTERM, handler)


def written(path: str) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


@pytest.mark.parametrize("block", ["1", "100", "4096"])
def test_a_file_comes_out_as_long_as_it_went_in_and_in_its_place(command, block):
    audio = noise(5000)
    soundfile.write("voice.wav", audio, RATE, subtype="FLOAT")
    code, lines, _ = command("voice.wav", "-o", "played", "--block", block)
    assert code == 0
    assert written("played/voice.wav") == pytest.approx(audio, abs=2**-23)
    info = soundfile.info("played/voice.wav")
    assert (info.samplerate, info.subtype, info.format) == (RATE, "PCM_24", "WAV")
    peak = f"peak {20 * np.log10(np.abs(audio).max()):.1f} dBFS"
    assert lines[0].endswith(f"blocks of {64 * -(-int(block) // 64)}. Inputs are converted to that, outputs stay so.")
    assert "16000 Hz, mono, delay of 100 samples (6 ms) taken out" in lines[0]
    assert lines[1].startswith(f"voice.wav -> played/voice.wav: 0.31 s, {peak}, ")
    assert lines[-1].startswith("render: 1 file in played, 16000 Hz mono WAV: 0.31 s of sound, highest peak ")
    assert lines[-1].endswith(" times real time.")
    assert os.listdir("played") == ["voice.wav"]


def test_rate_and_channels_are_converted(command):
    sides = noise(22050, channels=2)
    soundfile.write("sides.wav", sides, 44100, subtype="FLOAT")
    soundfile.write("middle.wav", noise(4000), RATE, subtype="FLOAT")
    assert command("sides.wav", "middle.wav", "-o", "mono")[0] == 0
    expected = soxr.resample(sides.mean(axis=1), 44100, RATE, quality="VHQ")[:, None]
    assert written("mono/sides.wav") == pytest.approx(expected, abs=2**-22)
    assert command("sides.wav", "middle.wav", "-o", "stereo", model="stereo.ts")[0] == 0
    expected = soxr.resample(sides, 44100, RATE, quality="VHQ")
    assert written("stereo/sides.wav") == pytest.approx(expected, abs=2**-22)
    assert written("stereo/middle.wav") == pytest.approx(np.repeat(noise(4000), 2, axis=1), abs=2**-23)


def test_bad_files_are_named_and_stop_nothing(command):
    os.makedirs("in/deep")
    os.makedirs("nothing")
    Path("in/text.wav").write_text("no sound")
    Path("in/empty.wav").write_bytes(b"")
    Path("in/song.m4a").write_bytes(b"m4a")
    soundfile.write("in/no samples.wav", np.zeros(0), RATE)
    soundfile.write("in/nan.wav", np.full(100, np.nan), RATE, subtype="FLOAT")
    soundfile.write("in/short.flac", noise(320), RATE)
    soundfile.write("in/deep/silence.ogg", np.zeros(2000), RATE)
    code, lines, told = command("in", "nothing", "missing.wav", "-o", "played")
    assert code == 1
    for line in (
        "skipped: in/text.wav does not decode",
        "skipped: in/empty.wav is empty (0 bytes)",
        "skipped: in/song.m4a is of a format that is not read here",
        "skipped: in/no samples.wav holds no samples",
        "skipped: in/nan.wav holds samples that are not numbers",
        "skipped: nothing is a folder without sounds",
        "skipped: missing.wav cannot be opened",
    ):
        assert told.count(line) == 1
    assert sorted(path.name for path in Path("played").rglob("*") if path.is_file()) == ["short.wav", "silence.wav"]
    assert len(written("played/short.wav")) == 320
    assert len(written("played/deep/silence.wav")) == 2000
    assert "in/deep/silence.ogg -> played/deep/silence.wav: 0.12 s, silent, " in "\n".join(lines)
    assert lines[-1].startswith("render: 2 files in played,")
    assert lines[-1].endswith(" 7 skipped, named above.")


def test_where_nothing_can_be_read_nothing_is_made(command):
    Path("text.wav").write_text("no sound")
    code, lines, _ = command("text.wav", "-o", "played")
    assert code == 1
    assert lines[-1] == "render: no file made. 1 skipped, named above."


def test_over_full_scale_it_is_written_as_floats_and_said(command):
    audio = noise(3000)
    audio[1000] = 0.9
    soundfile.write("loud.wav", audio, RATE, subtype="FLOAT")
    code, lines, _ = command("loud.wav", "-o", "played", "--set", "input_gain_db=12", model="knobs.ts")
    assert code == 0
    assert soundfile.info("played/loud.wav").subtype == "FLOAT"
    assert written("played/loud.wav") == pytest.approx(audio * 10 ** (12 / 20), rel=1e-6)
    assert "peak +11.1 dBFS, so written as 32-bit float, which does not clip: turn it down by 11.1 dB" in lines[1]
    assert "highest peak +11.1 dBFS (played/loud.wav)" in lines[-1]
    assert lines[-1].endswith(" 1 over full scale, as 32-bit float.")


def test_several_controls_are_set_and_the_others_keep_their_defaults(command):
    soundfile.write("voice.wav", noise(3000, level=0.01), RATE, subtype="FLOAT")
    for given, gain_db in (([], 6), (["--set", "input_gain_db=-3"], -3), (["--set", "harmonic_noise_balance=0"], 6)):
        assert command("voice.wav", "-o", "played", *given, model="knobs.ts")[0] == 0
        expected = noise(3000, level=0.01) * 10 ** (gain_db / 20)
        assert written("played/voice.wav") == pytest.approx(expected, abs=2**-23)
    for given in (
        ["input_gain_db=0", "harmonic_noise_balance=1"],
        ["input_gain_db=0", "--set", "harmonic_noise_balance=1"],
    ):
        assert command("voice.wav", "-o", "played", "--set", *given, model="knobs.ts")[0] == 0
        assert np.abs(written("played/voice.wav")).max() == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (
            "gain=3",
            "no control `gain`. Its controls are:\n  input_gain_db: from -24 to 24 dB, by default 6\n  harmonic",
        ),
        ("help", "takes CONTROL=VALUE, not `help`; inputs stand before it. Its controls are:\n  input_gain_db: from"),
        ("input_gain_db=loud", "`loud` is no number. Its controls are:\n  input_gain_db: from -24"),
        ("input_gain_db=", "`` is no number."),
        ("input_gain_db=nan", "input_gain_db=nan is not legal. Write a number from -24 to 24 dB."),
        ("input_gain_db=25", "input_gain_db=25 is not legal. Write a number from -24 to 24 dB."),
    ],
)
def test_a_wrong_setting_is_told_before_anything_is_made(command, setting, told):
    soundfile.write("voice.wav", noise(300), RATE)
    code, lines, error = command("voice.wav", "-o", "played", "--set", setting, model="knobs.ts")
    assert (code, lines) == (1, [])
    assert error.startswith("error: ")
    assert told in error
    assert not Path("played").exists()


@pytest.mark.parametrize(
    "arguments", [("-o", "x", "--block", "0"), ("-o", "x", "--block", "1.5"), ("v.wav",), ("-o", "x")]
)
def test_a_wrong_command_line_is_told(command, arguments):
    code, _, error = command(*arguments)
    assert code == 2
    assert "usage: timbre render" in error


def test_no_input_is_ever_overwritten(command):
    os.makedirs("in")
    soundfile.write("in/voice.wav", noise(300), RATE)
    before = Path("in/voice.wav").read_bytes()
    code, _, error = command("in", "-o", "in")
    assert code == 1 and "is the folder of the inputs" in error
    code, _, error = command("in/voice.wav", "-o", "in")
    assert code == 1 and "in/voice.wav is an input" in error
    os.makedirs("out")
    os.link("in/voice.wav", "out/voice.wav")
    code, _, error = command("in/voice.wav", "-o", "out")
    assert code == 1 and "out/voice.wav is an input" in error
    assert Path("in/voice.wav").read_bytes() == before
    code, _, error = command("in/voice.wav", "-o", "in/voice.wav")
    assert code == 1 and "cannot be a folder" in error


def test_what_was_made_is_no_input_of_the_next_run(command):
    soundfile.write("voice.wav", noise(300), RATE)
    for _ in range(2):
        assert command(".", "-o", "played")[0] == 0
        assert [path.name for path in Path("played").rglob("*")] == ["voice.wav"]


def test_an_output_that_cannot_be_written_stops_nothing(command):
    for name in ("a.wav", "b.wav"):
        soundfile.write(name, noise(300), RATE)
    os.makedirs("played/a.wav")
    code, _, told = command("a.wav", "b.wav", "-o", "played")
    assert code == 1
    assert "skipped: a.wav is not rendered: the output cannot be written (Is a directory)" in told
    assert sorted(path.name for path in Path("played").rglob("*")) == ["a.wav", "b.wav"]


def test_an_older_output_stays_where_the_new_one_fails(command, models):
    soundfile.write("voice.wav", noise(300), RATE)
    assert command("voice.wav", "-o", "played")[0] == 0
    before = Path("played/voice.wav").read_bytes()
    torch.jit.script(DelayLine(100, gain=float("nan"))).save(str(models / "nan.ts"))
    code, _, told = command("voice.wav", "-o", "played", model="nan.ts")
    assert code == 1
    assert "skipped: voice.wav is not rendered: " in told and "not numbers" in told
    assert os.listdir("played") == ["voice.wav"]
    assert Path("played/voice.wav").read_bytes() == before


def test_names_never_meet():
    def names(*given: tuple[str, str]) -> list[str]:
        return [str(name) for name in output_names([Sound(Path(path), Path(folder), 1.0) for path, folder in given])]

    assert names(("in/a.wav", "in"), ("in/deep/a.flac", "in")) == ["a.wav", "deep/a.wav"]
    assert names(("in/a.wav", "in"), ("in/a.flac", "in"), ("in/b.mp3", "in")) == ["a.wav.wav", "a.flac.wav", "b.wav"]
    assert names(("one/a.wav", "one"), ("two/A.wav", "two")) == ["one/a.wav", "two/A.wav"]
    assert names(("x/in/a.wav", "x/in"), ("y/in/a.wav", "y/in")) == ["a.wav", "a-2.wav"]
    assert names(("in/a-1.5 s.wav", "in")) == ["a-1.5 s.wav"]
    several = names(*[("one/a.wav", "one"), ("in/one/a.wav", "in"), ("two/a.wav", "two"), ("in/two/a.wav", "in")] * 2)
    assert len({name.casefold() for name in several}) == 8
    assert all(PurePath(name).suffix == ".wav" for name in several)


def test_the_same_file_is_played_once(command):
    soundfile.write("voice.wav", noise(300), RATE)
    code, lines, _ = command("voice.wav", "./voice.wav", ".", "-o", "played")
    assert code == 0
    assert lines[-1].startswith("render: 1 file in ")


@pytest.mark.skipif(os.name != "posix", reason="names are text elsewhere")
def test_a_name_that_is_not_utf8_is_rendered_and_shown(command):
    os.makedirs("in")
    name = os.fsdecode(b"in/\xe9t\xe9.wav")
    soundfile.write(os.fsencode(name), noise(300), RATE, format="WAV", subtype="PCM_24")
    code, lines, _ = command("in", "-o", "played")
    assert code == 0
    assert os.listdir(b"played") == [b"\xe9t\xe9.wav"]
    assert "\\udce9t\\udce9.wav" in lines[-1]


def test_ctrl_c_leaves_what_is_whole_and_nothing_half(command, monkeypatch):
    calls, whole = [], TorchScriptPlayer._play

    def stopped(player, block):
        calls.append(1)
        if len(calls) == 15:  # of ten for each file
            signal.raise_signal(signal.SIGINT)
        return whole(player, block)

    monkeypatch.setattr(TorchScriptPlayer, "_play", stopped)
    for name in ("a.wav", "b.wav"):
        soundfile.write(name, noise(9 * 128), RATE)
    code, _, told = command("a.wav", "b.wav", "-o", "played", "--block", "128")
    assert code == 130
    assert told.splitlines()[-1].startswith("stopped. ")
    assert os.listdir("played") == ["a.wav"]
    assert len(written("played/a.wav")) == 9 * 128


def test_it_is_a_module_and_a_script():
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    ran = subprocess.run([sys.executable, "-m", "timbre"], env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("usage: timbre [-h] COMMAND")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"timbre": f"{__main__.__name__}:{__main__.main.__name__}"}


def test_help_tells_every_option(monkeypatch, capsys):
    for arguments, told in ((["--help"], ["render"]), (["render", "--help"], ["--model", "--block", "--set", "-o"])):
        monkeypatch.setattr(sys, "argv", ["timbre", *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        assert ended.value.code == 0
        out = capsys.readouterr().out
        assert all(word in out for word in told)
