"""Whole trainings of a tiny network: what they leave, and stopping and going on."""

import json
import os
import signal

import pandas as pd
import pytest
import torch

from timbre import models
from timbre.errors import UserError
from timbre.models.ddsp.task import DdspTask
from timbre.params import parse
from timbre.training.run import train_model
from timbre.training.schedule import averaging_decay


@pytest.fixture
def train(raw_params, tiny_cache, tmp_path):
    def run(name: str, **changes):
        raw_params["sizes"]["tiny"]["ddsp"] |= changes
        return train_model(parse(raw_params), tiny_cache, tmp_path / name / "models", tmp_path / name / "reports")

    return run


def test_two_runs_leave_the_same_bytes(train, outputs, tmp_path):
    train("one")
    torch.rand(7)
    train("two")
    assert outputs("one") == outputs("two")
    assert {path.name for path in (tmp_path / "one/models").iterdir()} == {"weights.pt", "config.json"}
    assert not list((tmp_path / "checkpoints").rglob("*.pt"))


@pytest.mark.parametrize("step", (0, 2, 3, 5))
@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_a_stopped_run_goes_on_to_the_same_bits(train, outputs, tmp_path, monkeypatch, before_step, step, number):
    train("whole")
    with monkeypatch.context() as patch:
        before_step(patch, step, lambda: os.kill(os.getpid(), number))
        if step == 5:  # the last step: there is nothing left to stop
            train("parts")
        else:
            with pytest.raises(KeyboardInterrupt, match=f"Step {step + 1} of 6 is kept"):
                train("parts")
            assert not (tmp_path / "parts/models").exists()
            assert len(list((tmp_path / "checkpoints").rglob("checkpoint.pt"))) == 1
    torch.rand(3)
    if step < 5:
        steps = []
        before_step(monkeypatch, step + 1, lambda: steps.append("went on"))
        train("parts")
        assert steps == ["went on"]
    assert outputs("whole") == outputs("parts")
    assert not list((tmp_path / "checkpoints").rglob("*.pt"))


def test_a_killed_run_goes_on_from_its_last_checkpoint_to_the_same_bits(
    train, outputs, tmp_path, monkeypatch, before_step
):
    train("whole")
    monkeypatch.setenv("TIMBRE_CHECKPOINT_SECONDS", "0")
    for step in (4, 5):
        with monkeypatch.context() as patch:
            before_step(patch, step, lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                train("parts")
    begun = []
    before_step(monkeypatch, None, begun.append)
    train("parts")
    assert begun == [5]
    assert outputs("whole") == outputs("parts")


def test_chance_goes_on_where_it_was(train, outputs, monkeypatch, before_step):
    original = DdspTask.training_step

    def by_chance(self, batch, step):
        group, loss, figures = original(self, batch, step)
        return group, loss * torch.rand(()), figures

    monkeypatch.setattr(DdspTask, "training_step", by_chance)
    train("whole")
    with monkeypatch.context() as patch:
        before_step(patch, 2, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            train("parts")
    train("parts")
    assert outputs("whole") == outputs("parts")


def test_another_run_does_not_take_up_the_checkpoint(train, tmp_path, monkeypatch, before_step):
    with monkeypatch.context() as patch:
        before_step(patch, 2, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            train("one")
    begun = []
    before_step(monkeypatch, 0, lambda: begun.append(0))
    train("two", learning_rate=0.001)
    assert begun == [0]
    assert len(list((tmp_path / "checkpoints").rglob("checkpoint.pt"))) == 1


def test_looking_at_the_validation_set_does_not_disturb_training(train, raw_params, outputs):
    curves = []
    for every in (1, 6):
        raw_params["train"] |= {"validate_every_steps": every, "log_every_steps": 1}
        curves.append(train(f"every_{every}").training_rows)
    assert curves[0] == curves[1]


@pytest.mark.parametrize("best_step", (3, 6))
def test_the_kept_weights_are_the_averaged_ones_of_the_best_validation(train, tmp_path, monkeypatch, best_step):
    seen = []
    slope = {3: 1.0, 6: -1.0}[best_step]
    monkeypatch.setattr(
        DdspTask, "validation_step", lambda self, batch: {"loss": torch.tensor(100.0 + slope * len(seen))}
    )
    original = torch.optim.Adam.step

    def step(self, *args, **keywords):
        result = original(self, *args, **keywords)
        seen.append([p.detach().clone() for group in self.param_groups for p in group["params"]])
        return result

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    outcome = train("one")
    assert outcome.kept_step == best_step
    averaged = seen[0]
    for number, weights in enumerate(seen[1 : outcome.kept_step], start=2):
        decay = averaging_decay(number, 0.995)
        averaged = [decay * a + (1 - decay) * w for a, w in zip(averaged, weights, strict=True)]
    kept = models.load(tmp_path / "one/models").parameters()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(averaged, kept, strict=True))
    losses = {row["step"]: row["loss"] for row in outcome.validation_rows}
    assert losses[outcome.kept_step] == outcome.kept_loss == min(losses.values())


def test_the_loss_goes_down(train):
    outcome = train("one", steps=40, batch=4, learning_rate=0.01)
    assert outcome.validation_rows[-1]["loss"] < 0.9 * outcome.validation_rows[0]["loss"]


def test_curves_and_figures_are_what_happened(train, tmp_path):
    outcome = train("one", steps=7)
    reports = tmp_path / "one/reports"
    loss, validation = pd.read_csv(reports / "loss.csv"), pd.read_csv(reports / "validation.csv")
    assert list(loss.step) == [2, 4, 6, 7] and list(loss.columns) == ["step", "learning_rate", "loss"]
    assert list(validation.step) == [3, 6, 7]
    assert list(validation.loss) == pytest.approx([row["loss"] for row in outcome.validation_rows], abs=1e-6)
    metrics = json.loads((reports / "metrics.json").read_text())
    network = models.load(tmp_path / "one/models")
    assert metrics["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert metrics["steps"] == 7 and metrics["best_step"] == outcome.kept_step
    assert metrics["validation_loss"] == pytest.approx(outcome.kept_loss, abs=1e-6)


def test_held_in_memory_or_read_from_disk_a_run_is_the_same(train, outputs, monkeypatch):
    train("memory")
    monkeypatch.setattr("timbre.training.run.resident_bytes", lambda fabric: 0)
    train("disk")
    assert outputs("memory") == outputs("disk")


def test_a_diverged_training_is_told(train, monkeypatch):
    monkeypatch.setattr(DdspTask, "_loss", lambda self, batch, first: self.network.decoder.head.bias.sum() * torch.nan)
    with pytest.raises(UserError, match=r"diverged\. Lower the learning_rate"):
        train("diverged")
