"""Whole trainings of a tiny network: what they leave, and stopping and going on."""

import json
import os
import re
import signal

import pandas as pd
import psutil
import pytest
import torch

from timbre import models
from timbre.errors import UserError
from timbre.models.ddsp.task import DdspTask
from timbre.params import parse
from timbre.training.dry_run import bytes_to_come
from timbre.training.run import train_model
from timbre.training.schedule import averaging_decay


@pytest.fixture
def train(raw_params, tiny_cache, tmp_path):
    def run(name: str, **changes):
        raw_params["sizes"]["tiny"]["ddsp"] |= changes
        return train_model(parse(raw_params), tiny_cache, tmp_path / name / "models", tmp_path / name / "reports")

    return run


@pytest.fixture
def train_rave(raw_params, tiny_cache, stereo_cache, tmp_path):
    """A whole training of RAVE: four steps of the first phase, four of the second, the discriminators' turn first."""

    def run(name: str, channels: int = 1, **changes):
        raw_params["model"], raw_params["data"]["channels"] = "rave", channels
        raw_params["sizes"]["tiny"]["rave"] |= changes
        folder = tmp_path / name
        cache = {1: tiny_cache, 2: stereo_cache}[channels]
        return train_model(parse(raw_params), cache, folder / "models", folder / "reports")

    return run


