"""What training does with a network of noise bands."""

import numpy as np
import pytest
import torch

from timbre import models
from timbre.cache.crops import Crops, CropShape
from timbre.cache.store import Cache

PRESET = {"fft_seconds": 0.128, "crop_seconds": 0.4, "steps": 7, "learning_rate": 0.002}


@pytest.fixture
def task(band_config):
    return models.task_of(models.build(band_config()).train(), PRESET, band_config())


def batch(task, level: float = 0.1) -> dict[str, torch.Tensor]:
    audio = level * np.random.default_rng(0).normal(size=(2, 1, task.crop_frames * 128))
    return {"audio": torch.tensor(audio).float(), "position_samples": torch.tensor([0, 5000])}


def test_it_asks_for_audio_alone_in_frames_of_the_cache(task, tiny_cache):
    assert (task.crop_frames, task.lead_frames, task.delay_frames) == (50, 0, 0)
    shape = CropShape(task.crop_frames, task.lead_frames, task.delay_frames)
    crops = Crops(Cache(tiny_cache), "train", shape, torch.device("cpu")).random(2, 0, 0)
    assert torch.isfinite(task.training_step(crops, 0)[1])


def test_every_weight_gets_a_finite_gradient(task):
    group, loss, figures = task.training_step(batch(task), 0)
    loss.backward()
    assert group == "generator" and figures["loss"] == loss
    assert all(0 < parameter.grad.abs().max() < np.inf for parameter in task.network.parameters())


def test_gradients_are_finite_on_silence(task):
    task.training_step(batch(task, 0.0), 0)[1].backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in task.network.parameters())


def test_a_step_is_a_function_of_batch_and_number(task):
    losses = [task.training_step(batch(task), step)[1].item() for step in (3, 3, 4)]
    assert losses[0] == losses[1] != losses[2]


def test_a_batch_in_parts_is_the_batch(task):
    whole, losses = task.training_step(batch(task), 5)[1].item(), []
    for index in range(2):
        part = {name: value[index : index + 1] for name, value in batch(task).items()}
        losses.append(task.training_step(part, 5)[1].item())
    assert np.mean(losses) == pytest.approx(whole, rel=1e-4)


def test_the_beginning_and_what_has_no_features_are_not_judged(task):
    judged, other = batch(task), batch(task)
    lost = {}
    for name, where in {"begin": slice(0, 200), "end": slice(-64, None), "middle": slice(3000, 3064)}.items():
        other = {key: value.clone() for key, value in judged.items()}
        # What the features see is changed too, so only the loss of the target side is compared.
        with torch.no_grad():
            played = task.network.resynthesise(judged["audio"].squeeze(1), 0)
        task.network.resynthesise = lambda audio, first_hop, played=played: played
        other["audio"][..., where] = 0.9
        lost[name] = task.validation_step(other)["loss"] - task.validation_step(judged)["loss"]
        del task.network.resynthesise
    assert lost["begin"] == lost["end"] == 0 and lost["middle"] > 0


def test_what_is_heard_is_aligned_and_of_any_length(task):
    for length in (1, 3):
        audio = batch(task)["audio"].repeat(1, 1, length)
        assert task.listen({"audio": audio}).shape == audio.shape


@pytest.mark.parametrize(("frames", "advice"), ((49, "Write 0.3 or less, or add"), (12, "Add recordings.")))
def test_a_crop_longer_than_all_recordings_is_told(task, frames, advice):
    assert task.unmet(50) == []
    [line] = task.unmet(frames)
    assert line.startswith("crop_seconds: a crop of 0.4 s takes 0.4 s of recordings") and advice in line


def test_it_trains_in_one_phase_of_the_preset_and_keeps_the_best(task):
    (phase,) = task.phases
    assert (phase.steps, phase.learning_rates, phase.keep) == (7, {"generator": 0.002}, "best")
    assert phase.learning_rates.keys() == task.parameter_groups().keys()
    task.start_validation()
    assert task.finish_validation() == {} and task.remarks([], []) == []


def test_training_learns_the_colour_of_a_noise(task):
    """Low-passed noise in: the bands over it must sink."""
    draw = torch.Generator().manual_seed(0)
    audio = torch.nn.functional.avg_pool1d(torch.randn(1, 1, 50 * 128 + 7, generator=draw), 8, stride=1)
    optimiser = torch.optim.Adam(task.network.parameters(), lr=0.03)
    losses = []
    for step in range(12):
        loss = task.training_step({"audio": 0.3 * audio}, step)[1]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.75 * losses[0]
    # Independent noises cannot get under ln 2 in each of six sizes.
    assert losses[-1] > 6 * np.log(2.0) * 0.9
