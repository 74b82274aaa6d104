"""The training of RAVE: what is compared with what, and what is differentiated when."""

import re

import numpy as np
import pytest
import torch

from timbre import models
from timbre.models.rave.task import UNJUDGED_SHARE


@pytest.fixture
def make_task(rave_network, rave_preset, rave_config):
    def make(channels: int = 1, **changes):
        network = rave_network(channels=channels, **changes).train()
        return models.task_of(network, rave_preset(**changes), rave_config(channels=channels, **changes))

    return make


@pytest.fixture
def batch(harmonic_tone):
    audio = np.stack([harmonic_tone(f0_hz, 4096 / 16000)[:4096] for f0_hz in (220.0, 330.0)])
    return {
        "audio": torch.from_numpy(audio)[:, None],
        "position_samples": torch.tensor([0, 16000]),
        "chance": torch.arange(2),
    }


def gradients(module: torch.nn.Module) -> bool:
    return any(parameter.grad is not None for parameter in module.parameters())


def test_phases_share_the_budget(make_task):
    task = make_task(steps=100, adversarial_share=0.3)
    assert [(phase.name, phase.steps, phase.keep) for phase in task.phases] == [
        ("representation", 70, "best"),
        ("adversarial", 30, "last"),
    ]
    assert make_task(adversarial_share=0.0).discriminators is None
    assert make_task(adversarial_share=0.0).phases[1].steps == 0


def test_the_target_is_as_late_as_the_network(make_task, batch, monkeypatch):
    """Bands that pass unchanged are a perfect sound only where the target has the filter bank's delay."""
    task = make_task(waveform_weight=0.0, regularisation_weight=0.0)
    # Noise everywhere, or the logarithm would weigh what lies 100 dB down.
    batch = batch | {"audio": batch["audio"] + 0.01 * torch.randn(2, 1, 4096)}
    bands = task.network.analysis(batch["audio"])
    monkeypatch.setattr(task.network.decoder, "forward", lambda z, first, skipped: bands[:, :, skipped:])
    _, _, figures = task.training_step(batch, 0)
    assert float(figures["bands"]) == 0.0
    assert float(figures["full_band"]) < 0.05
    monkeypatch.setattr(task.network, "pqmf_delay", 0)
    assert float(task.training_step(batch, 0)[2]["full_band"]) > 2.0


@pytest.mark.parametrize("causal", [True, False])
def test_a_bounded_share_of_a_crop_is_left_out(make_task, batch, causal):
    task = make_task(no_latency=causal, dilations=[[1, 3, 9, 27], [1, 3, 9, 27]])
    assert task.network.receptive_samples > UNJUDGED_SHARE * 4096
    audio = batch["audio"]
    target, sound = task._judged(audio, audio[:, :, 16 * task.unplayed_rows :])
    assert target.shape == sound.shape
    assert target.shape[2] >= (1.0 - UNJUDGED_SHARE) * 4096 - task.network.pqmf_delay > 0
    bands = task.network.analysis(audio)
    for judged in task._judged_bands(bands, bands[:, :, task.unplayed_rows :]):
        assert judged.shape[2] >= (1.0 - UNJUDGED_SHARE) * 4096 / 16
    late = task.network.pqmf_delay
    assert torch.equal(target[:, :, late:], sound[:, :, : target.shape[2] - late])


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("step", [1, 4, 5], ids=["representation", "discriminator", "decoder"])
def test_what_is_not_judged_need_not_be_played(make_task, batch, causal, step):
    task = make_task(no_latency=causal, dilations=[[1, 3, 9, 27], [1, 3, 9, 27]], noise=True, waveform_weight=1.0)
    assert 0 < task.unplayed_rows <= task.unjudged_rows
    _, less, _ = task.training_step(batch, step)
    task.unplayed_rows = 0
    _, all_of_it, _ = task.training_step(batch, step)
    assert float(less.detach()) == pytest.approx(float(all_of_it.detach()), rel=1e-5)


@pytest.mark.parametrize("attenuation_db", [40.0, 100.0])
@pytest.mark.parametrize("causal", [True, False])
def test_the_least_crop_that_is_proposed_trains(make_task, causal, attenuation_db):
    changes = {"no_latency": causal, "pqmf_attenuation_db": attenuation_db, "discriminators": ["scales", "stft"]}
    [line] = make_task(crop_samples=128, **changes).unmet(10_000)
    least = int(re.search(r"Write (\d+) or more", line)[1])
    task = make_task(crop_samples=least, **changes)
    assert task.unmet(10_000) == []
    batch = {"audio": torch.randn(2, 1, least), "position_samples": torch.tensor([0, 16000]), "chance": torch.arange(2)}
    assert all(torch.isfinite(task.training_step(batch, step)[1]) for step in (1, 4, 5))


def test_first_phase_trains_the_whole_network(make_task, batch):
    task = make_task()
    group, loss, _ = task.training_step(batch, 1)
    loss.backward()
    assert group == "generator"
    assert gradients(task.network.encoder) and gradients(task.network.decoder)
    assert not gradients(task.discriminators)


