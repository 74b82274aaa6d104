"""The latent against torch's own distributions, scipy's distances and numpy's covariance."""

import numpy as np
import pytest
import scipy.spatial.distance
import torch

from timbre.models.rave.latent import KINDS, SPREAD_LOGIT, make_latent, maximum_mean_discrepancy

SIZE = 6


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=KINDS)
def latent(request):
    torch.manual_seed(0)
    return make_latent(request.param, SIZE).eval()


def test_all_kinds_give_a_code_a_scalar_loss_and_figures_without_gradient(latent):
    raw = drawn(2, latent.raw_size, 5).requires_grad_()
    code, loss, figures = latent.train()(raw, drawn(2, SIZE, 5, seed=1))
    assert code.shape == (2, SIZE, 5)
    assert loss.shape == ()
    assert all(value.shape == () and not value.requires_grad for value in figures.values())
    (code.square().sum() + loss).backward()
    assert raw.grad.isfinite().all() and raw.grad.abs().sum() > 0


def test_the_mean_looks_at_one_frame_at_a_time(latent):
    raw = drawn(1, latent.raw_size, 7)
    whole = latent.mean(raw)
    assert whole.shape == (1, SIZE, 7)
    pieces = [latent.mean(raw[:, :, k : k + 1]) for k in range(7)]
    assert torch.allclose(torch.cat(pieces, dim=2), whole, atol=1e-6)


def test_the_live_methods_script(latent):
    raw, scripted = drawn(2, latent.raw_size, 3), torch.jit.script(latent)
    assert torch.equal(scripted.mean(raw), latent.mean(raw))
    assert torch.equal(scripted.spread(raw), latent.spread(raw))


@pytest.mark.parametrize("kind", ("variational", "wasserstein", "spherical"))
def test_nothing_stays_nothing(kind):
    latent = make_latent(kind, SIZE)
    raw = torch.zeros(1, latent.raw_size, 4, requires_grad=True)
    code = latent.mean(raw)
    assert torch.equal(code, torch.zeros(1, SIZE, 4))
    code.sum().backward()
    assert raw.grad.isfinite().all()


def test_the_variational_loss_is_twice_the_divergence_of_torch():
    latent = make_latent("variational", SIZE)
    raw = drawn(3, 2 * SIZE, 10)
    posterior = torch.distributions.Normal(latent.mean(raw), latent.spread(raw))
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    _, loss, figures = latent(raw, drawn(3, SIZE, 10))
    assert float(loss) == pytest.approx(float(2 * divergence.sum(dim=1).mean()), rel=1e-5)
    assert figures["kl"] == loss


def test_the_variational_code_has_the_mean_and_the_spread_it_says():
    latent = make_latent("variational", 1)
    raw = torch.tensor([1.5, -0.3])[None, :, None].expand(1, 2, 200_000)
    code = latent(raw, drawn(1, 1, 200_000))[0]
    assert float(code.mean()) == pytest.approx(1.5, abs=0.01)
    assert float(code.std()) == pytest.approx(float(latent.spread(raw)[0, 0, 0]), rel=0.01)
    assert float(latent.spread(raw)[0, 0, 0]) == pytest.approx(np.log1p(np.exp(-0.3 + SPREAD_LOGIT)) + 1e-4, rel=1e-6)


def test_dead_dimensions_are_those_that_say_almost_nothing():
    latent = make_latent("variational", 4)
    unit = float(np.log(np.e - 1.0)) - SPREAD_LOGIT  # its softplus is 1
    # The divergence of a unit spread is half the squared mean.
    means = torch.tensor([0.0, np.sqrt(2 * 0.049), np.sqrt(2 * 0.051), 3.0])
    raw = torch.cat([means, torch.full((4,), unit)]).to(torch.float32)[None, :, None].expand(2, 8, 3)
    assert float(latent(raw, torch.zeros(2, 4, 3))[2]["dead_latents"]) == 0.5


def test_the_discrepancy_is_the_double_sum_of_the_paper():
    x, y = drawn(40, 3).double(), drawn(40, 3, seed=1).double() + 0.5

    def kernel(a, b):
        return 6.0 / (6.0 + scipy.spatial.distance.cdist(a, b, "sqeuclidean"))

    off = ~np.eye(40, dtype=bool)
    wanted = kernel(x, x)[off].mean() + kernel(y, y)[off].mean() - 2.0 * kernel(x, y).mean()
    assert float(maximum_mean_discrepancy(x, y)) == pytest.approx(wanted, rel=1e-9)


def test_the_discrepancy_is_nothing_between_likes_and_grows_with_the_difference():
    prior, like = drawn(1000, 8), drawn(1000, 8, seed=1)
    away = [float(maximum_mean_discrepancy(prior, like * scale + shift)) for scale, shift in ((1, 0), (2, 0), (1, 2))]
    assert abs(away[0]) < 2e-3 < away[1] / 10
    assert away[2] > 0.1


def test_the_wasserstein_kind_is_pulled_towards_the_prior_by_few_frames_of_many():
    latent = make_latent("wasserstein", 2)
    raw = (3.0 * drawn(4, 2, 1000) + 1.0).requires_grad_()
    code, loss, figures = latent(raw, drawn(4, 2, 1000, seed=1))
    assert code is raw
    loss.backward()
    assert int((raw.grad.abs().sum(dim=1) > 0).sum()) == 1024
    assert float((raw.grad * raw.detach()).sum()) > 0
    assert figures["mmd"] == loss


def test_the_spherical_code_has_unit_power_whatever_the_level():
    latent = make_latent("spherical", SIZE)
    raw = drawn(2, SIZE, 9)
    assert torch.allclose(latent.mean(raw).square().mean(dim=1), torch.ones(2, 9), atol=1e-5)
    assert torch.allclose(latent.mean(50.0 * raw), latent.mean(raw), atol=1e-5)


def test_the_discrete_code_is_the_mean_and_its_gradient_goes_straight_through():
    latent = make_latent("discrete", SIZE).eval()
    raw = drawn(2, SIZE, 5).requires_grad_()
    code, _, _ = latent(raw, torch.zeros(2, SIZE, 5))
    assert torch.allclose(code, latent.mean(raw), atol=1e-6)
    weights = drawn(2, SIZE, 5, seed=2)
    (code * weights).sum().backward()
    assert torch.equal(raw.grad, weights)
