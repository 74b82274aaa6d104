"""The spectral loss against its definition and auraloss."""

import math

import numpy as np
import pytest
import torch

from timbre.dsp.spectral import (
    NOISE_FLOOR_PER_SCALE,
    fft_sizes_for,
    magnitudes,
    multi_scale_spectral_loss,
    spectral_distance,
)

SIZES = [512, 128]


def noise(seed: int, samples: int = 8000, scale: float = 0.3) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=(1, samples)) * scale, dtype=torch.float32)


def test_a_sound_has_no_distance_from_itself():
    assert multi_scale_spectral_loss(noise(0), noise(0), SIZES) == 0


def test_distance_is_the_same_both_ways():
    ab = multi_scale_spectral_loss(noise(0), noise(1), SIZES)
    assert ab > 0
    assert float(ab) == pytest.approx(float(multi_scale_spectral_loss(noise(1), noise(0), SIZES)), rel=1e-6)


def test_twice_the_level_costs_ln_2_a_scale_beside_the_linear_term():
    x = noise(0)
    linear = sum(float(magnitudes(x, size).mean()) for size in SIZES)
    assert float(multi_scale_spectral_loss(x, 2 * x, SIZES)) - linear == pytest.approx(2 * math.log(2), rel=1e-4)


def test_independent_noises_differ_by_the_noise_floor():
    x, y = noise(0, 200_000), noise(1, 200_000)
    for size in SIZES:
        linear = float((magnitudes(x, size) - magnitudes(y, size)).abs().mean())
        logarithmic = float(multi_scale_spectral_loss(x, y, [size])) - linear
        assert logarithmic == pytest.approx(NOISE_FLOOR_PER_SCALE, rel=0.02)


def test_it_is_the_l1_loss_of_auraloss():
    auraloss = pytest.importorskip("auraloss.freq")
    x, y = (torch.nn.functional.pad(noise(seed), (1024, 1024)) for seed in (0, 1))
    theirs = sum(
        auraloss.STFTLoss(size, size // 4, size, w_sc=0.0, w_log_mag=1.0, w_lin_mag=1.0, eps=1e-10)(x[None], y[None])
        for size in SIZES
    )
    assert float(multi_scale_spectral_loss(x, y, SIZES)) == pytest.approx(float(theirs), rel=1e-4)


@pytest.mark.parametrize("target", (torch.zeros(1, 4000), noise(0, 4000)))
def test_gradient_is_finite_on_silence(target):
    x = torch.zeros(1, 4000, requires_grad=True)
    multi_scale_spectral_loss(x, target, SIZES).backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("rate", (16000, 22050, 24000, 32000, 44100, 48000))
def test_windows_last_as_long_at_every_rate(rate):
    sizes = fft_sizes_for(rate)
    assert all(size % 4 == 0 for size in sizes)
    assert [size / rate for size in sizes] == pytest.approx([2.0**n / 16000 for n in range(11, 5, -1)], rel=0.03)


def test_fft_sizes_are_the_published_ones():
    assert fft_sizes_for(16000) == [2048, 1024, 512, 256, 128, 64]
    assert fft_sizes_for(48000) == [6144, 3072, 1536, 768, 384, 192]


def distance_by_definition(target: torch.Tensor, estimate: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Défossez et al. 2018 as RAVE weighs it, differentiated step by step."""
    total = torch.zeros((), dtype=target.dtype)
    for size in sizes:
        x, y = (magnitudes(sound.flatten(0, -2), size) for sound in (target, estimate))
        power = x.square().mean()
        total = total + (x - y).square().mean() / (power if power > 1e-10 else 1.0)
        total = total + ((x + 1e-7).log() - (y + 1e-7).log()).abs().mean()
    return total


@pytest.mark.parametrize("scale", (1.0, 1e-3, 0.0))
@pytest.mark.parametrize("shape", ((2, 3, 4096), (1, 1, 777)))
def test_distance_and_gradient_are_those_of_its_definition(shape, scale):
    draw = torch.Generator().manual_seed(0)
    target = scale * torch.randn(shape, generator=draw, dtype=torch.float64)
    estimate = target + 0.1 * torch.randn(shape, generator=draw, dtype=torch.float64)
    ours, theirs = estimate.clone().requires_grad_(), estimate.clone().requires_grad_()
    found, wanted = (
        spectral_distance(target, ours, [512, 256, 64]),
        distance_by_definition(target, theirs, [512, 256, 64]),
    )
    assert found.item() == pytest.approx(wanted.item(), rel=1e-12)
    found.backward()
    wanted.backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12 * float(theirs.grad.abs().max()))


def test_distance_of_a_sound_from_itself_is_0_with_no_gradient_and_silence_has_a_finite_one():
    sound, silence = noise(1).view(1, 1, -1), torch.zeros(1, 1, 8000)
    same = sound.clone().requires_grad_()
    loss = spectral_distance(sound, same, [512, 64])
    loss.backward()
    assert loss.item() == 0.0 and not same.grad.any()
    for target in (sound, silence):
        quiet = silence.clone().requires_grad_()
        spectral_distance(target, quiet, [512, 64]).backward()
        assert torch.isfinite(quiet.grad).all()
