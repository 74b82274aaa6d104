"""Residual vector quantisation with codebooks that follow what they quantise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from timbre.dsp.chance import sent
from timbre.dsp.pooled import own_rows, rows_of_all

QUANTISERS = 16
CODEBOOK_SIZE = 1024
DECAY = 0.99
# A code is dead when fewer frames a step use it than this (Défossez et al. 2022, EnCodec), or than half its fair share:
# with as many codes as frames in a batch, hardly any would reach 2.
DEAD_USAGE = 2.0
DEAD_SHARE = 0.5
FIRST_ROUNDS = 10


class ResidualQuantiser(nn.Module):
    """Codebooks in a row, each quantising what those before left over (Zeghidour et al. 2021, SoundStream, III-C).

    Codebooks are exponential moving averages of what falls to each code (van den Oord et al. 2017, appendix A.1). They
    start from the first batch by k-means, and dead codes are replaced by frames of the batch. All this only in
    training mode, by no other chance than a generator seeded with the number of the step, and by the frames of all
    processes that take it, each of which comes to the same codebooks.
    """

    def __init__(self, dims: int, quantisers: int = QUANTISERS, codebook_size: int = CODEBOOK_SIZE) -> None:
        super().__init__()
        self.register_buffer("codebooks", torch.randn(quantisers, codebook_size, dims) / quantisers**0.5)
        self.register_buffer("usage", torch.zeros(quantisers, codebook_size))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._counted = (0, 0, 0)  # which tensor `steps` was, its version, and the number in it

    @torch.jit.export
    def quantise(self, frames: Tensor) -> Tensor:
        """The sum of the nearest codes. [frames, dims] -> the same shape."""
        residual = frames
        for number in range(self.codebooks.shape[0]):
            codebook = self.codebooks[number]
            residual = residual - codebook[nearest(residual, codebook)]
        return frames - residual

    @torch.jit.unused
    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The quantised frames, without gradient, the commitment loss, and the perplexity of the codes.

        frames: [frames, dims]. The loss is the mean squared error of each quantiser, averaged over them; its gradient
        goes to the frames only. The perplexity is exp of the entropy of a codebook's usage, averaged over codebooks.
        """
        frames = rows_of_all(frames)
        detached = frames.detach()
        quantised = torch.zeros_like(detached)
        loss = frames.new_zeros(())
        step = self._count() if self.training else 0
        first = self.training and step == 0
        picks = self._picks(len(frames), step) if self.training else None
        for number, codebook in enumerate(self.codebooks):
            residual = detached - quantised
            if first:
                self._start(number, residual, picks[number])
            codes = nearest(residual, codebook)
            # A copy: the codebook is about to move.
            quantised = quantised + codebook[codes]
            loss = loss + (frames - quantised).square().mean()
            if self.training:
                self._follow(number, residual, codes, picks[number])
        if self.training:
            self.steps += 1
            self._counted = (id(self.steps), self.steps._version, step + 1)
        share = self.usage / self.usage.sum(dim=1, keepdim=True).clamp(min=1e-9)
        perplexity = torch.special.entr(share).sum(dim=1).exp().mean()
        return own_rows(quantised), loss / len(self.codebooks), perplexity

    def _count(self) -> int:
        """`steps` as a number, looked at on its device only after others, such as a checkpoint, have set it."""
        tensor, version, count = self._counted
        return count if (tensor, version) == (id(self.steps), self.steps._version) else int(self.steps)

    def _picks(self, frames: int, step: int) -> Tensor:
        """For each code a frame of the batch in its place, [quantisers, codes]: each frame once while they last."""
        generator = torch.Generator().manual_seed(step)
        quantisers, codes = self.usage.shape
        rounds = -(-codes // frames)
        orders = [
            torch.cat([torch.randperm(frames, generator=generator) for _ in range(rounds)])[:codes]
            for _ in range(quantisers)
        ]
        return sent(torch.stack(orders), self.usage.device)

    def _start(self, number: int, residual: Tensor, picks: Tensor) -> None:
        """k-means on the first batch (Lloyd 1982)."""
        codebook, usage = self.codebooks[number], self.usage[number]
        codebook.copy_(residual[picks])
        for _ in range(FIRST_ROUNDS):
            counts, sums = totals(residual, nearest(residual, codebook), len(codebook))
            codebook.copy_(torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1.0), codebook))
        usage.copy_(counts)

    def _follow(self, number: int, residual: Tensor, codes: Tensor, picks: Tensor) -> None:
        """Move a codebook towards the frames that fell to its codes, and replace dead codes."""
        codebook, usage = self.codebooks[number], self.usage[number]
        counts, sums = totals(residual, codes, len(codebook))
        moved = DECAY * usage + (1.0 - DECAY) * counts
        centre = (DECAY * usage[:, None] * codebook + (1.0 - DECAY) * sums) / moved[:, None].clamp(min=1e-9)
        fair_share = len(residual) / len(codebook)
        dead = moved < min(DEAD_USAGE, DEAD_SHARE * fair_share)
        codebook.copy_(torch.where(dead[:, None], residual[picks], centre))
        # A new code has a fair share to its credit, so that it has time to find frames of its own.
        usage.copy_(torch.where(dead, fair_share, moved))


def nearest(frames: Tensor, codebook: Tensor) -> Tensor:
    """Index of the nearest code. [frames, dims], [codes, dims] -> [frames]."""
    # The frames' own norm is the same for all codes.
    return torch.addmm(codebook.square().sum(dim=1), frames, codebook.t(), alpha=-2.0).argmin(dim=1)


def totals(frames: Tensor, codes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """How many frames fell to each code, and their sum. [frames, dims], [frames] -> [count], [count, dims].

    As a product of matrices, which unlike scattered adding comes out the same each time on a GPU.
    """
    chosen = nn.functional.one_hot(codes, count).to(frames.dtype)
    return chosen.sum(dim=0), chosen.t() @ frames
