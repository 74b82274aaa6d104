"""A model in a host in two parts that are the whole, with a latent code or features between them."""

import numpy as np
import pytest
import torch

from timbre.export.two_part_effect import FeatureEffect, LatentEffect, effect_of
from timbre.models.control import neutral_settings


@pytest.fixture
def network(rave_network):
    made = rave_network(channels=2, noise=True)
    made.latent_explained.copy_(torch.tensor([0.5, 0.8, 0.9, 0.99, 1.0]))
    made.keep(0.95)
    made.fold()
    return made


@pytest.fixture(params=["eager", "scripted"])
def effect(network, request):
    made = effect_of(network)
    return made if request.param == "eager" else torch.jit.script(made.eval())


def sound(effect, hops: int = 30, batch: int = 1) -> torch.Tensor:
    torch.manual_seed(0)
    return 0.3 * torch.randn(batch, 2, hops * effect.hop)


def test_only_a_network_with_a_code_makes_a_latent_effect(network, tiny_network):
    assert isinstance(effect_of(network), LatentEffect)
    assert isinstance(effect_of(tiny_network()), FeatureEffect)


def test_the_parts_are_the_whole(effect, random_blocks, snr_db):
    x = sound(effect)
    whole = effect(x)
    played = [effect.decode(effect.encode(block)) for block in x.split(random_blocks(x.shape[2], 1, effect.hop), dim=2)]
    assert snr_db(whole, torch.cat(played, dim=2)) > 100


def test_the_code_has_the_exact_number_of_dimensions(effect):
    assert effect.encode(sound(effect)).shape == (1, 4, 30)


def test_the_parts_do_not_disturb_the_stream(effect):
    x = sound(effect)
    alone = torch.cat([effect(block) for block in x.split(3 * effect.hop, dim=2)], dim=2)
    effect.reset()
    mixed = []
    for block in x.split(3 * effect.hop, dim=2):
        mixed.append(effect(block))
        effect.decode(effect.encode(sound(effect, 2)))
    assert torch.equal(alone, torch.cat(mixed, dim=2))


def test_reset_forgets_the_parts_too(effect):
    x = sound(effect)
    z = effect.encode(x)
    y = effect.decode(z)
    assert not torch.equal(z, effect.encode(x))
    effect.reset()
    assert torch.equal(z, effect.encode(x))
    assert torch.equal(y, effect.decode(z))


def test_another_batch_starts_new_streams(effect):
    effect.encode(sound(effect))
    assert effect.encode(sound(effect, batch=4)).shape[0] == 4
    assert effect.decode(torch.zeros(3, 4, 2)).shape == (3, 2, 2 * effect.hop)


@pytest.mark.parametrize(
    ("method", "shape", "told"),
    [
        ("encode", (1, 2, 130), "128, 256, 384"),
        ("encode", (1, 3, 128), "2, samples"),
        ("decode", (1, 3, 3), r"4, frames\], or \[batch, 5, frames"),
        ("decode", (1, 4, 0), "one frame or more"),
    ],
)
def test_a_block_that_is_not_legal_names_the_legal_ones(effect, method, shape, told):
    with pytest.raises(Exception, match=told):
        getattr(effect, method)(torch.zeros(shape))


def test_temperature_switches_chance_which_is_the_same_each_time(effect):
    x = sound(effect)
    mean = effect.encode(x)
    effect.set_control("temperature", 1.0)
    effect.reset()
    drawn = effect.encode(x)
    effect.reset()
    assert torch.equal(drawn, effect.encode(x)) and not torch.equal(mean, drawn)
    effect.set_control("temperature", 0.0)
    effect.reset()
    assert torch.equal(mean, effect.encode(x))


def test_no_number_leaves_no_trace(effect):
    effect.encode(torch.full([1, 2, effect.hop], torch.nan))
    effect.decode(torch.full([1, 4, 1], torch.inf))
    assert torch.isfinite(effect.encode(sound(effect))).all()
    assert torch.isfinite(effect.decode(torch.zeros(1, 4, 30))).all()


