"""From gains to sound."""

import numpy as np
import pytest
import scipy.signal
import torch

from timbre.models.ddsp.noise_bands.synthesiser import BandSynthesiser

RATE, HOP = 16000, 64


@pytest.fixture(scope="module")
def synthesiser():
    return BandSynthesiser(32, HOP, RATE)


def test_any_blocks_equal_the_whole(synthesiser, random_blocks, snr_db):
    gains = torch.tensor(np.random.default_rng(0).uniform(0, 1, (2, 300, 32))).float()
    whole, _ = synthesiser.step(gains, synthesiser.initial_state(2))
    state, pieces = synthesiser.initial_state(2), []
    for part in gains.split(random_blocks(300, 0), dim=1):
        sound, state = synthesiser.step(part, state)
        pieces.append(sound)
    assert snr_db(whole, torch.cat(pieces, dim=1)) > 100
    assert state[1].tolist() == [300, 300]


def test_each_gain_is_of_its_band(synthesiser):
    frequencies_hz, seen = [], range(32)
    for band in seen:
        gains = torch.zeros(1, 400, 32)
        gains[..., band] = 1.0
        sound, _ = synthesiser.step(gains, synthesiser.initial_state(1))
        frequency_hz, power = scipy.signal.welch(sound[0].numpy(), fs=RATE, nperseg=4096)
        frequencies_hz.append((frequency_hz * power).sum() / power.sum())
    assert (np.diff(frequencies_hz) > 0).all()
    assert frequencies_hz[0] < 20 and frequencies_hz[-1] > 7000


def test_gains_cross_fade_from_frame_to_frame(synthesiser):
    steady, _ = synthesiser.step(torch.ones(1, 4, 32), synthesiser.initial_state(1))
    sound, _ = synthesiser.step(torch.tensor([0.0, 1.0, 1.0, 0.0])[None, :, None].expand(1, 4, 32),
                                synthesiser.initial_state(1))  # fmt: skip
    ramp = np.arange(1, HOP + 1) / HOP
    wanted = steady[0].numpy().reshape(4, HOP)[1:] * np.stack([ramp, np.ones(HOP), 1 - ramp])
    assert sound[0].numpy().reshape(4, HOP)[1:] == pytest.approx(wanted, abs=1e-4)
    assert (sound[0, :HOP] == 0).all()


def test_noise_is_a_function_of_where_in_the_stream_it_is(synthesiser):
    gains = torch.ones(1, 2, 32)
    state = synthesiser.initial_state(1)
    state[0] = gains[:, :1]
    sounds = []
    for hop in (0, 1, 10**12, 10**12):
        state[1] = torch.tensor([hop])
        sounds.append(synthesiser.step(gains, state)[0])
    assert torch.allclose(sounds[0][:, HOP:], sounds[1][:, :HOP], atol=1e-5)
    assert torch.equal(sounds[2], sounds[3]) and torch.isfinite(sounds[2]).all()


def test_the_sound_does_not_repeat_as_its_loops_do(synthesiser):
    sound = synthesiser.step(torch.ones(1, 2000, 32), synthesiser.initial_state(1))[0][0].numpy()
    spectrum = np.abs(np.fft.rfft(sound, 2 * len(sound))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(sound)]
    # Each group of eight comes back with an eighth of the power at the most, and its neighbours elsewhere.
    assert correlation[RATE // 2 :].max() / correlation[0] < 0.3


def test_loops_are_no_part_of_the_weights(synthesiser):
    assert synthesiser.state_dict() == {}
