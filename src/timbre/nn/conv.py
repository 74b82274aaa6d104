"""Convolutions with weight norm and without bias, so that silence stays silence, in training and in streams."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# Of the initial uniform distribution, in 1 / sqrt(fan in): a little under what keeps the level through leaky ReLUs
# (2.4, He et al. 2015), since residual units add to it.
INITIAL_BOUND = 1.5


class WeightNorm(nn.Module):
    """A weight [outputs, inputs, kernel] as direction and magnitude per output (Salimans & Kingma 2016).

    `fold` makes the plain matrix of it that streams need and forgets how to be trained.
    """

    def __init__(self, outputs: int, inputs: int, kernel: int, gain: float = 1.0) -> None:
        super().__init__()
        self.shape = [outputs, inputs, kernel]
        bound = gain * INITIAL_BOUND / math.sqrt(inputs * kernel)
        self.direction = nn.Parameter(torch.empty(outputs, inputs, kernel).uniform_(-bound, bound))
        self.magnitude = nn.Parameter(self.direction.detach().flatten(1).norm(dim=1)[:, None, None])
        self.folded = torch.empty(0)

    def weight(self) -> Tensor:
        """[outputs, inputs, kernel]."""
        if self.folded.numel() > 0:
            return self.folded.view(self.shape[0], self.shape[2], self.shape[1]).transpose(1, 2)
        # The operator that torch's own parametrisation calls: a fifth of the time of writing it out.
        return torch._weight_norm(self.direction, self.magnitude, 0)

    def matrix(self) -> Tensor:
        """[outputs, kernel * inputs], for rows of `kernel` samples with all their channels."""
        if self.folded.numel() > 0:
            return self.folded
        return self.weight().transpose(1, 2).reshape(self.shape[0], -1)

    @torch.jit.ignore
    def fold(self) -> None:
        self.folded = self.matrix().detach().clone()
        self.direction = self.magnitude = nn.Parameter(torch.empty(0), requires_grad=False)


class Conv(nn.Module):
    """A convolution, strided or dilated, of length samples / stride.

    causal: an output sees the inputs up to the newest of its own stride, zeros stand before the first. Otherwise its
    inputs lie around it, and a stream, which hears `late` samples after the sound, waits for those to come and for its
    stride to fall as it does offline. `wait` makes it wait longer still, to be no earlier than another branch.
    gain: of the initial weights.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        causal: bool = True,
        late: int = 0,
        wait: int = 0,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.inputs, self.kernel, self.stride, self.dilation = inputs, kernel, stride, dilation
        self.span = (kernel - 1) * dilation + 1
        if self.span < stride:
            raise ValueError(f"a kernel of {self.span} samples skips some of a stride of {stride}")
        around = self.span - stride
        self.right = 0 if causal else around // 2
        self.left = around - self.right
        wait += -(self.right + late + wait) % stride
        self.delay = (self.right + late + wait) // stride
        self.context = around + wait
        self.states = 1
        self.weighted = WeightNorm(outputs, inputs, kernel, gain)

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, [self.left, self.right]) if self.span > self.stride else x
        return functional.conv1d(padded, self.weighted.weight(), stride=self.stride, dilation=self.dilation)

    def initial_state(self, batch: int) -> list[Tensor]:
        device = self.weighted.magnitude.device
        return [torch.zeros(batch, self.context, self.inputs, device=device)]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        heard = torch.cat([state[0], x], dim=1)
        batch, samples, channels = heard.shape
        kept = heard[:, samples - self.context :]
        frames = x.shape[1] // self.stride
        # Overlapping windows as a view: no sample is copied before the matrix product needs it.
        windows = heard.as_strided(
            [batch, frames, self.kernel, channels],
            [samples * channels, self.stride * channels, self.dilation * channels, 1],
        )
        return functional.linear(windows.reshape(batch, frames, -1), self.weighted.matrix()), [kept]

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on."""
        return (outputs - 1) * self.stride + self.span


class TransposedConv(nn.Module):
    """Upsampling by `stride` with a kernel of twice that, as a convolution over two samples to `stride` at once.

    Output t * stride + j depends on inputs t and t - 1; where not causal, all is earlier by half a stride.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, causal: bool = True, late: int = 0) -> None:
        super().__init__()
        self.inputs, self.outputs, self.stride = inputs, outputs, stride
        self.early = 0 if causal else stride // 2
        self.delay = late * stride + self.early
        self.states = 1
        self.weighted = WeightNorm(stride * outputs, inputs, 2)

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        batch, _, samples = x.shape
        y = functional.conv1d(functional.pad(x, [1, 1 if self.early else 0]), self.weighted.weight())
        y = y.view(batch, self.stride, self.outputs, -1).permute(0, 2, 3, 1).reshape(batch, self.outputs, -1)
        return y[:, :, self.early : self.early + samples * self.stride]

    def initial_state(self, batch: int) -> list[Tensor]:
        return [torch.zeros(batch, 1, self.inputs, device=self.weighted.magnitude.device)]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        heard = torch.cat([state[0], x], dim=1)
        pairs = torch.cat([heard[:, :-1], heard[:, 1:]], dim=2)
        y = functional.linear(pairs, self.weighted.matrix())
        return y.view(x.shape[0], x.shape[1] * self.stride, self.outputs), [heard[:, -1:]]

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on."""
        return -(-outputs // self.stride) + 1