def test_all_dimensions_may_come(effect, network, snr_db):
    z = torch.randn(1, 5, 30)
    y = effect.decode(z)
    effect.reset()
    z[:, 4:] = 0.0
    without = effect.decode(z)
    effect.reset()
    assert snr_db(without, effect.decode(z[:, :4])) > 100
    assert not torch.allclose(y, without, atol=1e-3)


def test_rave_vst_finds_what_it_asks_for(rave_network):
    effect = torch.jit.script(effect_of(rave_network()).eval())
    assert (effect.sampling_rate, effect.sr, effect.full_latent_size, effect.stereo) == (16000, 16000, 5, True)
    buffers = dict(effect.named_buffers())
    assert (int(buffers["_rave.sampling_rate"]), int(buffers["_rave.latent_size"])) == (16000, 5)
    assert effect._rave.stereo


def test_stereo_mode_makes_two_sides_of_a_batch_of_two(rave_network, snr_db):
    effect = torch.jit.script(effect_of(rave_network()).eval())
    z = torch.randn(2, 5, 30)
    sides = effect.decode(z)
    effect.set_stereo_mode(True)
    effect.reset()
    both = effect.decode(z)
    assert sides.shape == (2, 1, 30 * effect.hop) and both.shape == (1, 2, 30 * effect.hop)
    assert torch.equal(both[0], sides[:, 0])
    with pytest.raises(torch.jit.Error, match="batch of two"):
        effect.decode(z[:1])


def test_a_stereo_network_has_its_own_sides(effect):
    with pytest.raises(Exception, match="models of one channel"):
        effect.set_stereo_mode(True)


@pytest.fixture(params=["harmonic_noise", "with reverb", "noise_bands"])
def feature_effect(request, tiny_network, band_network):
    if request.param == "noise_bands":
        network = band_network()
    else:
        network = tiny_network(reverb_seconds=0.1 if request.param == "with reverb" else 0.0)
    network.fold()
    made = torch.jit.script(effect_of(network).eval())
    made.network.settings = neutral_settings(network.controls)
    return made


def test_features_and_controls_in_turn_are_the_whole_without_adaptation(
    feature_effect, harmonic_tone, random_blocks, snr_db
):
    tone = harmonic_tone(300.0, 1.0, 16000)
    tone[6000:9000] = 0.0
    draw = np.random.default_rng(0)
    tone[12000:] = 0.05 * draw.standard_normal(4000)
    x = torch.from_numpy(tone)[None, None, : 16000 // feature_effect.hop * feature_effect.hop]
    whole = feature_effect(x)
    played = [
        feature_effect.controls(feature_effect.features(block))
        for block in x.split(random_blocks(x.shape[2], 3, feature_effect.hop), dim=2)
    ]
    assert whole.abs().max() > 0.01
    assert snr_db(whole, torch.cat(played, dim=2)) > 100


def test_a_player_may_make_the_features(tiny_network):
    effect = torch.jit.script(effect_of(tiny_network()).eval())
    pitch_hz, loudness_db = torch.full([1, 1, 250], 441.0), torch.full([1, 1, 250], 80.0)
    played = effect.controls(torch.cat([pitch_hz, loudness_db], dim=1))[0, 0].numpy()
    spectrum = np.abs(np.fft.rfft(played[16000:] * np.hanning(16000)))
    assert abs(np.flatnonzero(spectrum > 0.3 * spectrum.max())[0] - 441) <= 1
    silence = effect.controls(torch.tensor([[[441.0], [0.0]]]).expand(-1, -1, 250))
    assert not silence[..., 1000:].any()


def test_inlets_without_a_cord_play_nothing(feature_effect):
    assert not feature_effect.controls(torch.zeros(1, feature_effect.code_channels, 50)).any()
