"""What training does with the network."""

import numpy as np
import pytest
import torch

from timbre.models.ddsp.task import DdspTask


@pytest.fixture
def task(tiny_network):
    return DdspTask(tiny_network().train(), 0.2)


def batch(task: DdspTask) -> dict[str, torch.Tensor]:
    frames, draw = task.lead_frames + task.crop_frames, np.random.default_rng(0)
    named = {"f0_hz": (100, 900), "voiced": (1, 1), "loudness_db": (-40, -20), "clarity": (1, 1)}
    features = {name: torch.tensor(draw.uniform(*span, (2, frames))).float() for name, span in named.items()}
    audio = torch.tensor(draw.normal(size=(2, task.crop_frames * 128)) * 0.1).float()
    return {"audio": audio, "position_samples": torch.tensor([0, 5000]), **features}


def test_every_weight_gets_a_gradient(task):
    group, loss, figures = task.training_step(batch(task), 0)
    loss.backward()
    assert group == "generator" and figures["loss"] == loss
    assert all(parameter.grad.abs().max() > 0 for parameter in task.network.parameters())


def test_a_step_is_a_function_of_batch_and_number(task):
    losses = [task.training_step(batch(task), step)[1].item() for step in (3, 3, 4)]
    assert losses[0] == losses[1] != losses[2]


def test_validation_hears_the_same_noise_every_time(task):
    assert task.validation_step(batch(task))["loss"].item() == task.training_step(batch(task), 0)[1].item()


def test_gradients_are_finite_on_silence(task):
    silent = batch(task)
    silent |= {"audio": torch.zeros_like(silent["audio"]), "loudness_db": torch.full_like(silent["f0_hz"], -100.0)}
    task.training_step(silent, 0)[1].backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in task.network.parameters())