# What holds a state of its own while it trains: chance, codebooks, a network that looks ahead, longer crops.
RAVES = {
    "mono": {},
    "stereo": {
        "channels": 2, "regularisation": "discrete", "no_latency": False, "noise": True,
        "augmentations": ["phase", "gain", "mute", "compress", "pitch", "dequantise"],
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", RAVES)
def test_rave_stopped_in_both_phases_and_at_the_switch_goes_on_to_the_same_bits(
    train_rave, outputs, tmp_path, monkeypatch, before_step, kind
):
    train_rave("whole", **RAVES[kind])
    # In the first phase, after its last step, after the discriminators' first turn and after the decoder's.
    for step in (1, 3, 4, 5):
        with monkeypatch.context() as patch:
            before_step(patch, step, lambda: os.kill(os.getpid(), signal.SIGINT))
            with pytest.raises(KeyboardInterrupt, match=f"Step {step + 1} of 8 is kept"):
                train_rave("parts", **RAVES[kind])
        assert not (tmp_path / "parts/models").exists()
        torch.rand(3)
    begun = []
    before_step(monkeypatch, None, begun.append)
    train_rave("parts", **RAVES[kind])
    assert begun == [6, 7]
    assert outputs("whole") == outputs("parts")
    assert not list((tmp_path / "checkpoints").rglob("*.pt"))


@pytest.mark.parametrize("step", (2, 4, 6))
def test_rave_killed_goes_on_from_its_last_checkpoint_to_the_same_bits(
    train_rave, outputs, monkeypatch, before_step, step
):
    train_rave("whole")
    monkeypatch.setenv("TIMBRE_CHECKPOINT_SECONDS", "0")
    with monkeypatch.context() as patch:
        before_step(patch, step, lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_rave("parts")
    begun = []
    before_step(monkeypatch, None, begun.append)
    train_rave("parts")
    assert begun == list(range(step, 8))
    assert outputs("whole") == outputs("parts")


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
        with pytest.raises(KeyboardInterrupt, match=f"Step {step + 1} of 6 is kept"):
            train("parts")
        assert not (tmp_path / "parts/models").exists()
        assert len(list((tmp_path / "checkpoints").rglob("checkpoint-*.pt"))) == 1
    torch.rand(3)
    begun = []
    before_step(monkeypatch, None, begun.append)
    train("parts")
    assert begun == list(range(step + 1, 6))
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
    assert len(list((tmp_path / "checkpoints").rglob("checkpoint-*.pt"))) == 1


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
    train("disk")
    monkeypatch.setattr("timbre.training.run.room_bytes", lambda device: float("inf"))
    train("memory")
    assert outputs("memory") == outputs("disk")


def test_a_diverged_training_is_told(train, monkeypatch):
    monkeypatch.setattr(DdspTask, "_loss", lambda self, batch, first: self.network.decoder.head.bias.sum() * torch.nan)
    with pytest.raises(UserError, match=r"diverged\. Lower the learning_rate"):
        train("diverged")


@pytest.mark.parametrize(
    ("model", "preset", "told"),
    (
        ("ddsp", {"crop_seconds": 30.0}, [r"crop_seconds: a crop of 30 s takes 30 s .* Write (\S+) or less, or add"]),
        ("rave", {"crop_samples": 131072}, [r"crop_samples: a crop of 131072 takes 8\.192 s .* Write (\d+) or less"]),
        (
            "rave",
            {"crop_samples": 131072, "augmentations": ["pitch"]},
            [r"crop_samples: a crop of 131072 takes .* Write (\d+) or less, or add recordings\."],
        ),
        ("rave", {"latent_size": 1000}, [r"latent_size: 1000 dimensions for only \d+ latent frames.* Write (\d+) or"]),
        (
            "rave",
            {"latent_size": 1000, "crop_samples": 131072},
            [r"crop_samples: .* Write (\d+) or less", r"latent_size: .* Write (\d+) or less"],
        ),
        ("rave", {"crop_samples": 1024}, [r"crop_samples: of a crop of 1024 too little is judged: .* Write (\d+) or"]),
    ),
)
def test_a_preset_that_the_recordings_cannot_serve_is_told_with_what_would_do(
    raw_params, tiny_cache, tmp_path, monkeypatch, model, preset, told
):
    def train():
        return train_model(parse(raw_params), tiny_cache, tmp_path / "models", tmp_path / "reports")

    raw_params["model"] = model
    raw_params["sizes"]["tiny"][model] |= preset
    with monkeypatch.context() as patch:
        patch.setattr(models, "build", meta_only(models.build))
        lines = fault(train).split("\n       ")
    assert len(lines) == len(told)
    for line, pattern in zip(lines, told, strict=True):
        found = re.match(rf"params\.yaml: sizes\.tiny\.{model}\.{pattern}", line)
        assert found, line
        key = pattern.split(":")[0]
        raw_params["sizes"]["tiny"][model][key] = type(preset[key])(found[1])
    assert train().step > 0


def fault(train) -> str:
    """What the user reads; the error itself, which holds on to the cache, is let go."""
    try:
        train()
    except UserError as error:
        return str(error)
    raise AssertionError("no UserError")


def meta_only(build):
    """`build`, which must not take memory."""

    def planned(config):
        network = build(config)
        assert all(parameter.is_meta for parameter in network.parameters())
        return network

    return planned


@pytest.mark.parametrize(
    ("share", "told"),
    (
        (0.5, r"the weights and what training holds besides do not fit into main memory .* smaller `size`"),
        (1.01, r"not even one crop of a step fits into main memory .* smaller `size` .* or shorten the crop"),
    ),
)
def test_rave_too_large_for_the_memory_is_told_before_any_step(
    train_rave, rave_config, rave_preset, monkeypatch, share, told
):
    """share: the memory there is, of what weights, gradients and their copies take."""
    long = {"crop_samples": 32768}
    config = rave_config()
    task = models.task_of(models.build(config), rave_preset(), config)
    groups = {name: list(parameters) for name, parameters in task.parameter_groups().items()}
    held = 2 * 4 * sum(parameter.numel() for parameter in task.parameters()) + bytes_to_come(groups, task.network)
    memory = psutil.virtual_memory()._replace(available=int(share * held))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr("timbre.training.loop.take_step", lambda *arguments: 1 / 0)
    line = fault(lambda: train_rave("one", **long))
    assert re.match(told, line) and "\n" not in line
