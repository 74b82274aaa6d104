"""What judges an exported file."""

import itertools

import numpy as np
import pytest
import torch

from timbre.export.proof import broken_promises
from timbre.export.proof import test_signal as make_test_signal
from timbre.export.verify import (
    EQUAL_DB,
    SILENT_DB,
    examine,
    fixed,
    legal,
    level_dbfs,
    measured_delay,
    play,
    shuffled,
    snr_db,
)

SOUND = {
    "snr_db": {"64": 130.0, "random": 120.0},
    "parts_snr_db": 130.0,
    "first_run_equals_reset_run": True,
    "recovers_after_reset": True,
    "illegal_block_told": True,
    "delay_samples": 640,
    "fresh_silence_dbfs": -200.0,
    "silence_after_sound_dbfs": -120.0,
    "peaks": {"full-scale noise": 0.5, "direct current": 0.0},
}


class Delay(torch.nn.Module):
    """Plays its input some samples later, in hops of 50; some faults to choose from."""

    def __init__(
        self, samples: int, forgets: bool = True, hum: float = 0.0, channels: int = 1, strict: bool = True
    ) -> None:
        super().__init__()
        self.samples, self.forgets, self.hum, self.channels, self.strict = samples, forgets, hum, channels, strict
        self.hop, self.sample_rate = 50, 8000
        self.line = torch.zeros(1, channels, samples)
        self.heard = torch.zeros(1)

    @torch.jit.export
    def reset(self) -> None:
        self.line = torch.zeros(1, self.channels, self.samples)

    @torch.jit.export
    def set_control(self, name: str, value: float) -> None:
        pass

    @torch.jit.export
    def features(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def controls(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.strict and x.shape[2] % 50 != 0:
            raise ValueError("legal are 50, 100, ...")
        joined = torch.cat([self.line, torch.nan_to_num(x)], dim=2)
        self.line = joined[:, :, x.shape[2] :]
        if not self.forgets:
            self.heard = self.heard + 1e-6 * torch.nan_to_num(x).abs().sum()
        return joined[:, :, : x.shape[2]] * (1.0 + self.heard) + self.hum


def findings(tmp_path, model: Delay) -> dict:
    audio = make_test_signal(8000, model.channels)
    torch.jit.script(model).save(str(tmp_path / "model.ts"))
    reference = {
        "audio": audio,
        "offline": audio,
        "offline_neutral": audio,
        "control_names": ["gain"],
        "neutral": [1.0],
    }
    return examine(str(tmp_path / "model.ts"), reference | {"delay": 100, "tail": 0}, [64, 500])


def test_a_sound_file_breaks_no_promise():
    assert broken_promises(SOUND, 640, 100.0) == []


@pytest.mark.parametrize(
    ("change", "line"),
    (
        ({"snr_db": {"64": 130.0, "random": 99.9}}, "blocks of random: streaming equals offline to 99.9 dB of 100"),
        ({"parts_snr_db": 20.0}, "its two parts in turn equal the whole to 20.0 dB of 100"),
        ({"recovers_after_reset": False}, "after samples that are no numbers, and reset(), it does not play as before"),
        ({"illegal_block_told": False}, "a block that is no multiple of its hop is not refused with the legal sizes"),
        ({"first_run_equals_reset_run": False}, "after reset() it does not play the bits of a freshly loaded file"),
        ({"delay_samples": 641}, "its delay is 641 samples, 640 are reported"),
        ({"fresh_silence_dbfs": -79.0}, "silence comes out at -79.0 dBFS"),
        ({"silence_after_sound_dbfs": -10.0}, "a second after a sound's end it still plays at -10.0 dBFS"),
        ({"peaks": {"direct current": None}}, "direct current: no numbers come out"),
    ),
)
def test_each_fault_has_its_line(change, line):
    faults = broken_promises(SOUND | change, 640, 100.0)
    assert len(faults) == 1
    assert faults[0].startswith(line)


@pytest.mark.parametrize("channels", (1, 2))
def test_a_delay_line_keeps_all_its_promises(tmp_path, channels):
    found = findings(tmp_path, Delay(100, channels=channels))
    assert set(found["snr_db"]) == {"100", "500", "random"}
    assert min(found["snr_db"].values()) == EQUAL_DB
    assert found["delay_samples"] == 100
    assert broken_promises(found, 100, 100.0) == []


@pytest.mark.parametrize(
    ("model", "told"),
    (
        (Delay(101), "its delay is 101 samples, 100 are reported"),
        (Delay(100, forgets=False), "after reset()"),
        (Delay(100, hum=0.001), "silence comes out at -60.0 dBFS"),
        (Delay(100, strict=False), "a block that is no multiple of its hop"),
    ),
)
def test_a_doctored_model_is_found_out(tmp_path, model, told):
    assert any(told in fault for fault in broken_promises(findings(tmp_path, model), 100, 100.0))


def test_snr_is_a_ratio_of_powers():
    signal = np.random.default_rng(0).normal(size=1000)
    assert snr_db(signal, 1.01 * signal) == pytest.approx(40.0)
    assert snr_db(signal, signal) == EQUAL_DB


@pytest.mark.parametrize("wrong", (float("nan"), float("inf")))
def test_what_is_no_number_is_no_match(wrong):
    assert snr_db(np.ones(10, np.float32), np.full(10, wrong, np.float32)) < 0.0


def test_level_is_an_rms():
    sine = np.sin(2 * np.pi * np.arange(1000) / 100)
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(np.zeros(10)) == SILENT_DB


@pytest.mark.parametrize("delay", (0, 1, 512, 3000))
def test_a_delay_is_measured_to_the_sample(delay):
    noise = np.random.default_rng(0).normal(size=(2, 5000))
    assert measured_delay(noise, np.pad(noise, ((0, 0), (delay, 0))), 4000) == delay


def test_random_blocks_are_the_same_every_time_and_of_many_sizes():
    sizes = [list(itertools.islice(shuffled(0, 128), 500)) for _ in range(2)]
    assert sizes[0] == sizes[1]
    assert min(sizes[0]) == 128 and max(sizes[0]) == 4096 and not any(size % 128 for size in sizes[0])


@pytest.mark.parametrize(("samples", "block"), ((1, 128), (128, 128), (129, 256), (3000, 3072)))
def test_a_block_is_brought_up_to_a_legal_one(samples, block):
    assert legal(samples, 128) == block


def test_play_gives_back_as_many_samples_as_came_in():
    assert play(torch.jit.script(Delay(3)), np.arange(1.0, 11.0, dtype=np.float32)[None], fixed(50)).tolist() == [[
        0, 0, 0, 1, 2, 3, 4, 5, 6, 7,
    ]]  # fmt: skip


def test_the_test_signal_tries_tone_noise_pause_and_clicks():
    audio = make_test_signal(16000)
    assert audio.dtype == np.float32 and audio.shape == (1, 4 * 16000)
    assert np.abs(audio).max() < 1
    assert np.array_equal(audio, make_test_signal(16000))
    assert np.count_nonzero(audio[0, int(1.51 * 16000) : int(1.79 * 16000)]) == 0


def test_the_channels_of_the_test_signal_differ_a_little():
    left, right = make_test_signal(16000, 2)
    assert np.array_equal(left, make_test_signal(16000)[0])
    assert 0.1 < np.corrcoef(left, right)[0, 1] < 0.9
