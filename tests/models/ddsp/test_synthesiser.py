"""From controls to sound."""

import numpy as np
import pytest
import torch

from timbre.models.ddsp.synthesiser import Synthesiser

RATE, HOP = 16000, 128


def controls(
    frames: int, harmonics: int = 7, bands: int = 9, batch: int = 1
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    draw = np.random.default_rng(0)
    f0_hz = draw.uniform(100, 3000, (batch, frames))
    shapes = ((batch, frames, harmonics), (batch, frames, bands))
    return torch.tensor(f0_hz).float(), [torch.tensor(draw.uniform(0, 0.1, shape)).float() for shape in shapes]


def test_any_blocks_equal_the_whole(random_blocks, snr_db):
    synthesiser = Synthesiser(7, 9, HOP, RATE)
    f0_hz, both = controls(50, batch=2)
    whole, _ = synthesiser.step(f0_hz, both, synthesiser.initial_state(2))
    state, pieces, at = synthesiser.initial_state(2), [], 0
    for size in random_blocks(50, 0):
        part = slice(at, at + size)
        sound, state = synthesiser.step(f0_hz[:, part], [control[:, part] for control in both], state)
        pieces.append(sound)
        at += size
    assert snr_db(whole, torch.cat(pieces, dim=1)) > 100


def test_the_first_frame_fades_in_without_a_glide():
    synthesiser = Synthesiser(1, 9, HOP, RATE)
    sound, _ = synthesiser.step(
        torch.full((1, 1), 440.0), [torch.ones(1, 1, 1), torch.zeros(1, 1, 9)], synthesiser.initial_state(1)
    )
    sample = np.arange(1, HOP + 1)
    wanted = sample / HOP * np.sin(2 * np.pi * 440 * sample / RATE)
    assert sound[0].numpy() == pytest.approx(wanted, abs=1e-5)


def test_a_leap_of_pitch_does_not_alias():
    synthesiser = Synthesiser(7, 9, HOP, RATE)
    f0_hz = torch.tensor([[1000.0, 7000.0, 1000.0]])
    amplitudes = torch.ones(1, 3, 7) * torch.tensor([[[1.0] * 7, [1.0] + [0.0] * 6, [1.0] * 7]])
    sound, _ = synthesiser.step(f0_hz, [amplitudes, torch.zeros(1, 3, 9)], synthesiser.initial_state(1))
    # While the pitch is on its way only the fundamental may sound: amplitude 1 at the most.
    assert sound[0, HOP:].abs().max() <= 1.0 + 1e-5


def test_noise_is_a_function_of_where_in_the_stream_it_is():
    synthesiser = Synthesiser(7, 9, HOP, RATE)
    f0_hz, (amplitudes, bands) = controls(1)
    state = synthesiser.initial_state(1)
    state[2], state[4] = torch.ones(1, 1, 9), torch.tensor([1000])
    here, after = synthesiser.step(f0_hz, [0 * amplitudes, bands], state)
    again, _ = synthesiser.step(f0_hz, [0 * amplitudes, bands], state)
    state[4] = torch.tensor([1001])
    elsewhere, _ = synthesiser.step(f0_hz, [0 * amplitudes, bands], state)
    assert torch.equal(here, again)
    assert not torch.equal(here, elsewhere)
    assert after[4].tolist() == [1000 + HOP]
