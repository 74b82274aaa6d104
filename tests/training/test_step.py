"""One step, whole or in parts."""

import pytest
import torch
from lightning_fabric import Fabric

from timbre.training.step import gather_gradients, take_step
from timbre.training.team import Team


@pytest.fixture
def batch():
    draw = torch.Generator().manual_seed(0)
    return {"audio": torch.rand(6, 1, 64, generator=draw), "position_samples": torch.arange(6)}


@pytest.fixture
def prepared(make_duel):
    """A team of one, a task, its groups and its optimisers."""

    def make(most_crops: float = float("inf")):
        task = make_duel((1, 4), most_crops, chance=False)
        groups = {name: list(parameters) for name, parameters in task.parameter_groups().items()}
        optimisers = {name: torch.optim.Adam(parameters, betas=task.betas) for name, parameters in groups.items()}
        return Team(Fabric(accelerator="cpu")), task, groups, optimisers

    return make


@pytest.mark.parametrize("step", (0, 2, 3))  # alone, the discriminator's turn, the generator's against it
@pytest.mark.parametrize("micro_batch", (4, 3, 2, 1))
def test_parts_gather_the_gradients_and_figures_of_the_whole(prepared, batch, step, micro_batch):
    _, task, groups, _ = prepared()
    group, figures = gather_gradients(task, groups, batch, step, 6)
    whole = [parameter.grad.clone() for parameter in groups[group]]
    same, gathered = gather_gradients(task, groups, batch, step, micro_batch)
    assert same == group and gathered.keys() == figures.keys()
    assert all(torch.allclose(gathered[name], figures[name], rtol=1e-5) for name in figures)
    for parameter, wanted in zip(groups[group], whole, strict=True):
        assert torch.allclose(parameter.grad, wanted, rtol=1e-4, atol=1e-7)


def test_parts_are_as_small_as_they_are_said_to_be(prepared, batch):
    _, task, groups, _ = prepared(most_crops=2)
    gather_gradients(task, groups, batch, 0, 2)
    with pytest.raises(torch.OutOfMemoryError):
        gather_gradients(task, groups, batch, 0, 3)


def test_a_step_moves_only_the_group_whose_turn_it_is(prepared, batch):
    team, task, groups, optimisers = prepared()
    for step, moved in ((0, "generator"), (2, "discriminator"), (3, "generator")):
        before = {name: [parameter.detach().clone() for parameter in groups[name]] for name in groups}
        rates = {"generator": 0.1, "discriminator": 0.1}
        take_step(team, task, optimisers, groups, batch, step, rates, 1.0, 6)
        for name in groups:
            pairs = zip(before[name], groups[name], strict=True)
            assert all(torch.equal(old, new) for old, new in pairs) == (name != moved)


def test_gradients_are_clipped_and_the_rate_is_that_of_the_group(prepared, batch):
    team, task, groups, optimisers = prepared()
    take_step(team, task, optimisers, groups, batch, 0, {"generator": 0.25}, 1e-3, 6)
    norm = torch.stack([parameter.grad.norm() for parameter in groups["generator"]]).norm()
    assert norm == pytest.approx(1e-3, rel=1e-3)
    assert [entry["lr"] for entry in optimisers["generator"].param_groups] == [0.25]
