"""Adversarial losses against numbers worked out by hand."""

import pytest
import torch

from timbre.models.rave.adversarial import feature_matching, hinge_discriminator, hinge_generator


def net(*layers: list[float]) -> list[torch.Tensor]:
    return [torch.tensor(layer, requires_grad=True) for layer in layers]


def test_the_discriminators_hinge_is_that_of_the_paper_averaged_over_nets():
    real = [net([9.0], [2.0, 0.5, -1.0, 1.0]), net([9.0], [1.0])]
    fake = [net([9.0], [-2.0, 0.0, 1.0, -1.0]), net([9.0], [-0.5])]
    first = (0.0 + 0.5 + 2.0 + 0.0) / 4 + (0.0 + 1.0 + 2.0 + 0.0) / 4
    assert float(hinge_discriminator(real, fake).detach()) == pytest.approx((first + 0.5) / 2)


def test_the_hinge_leaves_alone_what_is_beyond_the_margin():
    real, fake = [net([3.0])], [net([-3.0])]
    hinge_discriminator(real, fake).backward()
    assert float(real[0][0].grad) == float(fake[0][0].grad) == 0.0


def test_the_decoder_is_after_a_high_score_without_a_margin():
    fake = [net([1.0, 3.0]), net([-5.0])]
    loss = hinge_generator(fake)
    assert float(loss.detach()) == pytest.approx(-(2.0 - 5.0) / 2)
    loss.backward()
    assert fake[0][0].grad.tolist() == [-0.25, -0.25]


def test_matching_is_the_mean_distance_of_all_layers_but_the_score():
    real = [net([1.0, 2.0], [4.0], [100.0]), net([0.0], [1.0], [0.0])]
    fake = [net([2.0, 0.0], [1.0], [-100.0]), net([0.5], [1.0], [7.0])]
    assert float(feature_matching(real, fake, relative=False).detach()) == pytest.approx(
        ((1.5 + 3.0) / 2 + (0.5 + 0.0) / 2) / 2
    )


def test_relative_matching_skips_the_first_layer_and_divides_by_the_real_magnitude():
    real = [net([9.0], [1.0, -3.0], [10.0], [0.0])]
    fake = [net([1.0], [2.0, -3.0], [5.0], [1.0])]
    assert float(feature_matching(real, fake, relative=True).detach()) == pytest.approx((0.5 / 2.0 + 5.0 / 10.0) / 2)


def test_relative_matching_does_not_depend_on_the_scale_of_a_layer():
    torch.manual_seed(0)
    real, fake = ([[torch.randn(2, 3), torch.randn(2, 5), torch.zeros(1)]] for _ in range(2))
    scaled = [[[layer * 1000.0 for layer in layers] for layers in side] for side in (real, fake)]
    assert float(feature_matching(*scaled, relative=True).detach()) == pytest.approx(
        float(feature_matching(real, fake, relative=True)), rel=1e-5
    )


@pytest.mark.parametrize("relative", (False, True))
def test_matching_is_nothing_between_equals_and_moves_the_fake_only(relative):
    real, fake = [net([1.0], [2.0], [3.0])], [net([1.0], [2.0], [3.0])]
    assert float(feature_matching(real, fake, relative).detach()) == 0.0
    fake = [net([1.5], [2.5], [3.0])]
    feature_matching(real, fake, relative).backward()
    assert all(layer.grad is None for layer in real[0])
    assert float(fake[0][1].grad) > 0.0
    assert fake[0][2].grad is None


def test_layers_silent_on_recordings_give_finite_numbers():
    real, fake = [net([0.0], [0.0], [0.0])], [net([1.0], [1.0], [0.0])]
    assert feature_matching(real, fake, relative=True).isfinite()
