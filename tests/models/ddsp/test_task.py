"""What training does with the network."""

import numpy as np
import pytest
import torch

from timbre.dsp.spectral import multi_scale_spectral_loss
from timbre.models.ddsp.task import DdspTask, confidence

PRESET = {"crop_seconds": 0.2, "fft_seconds": 0.128, "steps": 7, "learning_rate": 0.002}


@pytest.fixture
def task(tiny_network):
    return DdspTask(tiny_network().train(), PRESET)


def batch(task: DdspTask) -> dict[str, torch.Tensor]:
    frames, draw = task.lead_frames + task.crop_frames, np.random.default_rng(0)
    named = {"f0_hz": (100, 900), "voiced": (1, 1), "loudness_db": (-40, -20), "clarity": (1, 1)}
    features = {name: torch.tensor(draw.uniform(*span, (2, frames))).float() for name, span in named.items()}
    audio = torch.tensor(draw.normal(size=(2, 1, task.crop_frames * 128)) * 0.1).float()
    return {"audio": audio, "position_samples": torch.tensor([0, 5000]), **features}


def test_every_weight_gets_a_gradient(task):
    group, loss, figures = task.training_step(batch(task), 0)
    loss.backward()
    assert group == "generator" and figures["loss"] == loss
    assert all(parameter.grad.abs().max() > 0 for parameter in task.network.parameters())


@pytest.mark.parametrize(("frames", "advice"), ((24, "Write 0.1 or less, or add recordings."), (12, "Add recordings.")))
def test_a_crop_longer_than_all_recordings_is_told(task, frames, advice):
    assert task.unmet(25) == []
    [line] = task.unmet(frames)
    seconds = frames * 128 / 16000
    assert line == (
        f"crop_seconds: a crop of 0.2 s takes 0.2 s of recordings to train on, and there are {seconds:.4g} s. {advice}"
    )


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


def test_it_trains_in_one_phase_of_the_preset_and_keeps_the_best(task):
    (phase,) = task.phases
    assert (phase.steps, phase.learning_rates, phase.keep) == (7, {"generator": 0.002}, "best")
    assert phase.learning_rates.keys() == task.parameter_groups().keys()


def test_what_is_heard_is_what_validation_judges(task):
    heard = task.listen(batch(task))
    assert heard.shape == batch(task)["audio"].shape
    judged = multi_scale_spectral_loss(heard[:, 0], batch(task)["audio"][:, 0], task.fft_sizes)
    louder = 3.0 * batch(task)["audio"]
    levels = task.loudness_error_db(heard[:, 0], batch(task)["audio"][:, 0])
    assert float(task.validation_step(batch(task))["loss"]) == pytest.approx(float(judged + 0.1 * levels), rel=1e-5)
    # Three times the amplitude is 20 log10(3) dB.
    tripled = task.loudness_error_db(louder[:, 0], batch(task)["audio"][:, 0])
    assert float(tripled) == pytest.approx(9.54, abs=0.01)


def test_what_has_no_pitch_counts_fully_and_a_doubtful_pitch_by_its_clarity():
    counts = confidence(torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.tensor([0.95, 0.6, 0.0, 0.0]))
    assert counts.tolist() == pytest.approx([0.95, 0.6, 0.1, 1.0])


def test_moments_of_doubtful_pitch_move_the_weights_less(task):
    wrong = batch(task)
    wrong["audio"][..., : wrong["audio"].shape[-1] // 2] *= 4.0
    losses = []
    for clarity in (1.0, 0.1):
        wrong["clarity"][:, : task.lead_frames + task.crop_frames // 2] = clarity
        losses.append(float(task.validation_step(wrong)["loss"]))
    assert losses[1] < losses[0]


def test_crops_of_any_length_can_be_heard(task):
    longer = {name: torch.cat([value, value], dim=-1) for name, value in batch(task).items()}
    longer["position_samples"] = batch(task)["position_samples"]
    assert task.listen(longer).shape[-1] == (2 * task.crop_frames + task.lead_frames) * 128


def test_validation_has_no_figures_but_means_and_no_remarks(task):
    task.start_validation()
    assert task.finish_validation() == {} and task.remarks([{"step": 1, "loss": 1.0}], []) == []
