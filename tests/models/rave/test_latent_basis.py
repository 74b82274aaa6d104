"""Principal axes against numpy's covariance and singular values."""

import numpy as np
import pytest
import torch

from timbre.models.rave.latent_basis import StreamingCovariance, dimensions_for, principal_axes


def frames_of(count: int, dims: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    mixing = draw.normal(size=(dims, dims)) * 0.7 ** np.arange(dims)
    return draw.normal(size=(count, dims)) @ mixing.T + 100.0


def covariance_of(frames: np.ndarray, pieces: list[int]) -> StreamingCovariance:
    covariance, at = StreamingCovariance(frames.shape[1]), 0
    for size in pieces:
        covariance.add(torch.tensor(frames[at : at + size]).T.unsqueeze(0))
        at += size
    return covariance


def test_pieces_give_the_covariance_about_zero(random_blocks):
    frames = frames_of(500, 5)
    got = covariance_of(frames, [0, *random_blocks(500, 3, most=40)])
    assert got.count == 500
    mean = frames.mean(axis=0)
    assert np.allclose(got.covariance, np.cov(frames.T, bias=True) + np.outer(mean, mean), rtol=1e-10)


def test_the_items_of_a_batch_are_more_frames():
    code = torch.tensor(frames_of(60, 4).reshape(3, 20, 4)).transpose(1, 2)
    covariance = StreamingCovariance(4)
    covariance.add(code)
    assert np.allclose(covariance.covariance, covariance_of(frames_of(60, 4), [60]).covariance, rtol=1e-10)


def test_no_frames_are_no_fault():
    assert torch.equal(StreamingCovariance(3).covariance, torch.zeros(3, 3, dtype=torch.float64))


def test_axes_are_those_of_the_singular_value_decomposition():
    frames = frames_of(300, 6)
    basis, explained = principal_axes(torch.tensor(np.cov(frames.T)))
    centred = frames - frames.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    assert np.allclose(np.abs((basis.numpy() * axes).sum(axis=1)), 1.0, atol=1e-9)
    assert np.allclose(explained, np.cumsum(singular**2) / np.sum(singular**2), atol=1e-12)
    assert np.allclose(basis @ basis.T, np.eye(6), atol=1e-12)


def test_the_sign_of_an_axis_is_that_of_its_largest_component():
    basis, _ = principal_axes(torch.tensor(np.cov(frames_of(300, 6).T)))
    assert all(row[row.abs().argmax()] > 0 for row in basis)
    # Two components just as large: the first of them.
    basis, _ = principal_axes(torch.tensor([[2.0, -1.0], [-1.0, 2.0]]))
    assert np.allclose(basis, np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2.0))


def test_fewer_frames_than_dimensions_explain_all_in_as_many_as_their_rank():
    frames = frames_of(4, 10)
    basis, explained = principal_axes(covariance_of(frames, [4]).covariance)
    assert dimensions_for(explained, 1.0) == 4
    assert torch.equal(explained[3:], torch.ones(7, dtype=torch.float64))
    kept = frames @ basis[:4].numpy().T
    assert np.allclose(kept @ basis[:4].numpy(), frames, atol=1e-9)


def test_where_nothing_varies_one_dimension_is_enough():
    basis, explained = principal_axes(torch.zeros(5, 5))
    assert dimensions_for(explained, 0.99) == dimensions_for(explained, 1.0) == 1
    assert np.allclose(basis @ basis.T, np.eye(5))


@pytest.mark.parametrize(
    ("fidelity", "wanted"), ((0.01, 1), (0.5, 1), (0.5001, 2), (0.75, 2), (0.76, 3), (0.875, 3), (0.9, 4), (1.0, 4))
)
def test_the_count_is_the_smallest_that_reaches_the_fidelity(fidelity, wanted):
    assert dimensions_for(torch.tensor([0.5, 0.75, 0.875, 1.0], dtype=torch.float64), fidelity) == wanted


def test_as_many_dimensions_as_there_are_where_all_are_asked_for():
    _, explained = principal_axes(torch.eye(4))
    assert [dimensions_for(explained, share) for share in (0.25, 0.26, 0.75, 0.99, 1.0)] == [1, 2, 3, 4, 4]
