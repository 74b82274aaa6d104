"""The learned room."""

import numpy as np
import pytest
import scipy.signal
import torch

from timbre.nn.reverb import Reverb


def level_db(impulse: torch.Tensor) -> float:
    return float(10 * torch.log10(impulse.square().mean()))


def test_the_wet_part_is_scipys_convolution(snr_db):
    reverb, x = Reverb(300, 64), torch.randn(1, 2000)
    impulse = reverb.impulse().detach().numpy().astype("f8")
    wanted = scipy.signal.fftconvolve(x.numpy().astype("f8"), impulse[None], axes=1)[:, :2000]
    assert snr_db(wanted, reverb(x).detach()) > 100


@pytest.mark.parametrize("taps", (1, 50, 300, 48000))
def test_the_response_has_its_length_and_leaves_the_direct_sound_alone(taps):
    impulse = Reverb(taps, 64).impulse()
    assert impulse.shape == (taps,)
    assert impulse[0] == 0


def test_every_room_begins_as_the_same_noise_that_falls_by_60_db():
    torch.manual_seed(1)
    one = Reverb(48000, 512).impulse()
    torch.manual_seed(2)
    assert torch.equal(one, Reverb(48000, 512).impulse())
    levels = [level_db(part) for part in one[1:].detach().tensor_split(48)]
    # Per tap 1e-3 at first; the parts' middles lie 47 / 48 of 60 dB apart.
    assert levels[0] == pytest.approx(-60.6, abs=1.5)
    assert np.diff(levels[::4]) == pytest.approx(-5.0, abs=1.0)
    assert levels[0] - levels[-1] == pytest.approx(58.75, abs=2.0)
    spectrum = np.log10(scipy.signal.welch(one.detach().numpy()[:6000], nperseg=256)[1][2:-2])
    assert 10 * spectrum.std() < 2.0


def test_a_band_can_only_fall_whatever_is_learnt():
    reverb = Reverb(16000, 128)
    with torch.no_grad():
        reverb.fall.normal_(std=3.0)
    before = [level_db(part) for part in reverb.impulse().detach()[1:].tensor_split(4)]
    assert before == sorted(before, reverse=True)


def test_a_band_is_heard_in_its_own_frequencies():
    reverb = Reverb(16000, 128)
    before = reverb.impulse().detach().numpy()
    with torch.no_grad():
        reverb.start[0, 16:24] += 2.0  # nepers; bands 16 to 23 of 64 are an eighth of the spectrum from a quarter on
    frequency, now = scipy.signal.welch(reverb.impulse().detach().numpy(), fs=128.0, nperseg=512)
    change_db = 10 * np.log10(now / scipy.signal.welch(before, fs=128.0, nperseg=512)[1])
    inside, outside = (frequency > 17) & (frequency < 22), (frequency < 13) | (frequency > 26)
    assert change_db[inside].mean() == pytest.approx(17.4, abs=0.5)
    assert np.abs(change_db[outside]).max() < 1.0


def test_a_room_is_learnt_from_its_echo():
    """The decay of a shorter room, from what it does to noise."""
    torch.manual_seed(0)
    reverb, target = Reverb(2000, 64), torch.randn(2000) * 0.01 * torch.exp(-torch.arange(2000) / 150)
    x = torch.zeros(1, 2400)
    x[0, 0] = 1.0
    parts = lambda sound: sound[0, 1:2000].tensor_split(8)  # noqa: E731
    wanted = torch.stack(
        [part.square().mean().log() for part in parts(torch.nn.functional.pad(target, [0, 400])[None])]
    )
    optimiser = torch.optim.Adam(reverb.parameters(), 0.3)
    for _ in range(40):
        got = torch.stack([part.square().mean().log() for part in parts(reverb(x))])
        loss = (got - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.1


def test_few_figures_make_a_long_room():
    assert sum(weight.numel() for weight in Reverb(96000, 512).parameters()) == 16 * 65


def test_folding_changes_nothing_that_is_heard():
    reverb, x = Reverb(1000, 64), torch.randn(2, 640)
    before, _ = reverb.step(x, reverb.initial_state(2))
    reverb.fold()
    after, _ = reverb.step(x, reverb.initial_state(2))
    assert torch.equal(before, after)
    assert "spectra" not in reverb.state_dict()
