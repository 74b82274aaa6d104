"""Renders in a stream: aligned, of each draw, whatever the length."""

import tracemalloc

import numpy as np
import pytest
import soundfile
import torch
from support.played import RATE, DelayLine, delay_player

from timbre.audio.io import UnreadableError
from timbre.dsp.noise import hashed_noise
from timbre.evaluation.items import Item
from timbre.evaluation.renders import DRAW_SAMPLES, Renderer, draws_noise
from timbre.evaluation.scratch import Stored
from timbre.playing.torchscript import TorchScriptPlayer


class Hissing(DelayLine):
    """Its input and a noise that depends on the place in the stream."""

    def __init__(self) -> None:
        super().__init__(0, hop=64)
        self.place = torch.zeros(1, dtype=torch.int64)

    @torch.jit.export
    def reset(self) -> None:
        self.place = torch.zeros(1, dtype=torch.int64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise = 0.1 * hashed_noise(self.place, x.shape[2])
        self.place = self.place + x.shape[2]
        return x + noise


def renderer(player, folder) -> Renderer:
    return Renderer(player, folder, 512, lambda samples: None)


def test_draws_are_of_another_noise_and_aligned(tmp_path, tone):
    player = TorchScriptPlayer(torch.jit.script(Hissing()), "model.ts")
    assert draws_noise(player) and not draws_noise(delay_player(100))
    assert renderer(delay_player(100), tmp_path).draws == 1
    made = renderer(player, tmp_path)
    assert made.draws == 3
    sound = Stored(tmp_path, [tone()[None]], 1)
    for draw in range(3):
        noise = made.rendered(sound, {}, draw).part(0, RATE) - tone()[None, :RATE]
        start = torch.tensor([draw * DRAW_SAMPLES])
        assert noise == pytest.approx(0.1 * hashed_noise(start, RATE).numpy(), abs=1e-6)


def test_a_render_has_the_length_of_its_sound_and_no_delay(tmp_path, noise):
    made = renderer(delay_player(700, gain=0.5), tmp_path)
    for samples in (1, 511, 32000):
        audio = noise()[None, :samples]
        found = made.rendered(Stored(tmp_path, [audio], 1), {}, draw=1)
        assert found.samples == samples
        assert np.array_equal(found.part(0, samples), audio * np.float32(0.5))


def test_a_sound_of_which_nothing_is_left_is_told(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.ones(1), 192000)
    with pytest.raises(UnreadableError, match="at 16000 Hz no sample is left"):
        renderer(delay_player(0), tmp_path).read(Item("transfer", "x", "x.wav", tmp_path / "x.wav"))


def test_a_long_sound_costs_no_memory(tmp_path, rate):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 44100, 2, "PCM_16") as file:
        for _ in range(300):
            file.write(np.zeros((44100, 2), np.int16))
    made = renderer(delay_player(100), tmp_path)
    tracemalloc.start()
    sound = made.read(Item("transfer", "long", "long.wav", path))
    output = made.rendered(sound, {}, draw=1)
    output.write_flac(tmp_path / "long.flac", rate)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert output.samples == 300 * rate
    assert peak < 4 * output.samples / 2, "half of what one copy of the sound takes"


def test_what_is_stored_goes_when_it_is_closed(tmp_path, tone):
    soundfile.write(tmp_path / "x.wav", tone(), RATE, subtype="FLOAT")
    made = renderer(delay_player(0), tmp_path)
    sound = made.read(Item("transfer", "x", "x.wav", tmp_path / "x.wav"))
    assert np.array_equal(sound.part(0, len(tone())), tone()[None])
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]
    made.close()
    with pytest.raises(ValueError):
        sound.part(0, 1)
