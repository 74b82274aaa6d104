"""Rendering by blocks: exact alignment for any block, level of silence, states."""

import json

import numpy as np
import pytest
import torch

from timbre.errors import UserError
from timbre.evaluation.render import (
    host_block,
    level_dbfs,
    load_exported,
    loudest_start,
    render,
    silence_dbfs_after_1s,
)


@pytest.mark.parametrize("block", [1, 64, 512, 1000])
@pytest.mark.parametrize("delay", [0, 1, 512, 777])
def test_a_delay_line_comes_back_exactly(delay_model, noise, block, delay):
    audio = noise()[None, :1777]
    assert np.array_equal(render(delay_model(delay, gain=0.5), audio, block), 0.5 * audio)


def test_blocks_are_brought_up_to_legal_ones(delay_model, noise):
    model = delay_model(100, block_samples=300)
    assert [host_block(model, samples) for samples in (1, 300, 301, 512)] == [300, 300, 600, 600]
    audio = noise()[None, :1000]
    assert np.array_equal(render(model, audio, 512), audio)


def test_a_second_render_starts_afresh(delay_model, noise):
    model, audio = delay_model(50), noise()[None, :500]
    render(model, np.ones((1, 100), np.float32), 64)
    assert np.array_equal(render(model, audio, 64), audio)


def test_every_channel_goes_its_own_way(delay_model, noise):
    audio = noise()[:1000].reshape(2, 500)
    assert np.array_equal(render(delay_model(10, channels=2), audio, 64), audio)


def test_progress_adds_up_to_the_input(delay_model, noise):
    told = []
    render(delay_model(3000), noise()[None, :1777], 512, told.append)
    assert sum(told) == 1777


def test_the_number_of_threads_changes_nothing_and_is_given_back(delay_model, noise):
    threads = torch.get_num_threads()
    render(delay_model(10), noise()[None, :500], 64)
    assert torch.get_num_threads() == threads


def test_samples_that_are_not_numbers_are_the_models_fault(delay_model, noise):
    with pytest.raises(UserError, match="not numbers"):
        render(delay_model(10, gain=float("nan")), noise()[None, :500], 64)


class Hum(torch.nn.Module):
    @torch.jit.export
    def reset(self) -> None:
        pass

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 0.01


def test_silence_after_a_second(delay_model, noise, rate):
    assert silence_dbfs_after_1s(delay_model(100), noise(3.0)[None], 512) == -120.0
    # What rings for 1.5 s is heard over half of the measured second.
    ringing = silence_dbfs_after_1s(
        replaced(delay_model(0), delay_model(rate * 3 // 2).module), np.ones((1, rate)), 512
    )
    assert ringing == pytest.approx(10 * np.log10(0.5))
    assert silence_dbfs_after_1s(
        replaced(delay_model(0), torch.jit.script(Hum())), noise(0.3)[None], 512
    ) == pytest.approx(-40)


def replaced(model, module):
    model.module = module
    return model


def test_levels():
    assert level_dbfs(np.zeros(10)) == -120.0
    assert level_dbfs(np.full(10, 1e-9)) == -120.0
    assert level_dbfs(np.full(10, 0.1, np.float32)) == pytest.approx(-20.0)


def test_the_loudest_stretch(noise):
    audio = noise(3.0)
    audio[16000:32000] *= 2
    assert loudest_start(audio, 16000, 16000) == 16000
    assert loudest_start(audio, len(audio), 16000) == loudest_start(audio, len(audio) + 1, 16000) == 0
    assert loudest_start(np.ones(48000, np.float32), 16000, 16000) == 0


def test_a_missing_or_damaged_export_is_told(project):
    folder = project / "models/export"
    assert load_exported(folder).delay_samples == 100
    contract = json.loads((folder / "model.json").read_text())
    del contract["channels"]
    (folder / "model.json").write_text(json.dumps(contract))
    with pytest.raises(UserError, match="lacks channels"):
        load_exported(folder)
    (folder / "model.json").write_text(json.dumps(contract | {"channels": 1}))
    (folder / "model.ts").write_bytes(b"damaged")
    with pytest.raises(UserError, match="does not load"):
        load_exported(folder)
    (folder / "model.ts").unlink()
    with pytest.raises(UserError, match=r"model\.ts is missing"):
        load_exported(folder)


def test_controls_are_set_for_one_render_and_put_back(with_knobs, noise):
    model, audio = load_exported(with_knobs / "models/export"), noise()[None, :1000]
    names = ["input_gain_db", "harmonic_noise_balance"]
    assert model.defaults == dict(zip(names, [6.0, 0.0], strict=True))
    assert model.neutral == dict.fromkeys(names, 0.0) and model.adapts
    adapted = render(model, audio, 64)
    assert adapted == pytest.approx(audio * 10 ** (6 / 20), rel=1e-6)
    assert np.array_equal(render(model, audio, 64, controls=model.neutral), audio)
    hum = render(model, audio, 64, controls={"harmonic_noise_balance": 1.0})
    assert np.abs(hum).max() == pytest.approx(0.01 * 10 ** (6 / 20), rel=1e-2), "the others keep their default"
    with pytest.raises(UserError):
        render(model, audio * np.float32(np.nan), 64, controls=model.neutral)
    assert [model.module.get_control(name) for name in names] == [6.0, 0.0]
    assert np.array_equal(render(model, audio, 64), adapted)


def test_a_control_with_a_method_of_its_own_is_left_alone(project, noise):
    path = project / "models/export/model.json"
    temperature = {"name": "temperature", "least": 0.0, "most": 4.0, "neutral": 0.0, "method": "set_temperature"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"controls": [temperature]}))
    model, audio = load_exported(project / "models/export"), noise()[None, :1000]
    assert not model.adapts
    assert np.array_equal(render(model, audio, 64, controls=model.neutral), 0.5 * audio)
