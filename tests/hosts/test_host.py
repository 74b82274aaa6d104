"""Exported files in a host of our own, which calls them in a fresh process as nn~, RAVE-VST and Neutone do."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from timbre.export.verify import measured_delay

RATE = 16000
NETWORKS = ["ddsp", "noise_bands", "rave", "rave_stereo"]
TWO_PARTS = {"ddsp": "features,controls", "noise_bands": "features,controls"}
BLOCKS = [64, 128, 480, 512, 1024, 2048, 3000, 4096]
CHANGING = [64, 480, 1024, 3000, 96]


class Session:
    """Commands for one run of the host, and the sound files that it reads and writes."""

    def __init__(self, host, folder: Path) -> None:
        self.host, self.folder = host, folder
        self.commands: list[str] = []
        self.rows: dict[str, int] = {}
        self.answers: list[dict] = []

    def say(self, command: str, **words) -> int:
        """Note a command; returns the place of its answer."""
        self.commands.append(" ".join([command, *(f"{key}={value}" for key, value in words.items())]))
        return len(self.commands) - 1

    def sound(self, name: str, audio: np.ndarray) -> None:
        """Write what `play` may read as `name`: [rows, samples]."""
        np.ascontiguousarray(audio, dtype=np.float32).tofile(self.folder / name)
        self.rows[name] = len(audio)

    def play(self, sound: str, out: str, blocks, model: str = "a", buffer: int = 256, **words) -> int:
        """Note that a model is to play a sound."""
        blocks = ",".join(map(str, [blocks] if isinstance(blocks, int) else blocks))
        words = {"model": model, "methods": "forward"} | words
        files = {"in": self.folder / sound, "rows": self.rows[sound], "out": self.folder / out}
        return self.say("play", **words, **files, buffer=buffer, blocks=blocks)

    def run(self) -> None:
        """Have a host obey."""
        self.answers = self.host(self.commands)

    def played(self, out: str, rows: int) -> np.ndarray:
        """What was played, [rows, samples]."""
        return np.fromfile(self.folder / out, dtype=np.float32).reshape(rows, -1)


@pytest.fixture
def session(host, tmp_path) -> Session:
    return Session(host, tmp_path)


def buffer_delay(buffer: int, blocks, worker: bool = False) -> int:
    """Delay of nn~'s ring buffers in samples."""
    return buffer - math.gcd(buffer, *np.atleast_1d(blocks)) + worker * buffer


