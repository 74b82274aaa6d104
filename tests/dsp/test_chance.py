"""Chance that belongs to an item, not to its place in a batch."""

import pytest
import torch

from timbre.dsp.chance import Chance


@pytest.mark.parametrize("draw", ("uniform", "normal"))
def test_an_item_gets_the_same_numbers_whatever_is_trained_beside_it(draw):
    together = [getattr(chance, draw)(2, 50) for chance in [Chance([3, 4, 5])] for _ in range(3)]
    alone = [getattr(chance, draw)(2, 50) for chance in [Chance([4])] for _ in range(3)]
    for many, one in zip(together, alone, strict=True):
        assert many.shape == (3, 2, 50)
        assert torch.equal(many[1:2], one)
        assert not torch.equal(many[0], many[1])


def test_it_neither_uses_nor_moves_torchs_own_chance():
    before = torch.get_rng_state()
    first = Chance([1]).normal(20)
    torch.manual_seed(7)
    assert torch.equal(Chance([1]).normal(20), first)
    torch.set_rng_state(before)


def test_numbers_are_of_their_distributions():
    chance = Chance(list(range(100)))
    uniform, normal = chance.uniform(1000), chance.normal(1000)
    assert float(uniform.min()) >= 0.0 and float(uniform.max()) < 1.0
    assert float(uniform.mean()) == pytest.approx(0.5, abs=0.005)
    assert float(normal.mean()) == pytest.approx(0.0, abs=0.015) and float(normal.std()) == pytest.approx(1.0, abs=0.01)
