"""Exported files in Pure Data, through a real nn~ external where TIMBRE_NN_TILDE names the folder that holds one.

The patch reads a sound into tables, plays them through nn~ into others and writes those: faster than real time and the
same in every run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from support.nn_tilde import buffer_delay, through_two_objects

RATE = 16000
# Pure Data's block.
BLOCK = 64
# nn~ keeps rings of 4096 samples for a model of one channel, whatever buffer it is asked for.
ONE_CHANNEL_BUFFER = 4096


class Patch:
    """The text of a Pure Data patch."""

    def __init__(self) -> None:
        self.lines = ["#N canvas 0 0 400 300 10"]
        self.cords: list[str] = []

    def add(self, kind: str, text: str) -> int:
        """An object or message; returns its number."""
        self.lines.append(f"#X {kind} 10 10 {text}")
        return len(self.lines) - 2

    def cord(self, source: int, outlet: int, target: int, inlet: int = 0) -> None:
        """From an outlet to an inlet."""
        self.cords.append(f"#X connect {source} {outlet} {target} {inlet}")

    def text(self) -> str:
        """As a file holds it."""
        return "".join(f"{line};\n" for line in self.lines + self.cords)


def patch_of(sides: int, samples: int, objects: list[tuple[str, int]], messages: list[str]) -> str:
    """A patch that plays in.wav through nn~ objects (arguments, channels that come out), after messages, to out.wav."""
    patch = Patch()
    start = patch.add("obj", "loadbang")
    first = patch.add("obj", "t b b b b b")  # from right to left
    patch.cord(start, 0, first)
    for side in range(sides):
        patch.add("obj", f"table heard{side}")
        patch.add("obj", f"table played{side} {samples}")
    tables = [" ".join(f"{name}{side}" for side in range(sides)) for name in ("heard", "played")]
    read, files = patch.add("msg", f"read -resize in.wav {tables[0]}"), patch.add("obj", "soundfiler")
    patch.cord(first, 4, read)
    patch.cord(read, 0, files)
    chain = [patch.add("obj", f"nn~ model.ts {arguments}") for arguments, _ in objects]
    for message in messages:
        told = patch.add("msg", message)
        patch.cord(first, 3, told)
        patch.cord(told, 0, chain[-1])
    patch.cord(first, 2, patch.add("msg", r"\; pd dsp 1"))
    for side in range(sides):
        player, writer = patch.add("obj", f"tabplay~ heard{side}"), patch.add("obj", f"tabwrite~ played{side}")
        patch.cord(first, 1, player)
        patch.cord(first, 1, writer)
        patch.cord(player, 0, chain[0], side)
        patch.cord(chain[-1], side, writer)
    for (source, target), (_, channels) in zip(pairwise(chain), objects, strict=False):
        for channel in range(channels):
            patch.cord(source, channel, target, channel)
    later, last = patch.add("obj", f"delay {1000 * samples / RATE + 50:g}"), patch.add("obj", "t b b b")
    patch.cord(first, 0, later)
    patch.cord(later, 0, last)
    write = patch.add("msg", f"write -wave -bytes 4 out.wav {tables[1]}")
    patch.cord(last, 2, write)
    patch.cord(write, 0, files)
    # It crashes if it is still at work when Pure Data quits; this waits for its work, and gives it no more.
    still = patch.add("msg", "enable 0, bufsize 4096")
    patch.cord(last, 1, still)
    for each in chain:
        patch.cord(still, 0, each)
    patch.cord(last, 0, patch.add("msg", r"\; pd quit"))
    return patch.text()


@pytest.fixture(scope="module")
def external() -> Path:
    """The folder with the external."""
    folder = os.environ.get("TIMBRE_NN_TILDE")
    if not folder:
        pytest.skip("TIMBRE_NN_TILDE names no folder with the nn~ external for Pure Data")
    if not list(Path(folder).glob("nn~.*")):
        pytest.fail(f"TIMBRE_NN_TILDE is {folder}, which holds no nn~ external (nn~.pd_linux)")
    if shutil.which("pd") is None:
        pytest.skip("Pure Data (pd) is not installed")
    return Path(folder)


@pytest.fixture
def pure_data(external, tmp_path):
    """Plays a model's sound through nn~ objects; returns what came out, [channels, samples]."""

    def run(model, objects: list[tuple[str, int]], late: int, messages: tuple[str, ...] = ()) -> np.ndarray:
        sides, samples = model.audio.shape[0], model.audio.shape[1] + late
        shutil.copy(model.path, tmp_path / "model.ts")
        soundfile.write(tmp_path / "in.wav", model.audio.T, RATE, subtype="FLOAT")
        (tmp_path / "patch.pd").write_text(patch_of(sides, samples, objects, list(messages)))
        options = ["-nogui", "-batch", "-stderr", "-nosound", "-noprefs", "-r", str(RATE)]
        command = ["pd", *options, "-path", external, "-lib", "nn~", "patch.pd"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert (tmp_path / "out.wav").exists(), done.stderr
        return soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)[0].T

    return run


@pytest.mark.parametrize(("name", "buffer"), [("ddsp", ONE_CHANNEL_BUFFER), ("rave", 4096), ("rave_stereo", 512)])
def test_forward_plays_what_the_network_plays_later_by_two_buffers(pure_data, exported, snr_db, name, buffer):
    model = exported(name)
    delay = model.network.delay + buffer_delay(buffer, BLOCK, worker=True)
    played = pure_data(model, [(f"forward {buffer}", model.network.channels)], delay)
    assert not played[:, : buffer_delay(buffer, BLOCK, worker=True)].any()
    assert snr_db(model.offline, played[:, delay:]) >= 100


@pytest.mark.parametrize("buffer", (512, 2048, 0))
@pytest.mark.parametrize(("name", "methods"), [("rave", "encode decode"), ("ddsp", "features controls")])
def test_the_code_goes_from_one_object_to_the_next(pure_data, exported, snr_db, name, methods, buffer):
    model = exported(name)
    # 0 is no worker, and a buffer of the greatest ratio.
    waits = buffer_delay(buffer or model.network.hop, BLOCK, worker=buffer > 0)
    code = model.network.encode_step(torch.zeros(1, 1, model.network.hop), model.network.initial_encoder_state(1))[0]
    first, second = methods.split()
    objects = [(f"{first} {buffer}", code.shape[1]), (f"{second} {buffer}", 1)]
    wanted = through_two_objects(model.network, model.audio, waits)
    assert np.abs(wanted).max() > 0.001
    played = pure_data(model, objects, 2 * waits)[:, waits:]
    assert snr_db(wanted, played[:, : wanted.shape[1]]) >= 100


def test_a_message_sets_an_attribute(pure_data, exported, snr_db):
    model = exported("ddsp")
    network = model.network
    place = [control.name for control in network.controls].index("loudness_offset_db")
    settings = network.settings.clone()
    network.settings[place] = -20.0
    with torch.no_grad():
        wanted = network(torch.from_numpy(model.audio)[None])[0].numpy()
    network.settings.copy_(settings)
    delay = network.delay + buffer_delay(ONE_CHANNEL_BUFFER, BLOCK, worker=True)
    played = pure_data(model, [(f"forward {ONE_CHANNEL_BUFFER}", 1)], delay, ("set loudness_offset_db -20",))
    assert snr_db(wanted, played[:, delay:]) >= 100
    assert snr_db(model.offline, played[:, delay:]) < 20
