"""The principal axes of the latent code, and how many of them matter."""

from __future__ import annotations

import torch
from torch import Tensor


class StreamingCovariance:
    """Covariance about zero of frames that come in pieces, in double precision: sum of z z^T over their number.

    Zero, not the mean, since zero is the code of silence: whatever axes are left out later, it stays zero.
    """

    def __init__(self, dims: int) -> None:
        self.count = 0
        self._scatter = torch.zeros(dims, dims, dtype=torch.float64)

    def add(self, code: Tensor) -> None:
        """Take in the frames of a code, [batch, dims, frames], any number of them."""
        frames = code.detach().transpose(1, 2).flatten(0, 1).to("cpu", torch.float64)
        self._scatter += frames.T @ frames
        self.count += len(frames)

    @property
    def covariance(self) -> Tensor:
        """[dims, dims] float64; 0 where there are no frames."""
        return self._scatter / max(1, self.count)


def principal_axes(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Principal axes and the share of the variance that they explain.

    covariance: [dims, dims]. Returns: basis [dims, dims], orthonormal rows by falling variance, each with its largest
    component positive; explained [dims], the share of the first one, two, ... axes, just 1 from the rank on. Any rank
    will do; where nothing varies, one axis explains it all.
    """
    variances, columns = torch.linalg.eigh(covariance.to(torch.float64))
    variances, basis = variances.flip(0), columns.T.flip(0)
    # What an exact zero comes out as, after rounding (the tolerance of numpy.linalg.matrix_rank).
    floor = variances[0].clamp(min=0.0) * len(variances) * torch.finfo(torch.float64).eps
    variances = torch.where(variances > floor, variances, 0.0)
    # Components as large as the largest but for rounding count as equal, so that it is the first of them.
    size = basis.abs()
    largest = (size >= size.amax(dim=1, keepdim=True) * (1.0 - 1e-9)).to(torch.uint8).argmax(dim=1, keepdim=True)
    basis = basis * torch.sign(basis.gather(1, largest))
    explained = torch.cumsum(variances, dim=0)
    if explained[-1] == 0.0:
        return basis, torch.ones_like(explained)
    return basis, explained / explained[-1]


def dimensions_for(explained: Tensor, fidelity: float) -> int:
    """The smallest number of axes that explain at least the share `fidelity`, over 0 to 1, of the variance."""
    return min(len(explained), int((explained < fidelity).sum()) + 1)