def test_discriminators_turn_differentiates_nothing_of_the_network(make_task, batch):
    task = make_task()
    group, loss, figures = task.training_step(batch, 4)
    loss.backward()
    assert group == "discriminator" and "discriminator_loss" in figures
    assert gradients(task.discriminators) and not gradients(task.network)


def test_decoders_turn_keeps_no_gradient_of_discriminators_or_encoder(make_task, batch):
    task = make_task()
    group, loss, _ = task.training_step(batch, 5)
    loss.backward()
    assert group == "generator"
    assert gradients(task.network.decoder)
    assert not gradients(task.discriminators) and not gradients(task.network.encoder)


def test_discriminators_have_their_turn_as_often_as_told(make_task, batch):
    task = make_task(steps=20, adversarial_share=0.8, discriminator_every=4)
    turns = [task.training_step(batch, step)[0] for step in range(4, 12)]
    assert turns == ["discriminator", *["generator"] * 3] * 2


@pytest.mark.parametrize(("blocks", "weight"), [("v1", 10.0), ("v2", 20.0)])
def test_every_weight_is_applied_once(make_task, batch, blocks, weight):
    task = make_task(blocks=blocks, waveform_weight=3.0, regularisation_weight=0.25, steps=100, adversarial_share=0.5)
    _, loss, figures = task.training_step(batch, 20)
    # At 2/5 of the first phase: the regularisation has risen, the waveform's weight falls with the square of the rest.
    wanted = figures["full_band"] + figures["bands"] + 3.0 * 0.36 * figures["waveform"] + 0.25 * figures["kl"]
    assert float(loss.detach()) == pytest.approx(float(wanted), rel=1e-5)
    _, loss, figures = task.training_step(batch, 51)
    wanted = figures["full_band"] + figures["bands"] + figures["adversarial"] + weight * figures["feature_matching"]
    assert float(loss.detach()) == pytest.approx(float(wanted), rel=1e-5)


def test_regularisation_rises_from_nothing(make_task, batch):
    task = make_task(waveform_weight=0.0, regularisation_weight=1000.0, steps=100, adversarial_share=0.0)
    _, loss, figures = task.training_step(batch, 0)
    assert float(loss.detach()) == pytest.approx(float(figures["full_band"] + figures["bands"]), rel=1e-5)
    _, loss, figures = task.training_step(batch, 10)
    assert float(loss.detach()) == pytest.approx(500.0 * float(figures["kl"]), rel=0.1)


def test_a_step_is_a_function_of_batch_and_number(make_task, batch):
    task = make_task(augmentations=["phase", "gain", "mute", "compress", "dequantise"], noise=True)
    losses = [[float(task.training_step(batch, step)[1].detach()) for step in (2, 3, 5, 2, 3, 5)] for _ in range(2)]
    assert losses[0] == losses[1]
    assert losses[0][:3] == losses[0][3:] and losses[0][0] != losses[0][1]


def test_pitch_augmentation_asks_for_longer_crops(make_task, batch):
    plain, pitched = make_task(), make_task(augmentations=["pitch"])
    assert pitched.crop_frames > plain.crop_frames == 4096 // 128
    longer = batch | {"audio": torch.nn.functional.pad(batch["audio"], [0, pitched.crop_frames * 128 - 4096])}
    assert torch.isfinite(pitched.training_step(longer, 0)[1])


@pytest.mark.parametrize("kind", ["variational", "wasserstein", "spherical", "discrete"])
def test_every_latent_trains_validates_and_turns_to_its_axes(make_task, batch, kind, snr_db):
    task = make_task(regularisation=kind)
    task.training_step(batch, 1)[1].backward()
    before = {name: value.clone() for name, value in task.network.latent.state_dict().items()}
    task.start_validation()
    with torch.no_grad():
        figures = task.validation_step(batch)
        code = task.network.latent.mean(task.network.encoder(task.network.analysis(batch["audio"])))
    counts = task.finish_validation()
    assert {"loss", "full_band", "bands"} <= figures.keys()
    assert all(torch.equal(before[name], value) for name, value in task.network.latent.state_dict().items())
    frames = code.transpose(1, 2).reshape(-1, 5).double().numpy()
    variances = np.linalg.eigvalsh(frames.T @ frames)[::-1]
    wanted = np.searchsorted(np.cumsum(variances) / variances.sum(), 0.95) + 1
    assert counts["dimensions_95%"] == wanted
    # All axes together leave the code as it is.
    axes = task.network.latent_axes.double().numpy()
    assert snr_db(frames, frames @ axes.T @ axes) > 100


def test_stereo_trains(make_task, batch):
    task = make_task(channels=2)
    stereo = batch | {"audio": batch["audio"].repeat(1, 2, 1)}
    for step in (1, 4, 5):
        assert torch.isfinite(task.training_step(stereo, step)[1])
    assert task.listen(stereo).shape == stereo["audio"].shape


def test_training_brings_the_waveform_nearer(make_task, batch):
    task = make_task(adversarial_share=0.0, steps=1000, waveform_weight=1000.0)
    optimiser = torch.optim.Adam(task.network.parameters(), 5e-3, betas=task.betas)
    errors = []
    for step in range(60):
        _, loss, figures = task.training_step(batch, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(float(figures["waveform"]))
    assert np.mean(errors[-5:]) < 0.8 * errors[0]
