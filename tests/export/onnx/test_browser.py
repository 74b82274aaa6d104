"""The page in docs/browser plays model.onnx in a real browser as onnxruntime does here."""

import base64
import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.browser import browser, needs_chromium, served

PAGE = Path(__file__).parents[3] / "docs/browser"
VERSION = re.search(r'VERSION = "(.+)"', (PAGE / "player.js").read_text())[1]
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def runtime(request) -> Path:
    """ONNX Runtime Web: the folder in TIMBRE_ONNXRUNTIME_WEB, or npm's package, kept in pytest's cache."""
    if given := os.environ.get("TIMBRE_ONNXRUNTIME_WEB"):
        return Path(given)
    kept = Path(request.config.cache.mkdir(f"onnxruntime-web-{VERSION}"))
    if not all((kept / name).is_file() for name in FILES):
        if shutil.which("npm") is None:
            pytest.skip("no npm to fetch onnxruntime-web with, and no folder in TIMBRE_ONNXRUNTIME_WEB")
        command = ["npm", "pack", f"onnxruntime-web@{VERSION}", "--silent"]
        try:
            done = subprocess.run(command, cwd=kept, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not fetch onnxruntime-web {VERSION} within two minutes")
        if done.returncode != 0:
            pytest.skip(f"npm does not fetch onnxruntime-web {VERSION}: {done.stderr.strip()[-300:]}")
        packed = kept / done.stdout.strip().splitlines()[-1]
        with tarfile.open(packed) as package:
            for name in FILES:
                (kept / name).write_bytes(package.extractfile(f"package/dist/{name}").read())
        packed.unlink()
    return kept


@pytest.fixture(scope="module")
def page(runtime, made, song, tmp_path_factory):
    """The page with a DDSP model beside it and a stereo RAVE model to choose, and a sound for each."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(PAGE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("onnxruntime-web"))
    (folder / "onnxruntime-web").mkdir()
    for name in FILES:
        shutil.copy(runtime / name, folder / "onnxruntime-web")
    for name, file in (("ddsp", "model.onnx"), ("rave v1, discrete, stereo, snake", "stereo.onnx")):
        network, _, told = made(name)
        shutil.copy(told["path"], folder / file)
        soundfile.write(folder / f"{file}.wav", song(network).T, network.sample_rate, subtype="FLOAT")
    with served(folder) as url, browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.folder, opened.url = folder, url
        yield opened


def pressed(page, name: str) -> None:
    page.wait(f"!document.getElementById('{name}').disabled")
    page.run(f"document.getElementById('{name}').click()")


def rendered(page, sound: Path) -> np.ndarray:
    """What the page makes of a file, [channels, samples]."""
    page.run("document.getElementById('rendered').hidden = true")
    page.give("#sound-file", sound)
    page.wait(f"document.getElementById('sound').textContent.startsWith({sound.name!r})")
    pressed(page, "render")
    page.wait("!document.getElementById('rendered').hidden")
    content = page.run(
        "fetch(document.getElementById('download').href).then((answer) => answer.arrayBuffer()).then((bytes) =>"
        "  btoa(new Uint8Array(bytes).reduce((text, byte) => text + String.fromCharCode(byte), '')))"
    )
    return soundfile.read(io.BytesIO(base64.b64decode(content)), dtype=np.float32, always_2d=True)[0].T


def wanted(made, name: str, song, **turned: float) -> np.ndarray:
    network, host, _ = made(name)
    for number, control in enumerate(network.controls):
        host.controls[number] = turned.get(control.name, control.default)
    audio = song(network)
    played = host.play_anew(np.pad(audio, ((0, 0), (0, network.delay + network.hop))))
    return played[:, network.delay : network.delay + audio.shape[1]]


def test_it_renders_a_file_as_onnxruntime_does_here(page, made, song, snr_db):
    page.open(f"{page.url}/index.html")
    page.wait("!document.getElementById('microphone').disabled")
    assert "16 kHz, mono" in page.run("document.getElementById('model').textContent")
    played = rendered(page, page.folder / "model.onnx.wav")
    assert snr_db(wanted(made, "ddsp", song), played) > 100
    page.run(
        "const slider = document.getElementById('control-pitch_shift_semitones');"
        "slider.value = 12; slider.oninput(); slider.valueAsNumber"
    )
    played = rendered(page, page.folder / "model.onnx.wav")
    assert snr_db(wanted(made, "ddsp", song, pitch_shift_semitones=12.0), played) > 100
    assert not page.said


def test_another_model_can_be_chosen(page, made, song, snr_db):
    page.open(f"{page.url}/index.html?model=model.onnx")
    page.wait("!document.getElementById('microphone').disabled")
    page.give("#model-file", page.folder / "stereo.onnx")
    page.wait("document.getElementById('model').textContent.includes('stereo.onnx')")
    page.wait("document.getElementById('control-temperature') !== null")
    played = rendered(page, page.folder / "stereo.onnx.wav")
    assert snr_db(wanted(made, "rave v1, discrete, stereo, snake", song), played) > 100


@pytest.mark.parametrize(("button", "state"), [("play-file", "playing model.onnx.wav"), ("microphone", "microphone")])
def test_it_plays_live(page, button, state):
    page.open(f"{page.url}/index.html?live={button}")
    page.wait("!document.getElementById('microphone').disabled")
    page.give("#sound-file", page.folder / "model.onnx.wav")
    page.wait("!document.getElementById('play-file').disabled")
    pressed(page, button)
    page.wait(f"document.getElementById('state').textContent.includes({state!r})")
    page.wait("/dB/.test(document.getElementById('in-level').textContent)")
    page.wait("/dB/.test(document.getElementById('out-level').textContent)")
    assert re.search(
        r"model \d+ ms, hop and answer \d+ ms", page.run("document.getElementById('delay-parts').textContent")
    )
    pressed(page, "stop")
    assert page.run("document.getElementById('state').textContent") == "silent"
    assert page.run("document.getElementById('message').textContent") == ""


def test_what_is_no_model_is_told(page):
    (page.folder / "other.onnx").write_bytes(b"\x08\x08\x12\x05other")
    page.open(f"{page.url}/index.html?model=other.onnx")
    assert page.wait("document.getElementById('message').textContent") == "This is no model.onnx of timbre."
    page.open(f"{page.url}/index.html?model=missing.onnx")
    assert "Choose a model.onnx" in page.wait("document.getElementById('message').textContent")
