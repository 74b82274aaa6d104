"""Averaged weights."""

import torch

from timbre.training.weights import average, copied, worn


def test_parameters_are_averaged_and_buffers_taken_over(make_duel):
    network, averaged, wanted = make_duel((1,)).network, {}, None
    for number in range(1, 4):
        with torch.no_grad():
            network.layers[0].weight.fill_(float(number))
            network.level.fill_(10.0 * number)
            network.seen.fill_(number)
        average(averaged, network, 0.75)
        wanted = 1.0 if wanted is None else 0.75 * wanted + 0.25 * number
    assert torch.allclose(averaged["layers.0.weight"], torch.tensor(wanted))
    assert averaged["level"] == 30.0 and averaged["seen"] == 3
    assert averaged.keys() == network.state_dict().keys()


def test_averages_share_no_memory_with_the_network(make_duel):
    network, averaged = make_duel((1,)).network, {}
    average(averaged, network, 0.5)
    network.level.fill_(7.0)
    assert averaged["level"] == 0.0


def test_a_network_that_wore_other_weights_is_as_before(make_duel):
    task = make_duel((1,)).train()
    before, drawn = copied(task.network), torch.get_rng_state()
    others = {name: torch.ones_like(value) for name, value in before.items()}
    seen = []
    for _ in range(2):
        with worn(task, others, torch.device("cpu")):
            assert not task.network.training and not torch.is_grad_enabled()
            assert task.network.level == 1.0
            task.network.level.fill_(5.0)
            seen.append(torch.rand(1))
    assert seen[0] == seen[1]
    assert task.network.training and torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in task.network.state_dict().items())
