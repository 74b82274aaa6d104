"""Exported files in a host of our own, which calls them in a fresh process as nn~, RAVE-VST and Neutone do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.nn_tilde import buffer_delay, through_two_objects

from timbre.export.verify import measured_delay

RATE = 16000
TWO_PARTS = {"ddsp": "features,controls", "noise_bands": "features,controls"}
BLOCKS = [64, 128, 480, 512, 1024, 2048, 3000, 4096]
CHANGING = [64, 480, 1024, 3000, 96]
# What comes after the sound, so that all of it is played.
AFTER_SAMPLES = 6144
SHORT_SAMPLES = 6000


class Session:
    """Commands for one run of the host, the sound files that it reads and writes, and its answers."""

    def __init__(self, host, folder: Path, model) -> None:
        self.host, self.folder, self.model = host, folder, model
        self.commands: list[str] = []
        self.rows: dict[str, int] = {}
        self.places: dict[str, int] = {}
        self.answers: list[dict] = []

    def say(self, command: str, called: str | None = None, **words) -> None:
        """Note a command; its answer is then known by the name `called`."""
        self.places[called or f"command {len(self.commands)}"] = len(self.commands)
        self.commands.append(" ".join([command, *(f"{key}={value}" for key, value in words.items())]))

    def load(self, *instances: str) -> None:
        """Note that instances of the model are to be loaded."""
        for instance in instances:
            self.say("load", f"load {instance}", model=instance, file=self.model.path)

    def sound(self, name: str, audio: np.ndarray) -> None:
        """Write what `play` may read as `name`: [rows, samples]."""
        np.ascontiguousarray(audio, dtype=np.float32).tofile(self.folder / name)
        self.rows[name] = len(audio)

    def play(self, sound: str, out: str, blocks, model: str = "a", buffer: int = 256, **words) -> None:
        """Note that instances, reset before, are to play a sound; the answer is known by the name of the output."""
        if not words.pop("goes_on", False):
            for instance in model.split(","):
                self.say("reset", model=instance)
        blocks = ",".join(map(str, [blocks] if isinstance(blocks, int) else blocks))
        words = {"methods": "forward"} | words
        files = {"in": self.folder / sound, "rows": self.rows[sound], "out": self.folder / out}
        self.say("play", out, model=model, buffer=buffer, blocks=blocks, **words, **files)

    def run(self) -> Session:
        """Have a host obey."""
        self.answers = self.host(self.commands)
        return self

    def answer(self, called: str) -> dict:
        """What the host said to a command. Instances that play together answer one by one: only to be asked before."""
        return self.answers[self.places[called]]

    def played(self, out: str) -> np.ndarray:
        """What was played, [rows, samples]."""
        return np.fromfile(self.folder / out, dtype=np.float32).reshape(self.answer(out)["rows"], -1)


def buffer_of_nn_tilde(block: int, hop: int) -> int:
    """The next power of two that is no less than the greatest ratio."""
    return max(hop, 1 << (block - 1).bit_length())


def later(audio: np.ndarray, samples: int) -> np.ndarray:
    """Sound later by some samples, as long as it was."""
    return np.pad(audio, ((0, 0), (samples, 0)))[:, : audio.shape[1]]


@pytest.fixture(scope="module", params=["ddsp", "noise_bands", "rave", "rave_stereo"])
def nn_tilde(request, host, exported, tmp_path_factory) -> Session:
    """One run of the host with three instances of a model, played the nn~ way."""
    model = exported(request.param)
    session = Session(host, tmp_path_factory.mktemp("host"), model)
    short = model.audio[:, :SHORT_SAMPLES]
    batch = [later(short, late) * np.float32(1.0 / (1 + late / 3000)) for late in (0, 1000, 2000, 3000)]
    session.sound("whole", np.pad(model.audio, ((0, 0), (0, AFTER_SAMPLES))))
    session.sound("first", short)
    session.sound("then", model.audio[:, SHORT_SAMPLES:])
    session.sound("all_four", np.concatenate(batch))
    for index, sound in enumerate(batch):
        session.sound(f"sound_{index}", sound)
    session.load("a", "b", "c")
    session.play("then", "fresh", 480, model="c", goes_on=True)
    for block in BLOCKS:
        session.play("whole", str(block), block, buffer=block)
    session.play("whole", "changing", CHANGING, buffer=1)
    session.play("whole", "worker", 64, buffer=300, worker=1)
    for buffer in (512, 2048):
        session.play(
            "whole", f"code_{buffer}", 64, buffer=buffer, methods=TWO_PARTS.get(request.param, "encode,decode")
        )
    session.play("first", "before", 480)
    session.play("then", "went_on", 480, goes_on=True)
    session.play("then", "after_reset", 480)
    session.play("first", "wrong", 100, buffer=100, exact=1)
    session.play("first", "right_again", 480, goes_on=True)
    for index in range(4):
        session.play(f"sound_{index}", f"alone_{index}", 64)
    session.play("all_four", "together", 64)
    for control in model.network.controls:
        session.say("set", model="a", name=control.name, value=control.least)
        session.say("get", f"least {control.name}", model="a", name=control.name)
        session.say("set", model="a", name=control.name, value=1e9)
        session.say("get", f"beyond {control.name}", model="a", name=control.name)
    session.say("set", model="a", name=control.name, value="nan")
    session.say("get", "after no number", model="a", name=control.name)
    session.say("get", "no such control", model="a", name="no_such_control")
    session.play("first", "turned", 480)
    session.play("whole", "threads", CHANGING, model="b,c", buffer=1, threads=1)
    session.play("whole", "turns", CHANGING, model="b,c", buffer=1)
    return session.run()


def test_every_host_block_plays_what_the_network_plays_later_by_what_is_told(nn_tilde, snr_db):
    network, offline = nn_tilde.model.network, nn_tilde.model.offline
    buffers = {str(block): (block, buffer_of_nn_tilde(block, network.hop)) for block in BLOCKS}
    buffers |= {"changing": (CHANGING, network.hop), "worker": (64, 512)}
    for run, (blocks, buffer) in buffers.items():
        answer, played = nn_tilde.answer(run), nn_tilde.played(run)
        waits, delay = buffer_delay(buffer, blocks, worker=run == "worker"), answer["delay"]
        assert answer["error"] == ""
        assert delay == network.delay + waits
        assert measured_delay(offline, played, AFTER_SAMPLES) == delay
        assert not played[:, :waits].any()
        assert snr_db(offline, played[:, delay : delay + offline.shape[1]]) >= 100, run
        assert 0 < answer["median_ms"] <= answer["p99_ms"]


@pytest.mark.parametrize("buffer", (512, 2048))
def test_the_code_goes_from_one_object_to_the_next(nn_tilde, snr_db, buffer):
    network, answer = nn_tilde.model.network, nn_tilde.answer(f"code_{buffer}")
    waits = buffer_delay(buffer, 64)
    wanted = through_two_objects(network, nn_tilde.model.audio, waits)
    assert answer["error"] == ""
    assert answer["delay"] == network.delay + waits // network.hop * network.hop + waits
    got = nn_tilde.played(f"code_{buffer}")[:, waits : waits + wanted.shape[1]]
    assert snr_db(wanted, got) >= 100


def test_a_reset_in_mid_stream_makes_a_fresh_one_of_it(nn_tilde):
    fresh = nn_tilde.played("fresh")
    assert np.array_equal(fresh, nn_tilde.played("after_reset"))
    assert not np.array_equal(fresh, nn_tilde.played("went_on"))


def test_a_block_that_is_not_legal_is_told_and_leaves_no_trace(nn_tilde):
    hop = nn_tilde.model.network.hop
    assert f"{hop}, {2 * hop}, {3 * hop}" in nn_tilde.answer("wrong")["error"]
    assert not nn_tilde.played("wrong").any()
    assert np.array_equal(nn_tilde.played("before"), nn_tilde.played("right_again"))


def test_a_batch_of_four_is_four_streams(nn_tilde, snr_db):
    channels = nn_tilde.model.network.channels
    together = nn_tilde.played("together").reshape(4, channels, -1)
    for index in range(4):
        assert snr_db(nn_tilde.played(f"alone_{index}"), together[index]) >= 100


def test_methods_and_attributes_are_read_and_set_as_nn_tilde_does(nn_tilde):
    network, loaded = nn_tilde.model.network, nn_tilde.answer("load a")
    methods = dict(loaded["methods"])
    (_, to_code), (_, from_code) = [item for item in methods.items() if item[0] != "forward"]
    assert methods["forward"] == [network.channels, 1, network.channels, 1]
    assert to_code == [network.channels, 1, to_code[2], network.hop]
    assert from_code == [to_code[2], network.hop, network.channels, 1]
    assert loaded["attributes"] == {control.name: f"{control.default:f}" for control in network.controls}
    for control in network.controls:
        assert nn_tilde.answer(f"least {control.name}")["value"] == f"{control.least:f}"
        assert nn_tilde.answer(f"beyond {control.name}")["value"] == f"{control.most:f}"
    assert nn_tilde.answer("after no number")["value"] == f"{control.most:f}"
    assert "error" in nn_tilde.answer("no such control")
    assert not np.array_equal(nn_tilde.played("before"), nn_tilde.played("turned"))


def instances_equal(session: Session, alone: str) -> bool:
    """Whether two instances, in turn and in threads, played what one plays alone."""
    pieces = [session.folder / f"{how}.{instance}" for how in ("turns", "threads") for instance in "bc"]
    wanted = session.played(alone).ravel()
    return bool(wanted.any()) and all(np.array_equal(wanted, np.fromfile(path, np.float32)) for path in pieces)


def test_two_instances_at_once_play_as_one_alone(nn_tilde):
    assert instances_equal(nn_tilde, "changing")


def test_a_file_that_is_no_model_is_told(host, tmp_path):
    (tmp_path / "model.ts").write_bytes(b"not a model")
    assert "error" in host([f"load model=a file={tmp_path / 'model.ts'}"])[0]


def test_rave_vst_hears_both_sides_with_noise_for_what_the_code_leaves_out(host, exported, tmp_path, snr_db):
    model, buffer = exported("rave"), 512
    network = model.network
    session = Session(host, tmp_path, model)
    session.sound("whole", model.audio)
    session.load("a")
    session.play("whole", "out", 64, buffer=buffer, vst=1)
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
    assert session.answer("out") | {"error": "", "rows": 2, "delay": network.delay + waits} == session.answer("out")
    got = session.played("out")[:, waits:]
    assert got.shape[1] > whole - buffer
    assert snr_db(wanted[:, : got.shape[1]], got) >= 100
    assert np.abs(got[0] - got[1]).max() > 1e-4


@pytest.fixture(scope="module", params=["ddsp", "rave_stereo"])
def neutone(request, host, neutone_exported, tmp_path_factory) -> Session:
    """One run of the host with three instances of a model, played the Neutone way."""
    model = neutone_exported(request.param)
    session = Session(host, tmp_path_factory.mktemp("host"), model)
    session.sound("whole", np.pad(model.audio, ((0, 0), (0, AFTER_SAMPLES))))
    session.load("a", "b", "c")
    for block in BLOCKS:
        session.play("whole", str(block), block, buffer=block, rate=RATE)
    # To be told rate and block resets it.
    session.play("whole", "again", 480, buffer=480, rate=RATE, goes_on=True)
    session.play("whole", "changing", CHANGING, buffer=1024, rate=RATE)
    session.say("set", model="a", name=0, value=1)
    session.play("whole", "turned", 480, buffer=480, rate=RATE)
    session.play("whole", "threads", 480, model="b,c", buffer=480, rate=RATE, threads=1)
    session.play("whole", "turns", 480, model="b,c", buffer=480, rate=RATE)
    return session.run()


def test_neutone_plays_every_host_block_later_by_what_it_tells(neutone, snr_db):
    network, offline = neutone.model.network, neutone.model.offline
    for run in [*map(str, BLOCKS), "changing"]:
        answer, played = neutone.answer(run), neutone.played(run)
        delay = answer["delay"]
        assert answer["error"] == ""
        assert measured_delay(offline, played, AFTER_SAMPLES) == delay
        assert snr_db(offline, played[:, delay : delay + offline.shape[1]]) >= 100, run
    # A block that is itself one of the model's waits for nothing.
    assert neutone.answer("512")["delay"] == network.delay


def test_neutone_begins_anew_and_turns_its_knobs(neutone):
    assert np.array_equal(neutone.played("480"), neutone.played("again"))
    assert np.abs(neutone.played("480") - neutone.played("turned")).max() > 1e-4


def test_two_neutone_instances_at_once_play_as_one_alone(neutone):
    assert instances_equal(neutone, "480")
