"""A model with a latent code in a host: two halves that are the whole, a code of known shape, switched chance."""

import pytest
import torch

from timbre.export.latent_effect import LatentEffect, effect_of


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
    assert not isinstance(effect_of(tiny_network()), LatentEffect)


def test_the_halves_are_the_whole_without_its_wait_for_a_hop(effect, random_blocks, snr_db):
    x = sound(effect)
    whole = effect(torch.nn.functional.pad(x, [0, effect.hop]))[:, :, effect.hop :]
    played = [effect.decode(effect.encode(block)) for block in x.split(random_blocks(x.shape[2], 1, effect.hop), dim=2)]
    assert snr_db(whole, torch.cat(played, dim=2)) > 100


def test_the_code_has_the_exact_number_of_dimensions(effect):
    assert effect.encode(sound(effect)).shape == (1, 4, 30)


def test_the_halves_do_not_disturb_the_stream(effect):
    x = sound(effect)
    alone = torch.cat([effect(block) for block in x.split(500, dim=2)], dim=2)
    effect.reset()
    mixed = []
    for block in x.split(500, dim=2):
        mixed.append(effect(block))
        effect.decode(effect.encode(sound(effect, 2)))
    assert torch.equal(alone, torch.cat(mixed, dim=2))


def test_reset_forgets_the_halves_too(effect):
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
        ("encode", (1, 2, 130), "multiple of 128"),
        ("encode", (1, 1, 128), "2, samples"),
        ("decode", (1, 5, 3), "4, frames"),
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