def shifted(audio: np.ndarray, late: int) -> np.ndarray:
    """Sound later by some samples, as long as it was."""
    return np.pad(audio, ((0, 0), (late, 0)))[:, : audio.shape[1]]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_host_block_plays_what_the_network_plays_later_by_what_is_told(session, exported, snr_db, name):
    model = exported(name)
    session.sound("in", np.pad(model.audio, ((0, 0), (0, 6144))))
    session.say("load", model="a", file=model.path)
    # As nn~ does, the host takes the next power of two that is no less than the greatest ratio.
    least = model.network.hop
    runs = {block: (block, block, max(least, 1 << (block - 1).bit_length())) for block in BLOCKS}
    runs |= {"changing": (CHANGING, 1, least), "worker": (64, 300, 512)}
    places = {}
    for run, (blocks, buffer, _) in runs.items():
        session.say("reset", model="a")
        worker = {"worker": 1} if run == "worker" else {}
        places[run] = session.play("in", f"out{run}", blocks, buffer=buffer, **worker)
    session.run()
    for run, place in places.items():
        answer, played = session.answers[place], session.played(f"out{run}", len(model.audio))
        blocks, _, buffer = runs[run]
        waits = buffer_delay(buffer, blocks, worker=run == "worker")
        delay = answer["delay"]
        assert answer["error"] == ""
        assert delay == model.network.delay + waits
        assert measured_delay(model.offline, played, 6144) == delay
        assert not played[:, :waits].any()
        assert snr_db(model.offline, played[:, delay : delay + model.offline.shape[1]]) >= 100, run
        assert 0 < answer["median_ms"] <= answer["p99_ms"]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_code_goes_from_one_object_to_the_next(session, exported, snr_db, name):
    model, rows = exported(name), exported(name).network.channels
    network, hop = model.network, model.network.hop
    session.sound("in", np.pad(model.audio, ((0, 0), (0, 6144))))
    session.say("load", model="a", file=model.path)
    methods, places = TWO_PARTS.get(name, "encode,decode"), {}
    for buffer in (512, 2048):
        session.say("reset", model="a")
        places[buffer] = session.play("in", f"out{buffer}", 64, methods=methods, buffer=buffer)
    session.run()
    audio = torch.from_numpy(model.audio)[None, :, : model.audio.shape[1] // hop * hop]
    for buffer, place in places.items():
        # The second object waits as long as the first, and so whole frames of zeros come before the code.
        waits = buffer_delay(buffer, 64)
        frames = waits // hop
        with torch.no_grad():
            code, _ = network.encode_step(audio, network.initial_encoder_state(1))
            code = torch.nn.functional.pad(code, [frames, 0])
            wanted = network.decode_step(code, network.initial_decoder_state(1))[0][0].numpy()
        assert session.answers[place]["error"] == ""
        assert session.answers[place]["delay"] == network.delay + frames * hop + waits
        got = session.played(f"out{buffer}", rows)[:, waits : waits + wanted.shape[1]]
        assert snr_db(wanted[:, frames * hop :], got[:, frames * hop :]) >= 100


@pytest.mark.parametrize("name", ("ddsp", "rave_stereo"))
def test_two_instances_at_once_play_as_one_alone(session, exported, name):
    model, rows = exported(name), exported(name).network.channels
    session.sound("in", model.audio[:, :6000])
    for instance in "abc":
        session.say("load", model=instance, file=model.path)
    session.play("in", "alone", CHANGING, model="a")
    session.play("in", "threads", CHANGING, model="b,c", threads=1)
    for instance in "bc":
        session.say("reset", model=instance)
    session.play("in", "turns", CHANGING, model="b,c")
    session.run()
    alone = session.played("alone", rows)
    assert np.abs(alone).max() > 0.01
    for other in ("turns.b", "turns.c", "threads.b", "threads.c"):
        assert np.array_equal(alone, session.played(other, rows)), other


@pytest.mark.parametrize("name", NETWORKS)
def test_a_reset_in_mid_stream_makes_a_fresh_one_of_it(session, exported, name):
    model, rows = exported(name), exported(name).network.channels
    session.sound("first", model.audio[:, :5000])
    session.sound("then", model.audio[:, 5000:])
    session.say("load", model="a", file=model.path)
    session.say("load", model="fresh", file=model.path)
    session.play("then", "wanted", 480, model="fresh")
    session.play("first", "before", 480)
    session.play("then", "went_on", 480)
    session.say("reset", model="a")
    session.play("then", "after", 480)
    session.run()
    wanted = session.played("wanted", rows)
    assert np.array_equal(wanted, session.played("after", rows))
    assert not np.array_equal(wanted, session.played("went_on", rows))


@pytest.mark.parametrize("name", NETWORKS)
def test_methods_and_attributes_are_read_and_set_as_nn_tilde_does(session, exported, name):
    model, controls = exported(name), exported(name).network.controls
    loaded = session.say("load", model="a", file=model.path)
    places = {}
    for control in controls:
        session.say("set", model="a", name=control.name, value=control.most)
        places[control.name] = session.say("get", model="a", name=control.name)
        session.say("set", model="a", name=control.name, value=1e9)
        places[control.name, "beyond"] = session.say("get", model="a", name=control.name)
    refused = session.say("set", model="a", name=controls[0].name, value="nan")
    unknown = session.say("get", model="a", name="no_such_control")
    session.run()
    channels, hop, answers = model.network.channels, model.network.hop, session.answers
    assert answers[loaded]["methods"]["forward"] == [channels, 1, channels, 1]
    first, second = TWO_PARTS.get(name, "encode,decode").split(",")
    to_code, from_code = answers[loaded]["methods"][first], answers[loaded]["methods"][second]
    assert to_code == [channels, 1, to_code[2], hop]
    assert from_code == [to_code[2], hop, channels, 1]
    assert answers[loaded]["attributes"] == {control.name: f"{control.default:f}" for control in controls}
    for control in controls:
        assert answers[places[control.name]]["value"] == f"{control.most:f}"
        assert answers[places[control.name, "beyond"]]["value"] == f"{control.most:f}"
    assert "error" in answers[refused]
    assert "error" in answers[unknown]


def test_an_attribute_changes_the_sound(session, exported):
    model = exported("ddsp")
    session.sound("in", model.audio)
    session.say("load", model="a", file=model.path)
    session.play("in", "before", 64)
    session.say("reset", model="a")
    session.say("set", model="a", name="loudness_offset_db", value=-40)
    session.play("in", "after", 64)
    session.run()
    before, after = session.played("before", 1), session.played("after", 1)
    assert np.square(after).mean() < 0.1 * np.square(before).mean()


@pytest.mark.parametrize("name", ("ddsp", "rave_stereo"))
def test_a_batch_of_four_is_four_streams(session, exported, snr_db, name):
    model, rows = exported(name), exported(name).network.channels
    sounds = [
        shifted(model.audio[:, :6000], late) * np.float32(1.0 / (1 + late / 3000)) for late in (0, 1000, 2000, 3000)
    ]
    session.sound("all", np.concatenate(sounds))
    session.say("load", model="a", file=model.path)
    session.say("load", model="b", file=model.path)
    place = session.play("all", "together", 64)
    for index, sound in enumerate(sounds):
        session.sound(f"in{index}", sound)
        session.say("reset", model="b")
        session.play(f"in{index}", f"out{index}", 64, model="b")
    session.run()
    assert session.answers[place]["rows"] == 4 * rows
    together = session.played("together", 4 * rows)
    for index in range(4):
        assert snr_db(session.played(f"out{index}", rows), together[index * rows : (index + 1) * rows]) >= 100


@pytest.mark.parametrize("name", NETWORKS)
def test_a_block_that_is_not_legal_is_told_and_leaves_no_trace(session, exported, name):
    model, rows = exported(name), exported(name).network.channels
    session.sound("in", model.audio)
    session.say("load", model="a", file=model.path)
    session.play("in", "first", 64)
    session.say("reset", model="a")
    wrong = session.play("in", "wrong", 100, buffer=100, exact=1)
    session.play("in", "second", 64)
    session.run()
    hop = model.network.hop
    assert f"{hop}, {2 * hop}, {3 * hop}" in session.answers[wrong]["error"]
    assert np.abs(session.played("wrong", rows)).max() == 0
    assert np.array_equal(session.played("first", rows), session.played("second", rows))


def test_a_file_that_is_no_model_is_told(session, tmp_path):
    (tmp_path / "model.ts").write_bytes(b"not a model")
    place = session.say("load", model="a", file=tmp_path / "model.ts")
    session.run()
    assert session.answers[place]["error"]


def test_rave_vst_hears_both_sides_with_noise_for_what_the_code_leaves_out(session, exported, snr_db):
    model = exported("rave")
    network, buffer = model.network, 512
    session.sound("in", model.audio)
    session.say("load", model="a", file=model.path)
    place = session.play("in", "out", 64, buffer=buffer, vst=1)
    session.run()
    whole = model.audio.shape[1] // buffer * buffer
    torch.manual_seed(0)
    with torch.no_grad():
        code, _ = network.encode_step(torch.from_numpy(model.audio)[None, :, :whole], network.initial_encoder_state(1))
        sides = [[], []]
        for part in code.split(buffer // network.hop, dim=2):
            for side in sides:
                noise = torch.randn(1, network.latent_size - code.shape[1], part.shape[2])
                side.append(torch.cat([part, noise], dim=1))
        both = torch.cat([torch.cat(side, dim=2) for side in sides])
        wanted = network.decode_step(both, network.initial_decoder_state(2))[0][:, 0].numpy()
    waits = buffer_delay(buffer, 64)
    assert session.answers[place]["error"] == ""
    assert session.answers[place]["rows"] == 2
    assert session.answers[place]["delay"] == network.delay + waits
    got = session.played("out", 2)[:, waits:]
    assert got.shape[1] > whole - buffer
    assert snr_db(wanted[:, : got.shape[1]], got) >= 100
    assert np.abs(got[0] - got[1]).max() > 1e-4


NEUTONE = ["ddsp", "rave_stereo"]


@pytest.mark.parametrize("name", NEUTONE)
def test_neutone_plays_every_host_block_later_by_what_it_tells(session, neutone_exported, snr_db, name):
    model = neutone_exported(name)
    rows = model.network.channels
    session.sound("in", np.pad(model.audio, ((0, 0), (0, 6144))))
    session.say("load", model="a", file=model.path)
    runs = {block: (block, block) for block in BLOCKS} | {"changing": (CHANGING, 1024)}
    places = {}
    for run, (blocks, buffer) in runs.items():
        places[run] = session.play("in", f"out{run}", blocks, buffer=buffer, rate=RATE)
    session.run()
    for run, place in places.items():
        answer, played = session.answers[place], session.played(f"out{run}", rows)
        delay = answer["delay"]
        assert answer["error"] == ""
        assert measured_delay(model.offline, played, 6144) == delay
        assert snr_db(model.offline, played[:, delay : delay + model.offline.shape[1]]) >= 100, run
    # A block that is itself one of the model's waits for nothing.
    assert session.answers[places[512]]["delay"] == model.network.delay


@pytest.mark.parametrize("name", NEUTONE)
def test_neutone_instances_resets_and_knobs(session, neutone_exported, name):
    model = neutone_exported(name)
    rows = model.network.channels
    session.sound("in", model.audio)
    for instance in "abc":
        session.say("load", model=instance, file=model.path)
    words = {"buffer": 480, "rate": RATE}
    # To be told rate and block resets it.
    session.play("in", "alone", 480, model="a", **words)
    session.play("in", "turns", 480, model="b,c", **words)
    session.play("in", "threads", 480, model="b,c", threads=1, **words)
    session.play("in", "again", 480, model="a", **words)
    session.say("set", model="a", name=0, value=1)
    session.play("in", "turned", 480, model="a", **words)
    session.run()
    alone = session.played("alone", rows)
    for other in ("turns.b", "turns.c", "threads.b", "threads.c", "again"):
        assert np.array_equal(alone, session.played(other, rows)), other
    assert np.abs(alone - session.played("turned", rows)).max() > 1e-4
