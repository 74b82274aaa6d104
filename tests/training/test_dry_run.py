"""The rehearsal before the first step."""

import re
import time

import pytest
import torch

from timbre.errors import UserError
from timbre.training import dry_run
from timbre.training.dry_run import bytes_to_come, untouched


def state(task: torch.nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in (*task.parameters(), *task.buffers())]


def test_a_run_with_it_ends_with_the_bits_of_one_without(train_duel, make_duel, outputs, monkeypatch):
    train_duel("with", make_duel((3, 5)))
    monkeypatch.setattr("timbre.training.prepare.fitting_micro_batch", lambda rehearsal, wanted, later: wanted)
    train_duel("without", make_duel((3, 5)))
    assert outputs("with") == outputs("without")


@pytest.mark.parametrize(("ample", "tried"), ((0.5, (1,)), (0.0, (1, 2, 4))))
def test_it_plays_every_turn_of_every_phase_and_nothing_else(train_duel, make_duel, monkeypatch, ample, tried):
    monkeypatch.setattr(dry_run, "AMPLE_SHARE", ample)
    turns = []
    original = make_duel.training_step

    def training_step(self, batch, step):
        group, loss, figures = original(self, batch, step)
        turns.append((len(batch["audio"]), step, group))
        return group, loss, figures

    monkeypatch.setattr(make_duel, "training_step", training_step)
    monkeypatch.setattr("timbre.training.loop.take_step", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train_duel("one", make_duel((3, 40)))
    wanted = [(0, "generator"), (3, "generator"), (4, "discriminator")]
    assert turns == [(crops, *turn) for crops in tried for turn in wanted]


def test_it_leaves_no_trace(make_duel):
    task = make_duel((2, 2))
    task.network.layers[0].eval()
    task.discriminator.requires_grad_(False)
    before, drawn = state(task), torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), untouched(task, torch.device("cpu")):
        task.train()
        task.discriminator.requires_grad_(True)
        task.training_step({"audio": torch.rand(2, 1, 50)}, 1)[1].backward()
        task.network.layers[0].weight.data.zero_()
        raise ZeroDivisionError
    assert all(torch.equal(old, new) for old, new in zip(before, state(task), strict=True))
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(parameter.grad is None for parameter in task.parameters())
    assert not task.network.layers[0].training and task.network.layers[2].training
    assert not any(parameter.requires_grad for parameter in task.discriminator.parameters())


@pytest.mark.parametrize(
    ("batch", "most", "parts"),
    ((8, 3, "4 parts of 2 crops"), (6, 5, "2 parts of 3 crops"), (7, 6, "7 parts of 1 crop")),
)
def test_a_batch_too_large_is_gathered_in_equal_parts(scarce, train_duel, make_duel, capsys, batch, most, parts):
    outcome = train_duel("one", make_duel((2, 2), most_crops=most), batch=batch)
    assert outcome.step == 4
    told = [line for line in capsys.readouterr().out.splitlines() if "does not fit" in line]
    assert told == [
        f"train: a whole batch of {batch} crops does not fit into main memory (CUDA out of memory. Tried to allocate "
        f"2.00 GiB); each step gathers {parts}: same batch, slower"
    ]


def test_parts_train_as_the_whole_does(scarce, train_duel, make_duel):
    whole = train_duel("whole", make_duel((3, 3), chance=False))
    parts = train_duel("parts", make_duel((3, 3), most_crops=1, chance=False))
    assert whole.micro_batch == 4 and parts.micro_batch == 1
    for name in ("layers.0.weight", "layers.2.bias"):
        assert torch.allclose(whole.kept[name], parts.kept[name], atol=1e-5)


def test_a_crop_that_does_not_fit_is_told_before_any_step(train_duel, make_duel, monkeypatch):
    monkeypatch.setattr("timbre.training.loop.take_step", lambda *arguments: 1 / 0)
    with pytest.raises(UserError, match=r"not even one crop .* smaller `size` in params\.yaml, or shorten the crop"):
        train_duel("one", make_duel((2, 2), most_crops=0))


def test_an_error_of_another_kind_is_not_taken_for_want_of_memory(train_duel, make_duel, monkeypatch):
    def broken(self, batch, step):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(make_duel, "training_step", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train_duel("one", make_duel((2, 2)))


def test_main_memory_is_reckoned_and_not_tried_out(train_duel, make_duel, monkeypatch, capsys):
    hunger = 200_000_000  # much more than what an allocator may give back meanwhile
    tried = []
    original = make_duel.training_step

    def hungry(self, batch, step):
        tried.append(len(batch["audio"]))
        food = torch.ones(len(batch["audio"]) * hunger, dtype=torch.uint8)
        time.sleep(0.05)  # until whoever watches has seen it
        del food
        return original(self, batch, step)

    monkeypatch.setattr(make_duel, "training_step", hungry)
    available = dry_run.psutil.virtual_memory()._replace(available=3 * hunger)
    monkeypatch.setattr(dry_run.psutil, "virtual_memory", lambda: available)
    outcome = train_duel("one", make_duel((2, 2)))
    assert outcome.micro_batch == 2 and max(tried) == 2
    told = re.search(r"main memory \(it takes about (.+) GB, 0\.6 GB are free\)", capsys.readouterr().out)
    assert float(told[1]) == pytest.approx(0.8, abs=0.15)


def test_what_is_to_come_are_moments_of_all_groups_and_copies_of_the_network(make_duel):
    task = make_duel((2, 2))
    groups = {name: list(parameters) for name, parameters in task.parameter_groups().items()}
    both = 4 * sum(parameter.numel() for parameter in task.parameters())
    network = 4 * sum(parameter.numel() for parameter in task.network.parameters()) + 4 + 8
    assert bytes_to_come(groups, task.network) == 2 * both + 3 * network
