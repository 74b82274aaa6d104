"""Residual vector quantisation against scipy's and against brute force."""

import copy

import numpy as np
import pytest
import scipy.cluster.vq
import torch

from timbre.models.rave.quantiser import CODEBOOK_SIZE, QUANTISERS, ResidualQuantiser, nearest, totals


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clusters(frames: int, seed: int = 0) -> torch.Tensor:
    """Frames around eight points on a circle."""
    place = torch.arange(frames) % 8 * (torch.pi / 4)
    return torch.stack([place.cos(), place.sin()], dim=1) * 5 + 0.05 * drawn(frames, 2, seed=seed)


@pytest.fixture
def quantiser():
    torch.manual_seed(0)
    return ResidualQuantiser(2, quantisers=2, codebook_size=8)


def test_the_published_size_is_the_default():
    assert (QUANTISERS, CODEBOOK_SIZE) == (16, 1024)
    assert ResidualQuantiser(3).codebooks.shape == (16, 1024, 3)


def test_the_nearest_code_is_that_of_scipy():
    frames, codebook = drawn(200, 5), drawn(32, 5, seed=1)
    assert np.array_equal(nearest(frames, codebook), scipy.cluster.vq.vq(frames.numpy(), codebook.numpy())[0])


def test_totals_are_those_of_numpy():
    frames, codes = drawn(50, 3), torch.randint(0, 7, (50,), generator=torch.Generator().manual_seed(0))
    counts, sums = totals(frames, codes, 7)
    assert np.array_equal(counts, np.bincount(codes, minlength=7))
    wanted = np.stack([np.bincount(codes, frames[:, k], minlength=7) for k in range(3)], axis=1)
    assert np.allclose(sums, wanted, atol=1e-5)


def test_each_codebook_quantises_what_those_before_left(quantiser):
    frames = drawn(20, 2)
    wanted, residual = np.zeros((20, 2)), frames.numpy()
    for codebook in quantiser.codebooks.numpy():
        chosen = codebook[scipy.cluster.vq.vq(residual, codebook)[0]]
        wanted, residual = wanted + chosen, residual - chosen
    assert np.allclose(quantiser.quantise(frames), wanted, atol=1e-6)


def test_one_batch_finds_the_clusters_in_it(quantiser):
    quantiser.train()(clusters(400))
    found = torch.cdist(clusters(8, seed=1), quantiser.codebooks[0]).amin(dim=1)
    assert float(found.median()) < 0.2
    for step in range(200):
        quantiser(clusters(400, seed=step))
    assert float((quantiser.quantise(clusters(400)) - clusters(400)).square().mean()) < 0.05**2


def test_codes_follow_what_falls_to_them_by_a_moving_average():
    quantiser = ResidualQuantiser(1, quantisers=1, codebook_size=2).train()
    quantiser(torch.tensor([[-1.0], [1.0]] * 50))
    assert sorted(quantiser.codebooks.flatten().tolist()) == pytest.approx([-1.0, 1.0])
    for _ in range(20):
        quantiser(torch.tensor([[-1.0], [2.0]] * 50))
    assert sorted(quantiser.codebooks.flatten().tolist()) == pytest.approx([-1.0, 2.0 - 0.99**20], rel=1e-4)


def test_dead_codes_come_back_among_the_frames():
    torch.manual_seed(0)
    quantiser = ResidualQuantiser(2, quantisers=1, codebook_size=8).train()
    quantiser(clusters(80))
    with torch.no_grad():
        quantiser.codebooks[0, 3] = 1000.0
        quantiser.usage[0, 3] = 0.0
    quantiser(clusters(80, seed=1))
    assert float(quantiser.codebooks[0, 3].norm()) == pytest.approx(5.0, abs=0.5)


def test_a_full_house_is_left_in_peace_although_no_code_is_used_twice():
    quantiser = ResidualQuantiser(2, quantisers=1, codebook_size=64).train()
    frames = drawn(64, 2)
    quantiser(frames)
    before = quantiser.codebooks.clone()
    for _ in range(5):
        quantiser(frames)
    assert torch.allclose(quantiser.codebooks, before, atol=1e-5)


def test_fewer_frames_than_codes_are_enough(quantiser):
    quantised, loss, perplexity = quantiser.train()(drawn(3, 2))
    assert torch.allclose(quantised, drawn(3, 2), atol=1e-6)
    assert float(loss) < 1e-10 and perplexity.isfinite()


def test_nothing_moves_but_in_training(quantiser):
    quantiser.train()(drawn(100, 2))
    before = copy.deepcopy(quantiser.state_dict())
    quantiser.eval()(drawn(100, 2, seed=1))
    quantiser.train().quantise(drawn(100, 2, seed=2))
    assert all(torch.equal(value, before[name]) for name, value in quantiser.state_dict().items())


def test_the_same_batches_give_the_same_bits_whatever_the_global_chance(quantiser):
    twin = copy.deepcopy(quantiser)
    for step in range(3):
        torch.manual_seed(step)
        quantiser.train()(drawn(30, 2, seed=step))
        torch.manual_seed(99)
        twin.train()(drawn(30, 2, seed=step))
    assert all(torch.equal(value, twin.state_dict()[name]) for name, value in quantiser.state_dict().items())


def test_only_the_frames_get_a_gradient_and_it_draws_them_to_their_codes(quantiser):
    quantiser.train()(clusters(100))
    frames = (clusters(100) + 0.3).requires_grad_()
    quantised, loss, _ = quantiser.eval()(frames)
    assert not quantised.requires_grad and not list(quantiser.parameters())
    loss.backward()
    assert float((frames.grad * (frames.detach() - quantiser.quantise(frames.detach()))).sum()) > 0


def test_the_count_is_looked_at_only_after_others_have_set_it(quantiser, monkeypatch):
    quantiser.train()
    read = []
    monkeypatch.setattr(torch.Tensor, "__int__", lambda tensor: read.append(1) or tensor.item())
    for _ in range(3):
        quantiser(clusters(40))
    assert (len(read), quantiser._count()) == (1, 3)
    quantiser.load_state_dict(quantiser.state_dict() | {"steps": torch.tensor(7)})
    quantiser(clusters(40))
    assert (len(read), quantiser._count()) == (2, 8)
    quantiser.to(torch.float64)  # another tensor
    twin = copy.deepcopy(quantiser)
    assert (quantiser._count(), twin._count(), int(twin.steps)) == (8, 8, 8)
