"""A made-up model that plays against a discriminator in a second phase, and whole trainings of it."""

import pytest
import torch
from torch import nn

from timbre import models
from timbre.models.phase import Phase
from timbre.params import parse
from timbre.training import dry_run, loop
from timbre.training.run import train_model

OUTPUTS = (
    "models/weights.pt",
    "models/config.json",
    "reports/loss.csv",
    "reports/validation.csv",
    "reports/curves/loss.csv",
    "reports/index.html",
    "reports/metrics.json",
)


class Filter(nn.Module):
    """A filter over audio, with a buffer of validation and one that counts the steps of training."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(5)
            self.layers = nn.Sequential(nn.Conv1d(1, 3, 5, padding=2), nn.Tanh(), nn.Conv1d(3, 1, 5, padding=2))
        self.register_buffer("level", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen += 1
        return self.layers(audio)


class Duel(nn.Module):
    """First the filter learns by itself, then in turns with a discriminator. Needs memory for `most_crops` at once."""

    crop_frames, lead_frames, delay_frames = 4, 0, 4
    betas = (0.5, 0.9)

    def __init__(self, steps: tuple[int, ...], most_crops: float = float("inf"), chance: bool = True) -> None:
        super().__init__()
        self.network = Filter()
        with torch.random.fork_rng():
            torch.manual_seed(6)
            self.discriminator = nn.Sequential(nn.Conv1d(1, 2, 9), nn.LeakyReLU(0.2), nn.Conv1d(2, 1, 1))
        self.most_crops, self.chance, self.levels = most_crops, chance, []
        both = {"generator": 0.005, "discriminator": 0.01}
        names = [("alone", {"generator": 0.01}, "best"), ("against", both, "last"), ("again", both, "best")]
        self.phases = [Phase(name, count, *rest) for (name, *rest), count in zip(names, steps, strict=False)]

    def unmet(self, frames):
        return []

    def parameter_groups(self):
        return {"generator": self.network.parameters(), "discriminator": self.discriminator.parameters()}

    def learned_parts(self):
        return [self.network, self.discriminator]

    def training_step(self, batch, step):
        audio = batch["audio"]
        if len(audio) > self.most_crops:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has little.")
        made = self.network(audio + (0.01 * torch.randn(1) if self.chance else 0.0))
        if step >= self.phases[0].steps and step % 2 == 0:
            real, fake = self.discriminator(audio), self.discriminator(made.detach())
            loss = torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()
            return "discriminator", loss, {"discriminator_loss": loss.detach()}
        loss = (made - audio).square().mean(dim=(1, 2)).mean()
        figures = {"loss": loss.detach()}
        if step >= self.phases[0].steps:
            self.discriminator.requires_grad_(False)
            loss = loss - 0.01 * self.discriminator(made).mean()
            self.discriminator.requires_grad_(True)
        return "generator", loss, figures

    def start_validation(self):
        self.levels = []

    def validation_step(self, batch):
        made = self.network(batch["audio"])
        self.levels.append(made.square().mean())
        return {"loss": (made - batch["audio"]).square().mean(), "level": made.abs().mean()}

    def finish_validation(self):
        self.network.level.copy_(torch.stack(self.levels).mean())
        return {"final_level": float(self.network.level)}

    def listen(self, batch):
        return self.network(batch["audio"])

    def remarks(self, training_rows, validation_rows):
        return ["made up: of <no> importance."] if len(validation_rows) > 1 else []


@pytest.fixture
def make_duel():
    """A task that no training knows: make_duel((steps, ...), most_crops, chance)."""
    return Duel


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("TIMBRE_DEVICE", "cpu")


@pytest.fixture
def scarce(monkeypatch):
    """Memory that is never ample, so that every size is tried."""
    monkeypatch.setattr(dry_run, "AMPLE_SHARE", 0.0)


@pytest.fixture
def outputs(tmp_path):
    """The bytes of all that a training of that name has left."""
    return lambda name: [(tmp_path / name / file).read_bytes() for file in OUTPUTS]


@pytest.fixture
def train_duel(raw_params, tiny_cache, tmp_path, monkeypatch):
    """A whole training of a duel: train_duel(name, task, **changes of the preset)."""

    def run(name: str, task: Duel, **changes):
        raw_params["sizes"]["tiny"]["ddsp"] |= {"batch": 4} | changes
        with monkeypatch.context() as patch:
            patch.setattr(models, "build", lambda config: task.network)
            patch.setattr(models, "task_of", lambda *described: task)
            folder = tmp_path / name
            return train_model(parse(raw_params), tiny_cache, folder / "models", folder / "reports")

    return run


@pytest.fixture
def before_step():
    """before_step(patch, step, action): let `action` happen as a step begins; at each, told its number, for None."""

    def patch_in(patch: pytest.MonkeyPatch, step: int | None, action) -> None:
        original = loop.take_step

        def take_step(*arguments):
            number = arguments[5]
            if step is None:
                action(number)
            elif number == step:
                action()
            return original(*arguments)

        patch.setattr(loop, "take_step", take_step)

    return patch_in
