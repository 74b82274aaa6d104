"""Convolutions with weight norm and without bias, so that silence stays silence, in training and in streams."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# Of the initial uniform distribution, in 1 / sqrt(fan in): a little under what keeps the level through leaky ReLUs
# (2.4, He et al. 2015), since residual units add to it.
INITIAL_BOUND = 1.5
# Of a folded matrix that is small enough to lie by inputs.
MOST_BY_INPUTS = 2**17
# From so many weights on, oneDNN's convolution takes up to twice the time of the matrix product of the same numbers.
MANY_WEIGHTS = 2**20


class WeightNorm(nn.Module):
    """A weight [outputs, inputs, kernel] as direction and magnitude per output (Salimans & Kingma 2016)."""

    def __init__(self, outputs: int, inputs: int, kernel: int, gain: float = 1.0) -> None:
        super().__init__()
        self.shape = [outputs, inputs, kernel]
        bound = gain * INITIAL_BOUND / math.sqrt(inputs * kernel)
        self.direction = nn.Parameter(torch.empty(outputs, inputs, kernel).uniform_(-bound, bound))
        self.magnitude = nn.Parameter(self.direction.detach().flatten(1).norm(dim=1)[:, None, None])

    def weight(self) -> Tensor:
        """[outputs, inputs, kernel]."""
        # The operator that torch's own parametrisation calls: a fifth of the time of writing it out.
        return torch._weight_norm(self.direction, self.magnitude, 0)

    def matrix(self) -> Tensor:
        """[outputs, kernel * inputs], for rows of `kernel` samples with all their channels."""
        return self.weight().transpose(1, 2).reshape(self.shape[0], -1)

    def product(self, rows: Tensor) -> Tensor:
        """Rows [count, kernel * inputs] -> [count, outputs]."""
        return functional.linear(rows, self.matrix())


class Folded(nn.Module):
    """The plain matrix of a weight, as streams need it: it cannot be trained any more."""

    def __init__(self, weighted: WeightNorm) -> None:
        super().__init__()
        self.shape = weighted.shape
        turned = weighted.matrix().detach().t()
        # MKL multiplies a few rows faster, by up to a half, where what is small or wide lies in memory by inputs.
        by_inputs = turned.numel() <= MOST_BY_INPUTS or turned.shape[0] <= turned.shape[1]
        turned = turned.contiguous() if by_inputs else turned.t().clone().t()
        self.turned = nn.Parameter(turned, requires_grad=False)

    @torch.jit.ignore
    def weight(self) -> Tensor:
        """[outputs, inputs, kernel]."""
        outputs, inputs, kernel = self.shape
        return self.turned.t().reshape(outputs, kernel, inputs).transpose(1, 2)

    def product(self, rows: Tensor) -> Tensor:
        """Rows [count, kernel * inputs] -> [count, outputs]."""
        return torch.mm(rows, self.turned)


class FoldedLinear(nn.Module):
    """The same as a linear layer, which takes longer but can be quantised."""

    def __init__(self, folded: Folded) -> None:
        super().__init__()
        inputs, outputs = folded.turned.shape
        self.linear = nn.Linear(inputs, outputs, bias=False, device=folded.turned.device)
        self.linear.weight = nn.Parameter(folded.turned.t().contiguous(), requires_grad=False)

    def product(self, rows: Tensor) -> Tensor:
        """Rows [count, kernel * inputs] -> [count, outputs]."""
        return self.linear(rows)


class Weighted(nn.Module):
    """What convolutions share: a weight that can be folded."""

    def __init__(self, outputs: int, inputs: int, kernel: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weighted = WeightNorm(outputs, inputs, kernel, gain)
        self.register_buffer("place", torch.empty(0), persistent=False)  # only tells where the state must live

    @torch.jit.ignore
    def fold(self) -> None:
        """Make the weight the plain matrix that streams need."""
        self.weighted = Folded(self.weighted)


def _over_time(x: Tensor, weight: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
    """`functional.conv1d`, on the CPU by the quicker of two ways."""
    outputs, _, kernel = weight.shape
    if weight.numel() < MANY_WEIGHTS or x.device.type != "cpu":
        return functional.conv1d(x, weight, stride=stride, dilation=dilation)
    windows = x.unfold(2, (kernel - 1) * dilation + 1, stride)[..., ::dilation].transpose(1, 2)
    batch, frames = windows.shape[:2]
    y = functional.linear(windows.reshape(batch * frames, -1), weight.flatten(1))
    return y.view(batch, frames, outputs).transpose(1, 2)


def _after(heard: Tensor, samples: int, state: Tensor) -> Tensor:
    """What is kept of all that was heard, state and `samples` more: a view in one operator, a slice takes four."""
    return heard.as_strided(state.shape, heard.stride(), samples * heard.shape[2])


class Conv(Weighted):
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
        super().__init__(outputs, inputs, kernel, gain)
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
        self.states = 1 if self.context > 0 else 0

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, [self.left, self.right]) if self.span > self.stride else x
        return _over_time(padded, self.weighted.weight(), self.stride, self.dilation)

    def initial_state(self, batch: int) -> list[Tensor]:
        state = torch.jit.annotate(list[Tensor], [])
        if self.context > 0:
            state.append(torch.zeros(batch, self.context, self.inputs, device=self.place.device))
        return state

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        batch, samples, channels = x.shape
        frames = samples // self.stride
        heard = torch.cat([state[0], x], dim=1) if self.context > 0 else x.contiguous()
        if not torch.jit.is_scripting():
            if torch.onnx.is_in_onnx_export():
                used = heard[:, : (frames - 1) * self.stride + self.span].transpose(1, 2)
                y = functional.conv1d(used, self.weighted.weight(), stride=self.stride, dilation=self.dilation)
                return y.transpose(1, 2), [heard[:, samples:]] if self.context > 0 else state
        # Overlapping windows as a view: no sample is copied before the matrix product needs it.
        width = self.kernel * channels
        if batch == 1 and self.dilation == 1:
            windows = heard.as_strided([frames, width], [self.stride * channels, 1])
        else:
            windows = heard.as_strided(
                [batch, frames, self.kernel, channels],
                [heard.stride(0), self.stride * channels, self.dilation * channels, 1],
            ).reshape(batch * frames, width)
        y = self.weighted.product(windows).view(batch, frames, -1)
        return y, [_after(heard, samples, state[0])] if self.context > 0 else state

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on."""
        return (outputs - 1) * self.stride + self.span


class TransposedConv(Weighted):
    """Upsampling by `stride` with a kernel of twice that, as a convolution over two samples to `stride` at once.

    Output t * stride + j depends on inputs t and t - 1; where not causal, all is earlier by half a stride.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, causal: bool = True, late: int = 0) -> None:
        super().__init__(stride * outputs, inputs, 2)
        self.inputs, self.outputs, self.stride = inputs, outputs, stride
        self.early = 0 if causal else stride // 2
        self.delay = late * stride + self.early
        self.states = 1

    @torch.jit.ignore
    def forward(self, x: Tensor) -> Tensor:
        batch, _, samples = x.shape
        y = _over_time(functional.pad(x, [1, 1 if self.early else 0]), self.weighted.weight())
        y = y.view(batch, self.stride, self.outputs, -1).permute(0, 2, 3, 1).reshape(batch, self.outputs, -1)
        return y[:, :, self.early : self.early + samples * self.stride]

    def initial_state(self, batch: int) -> list[Tensor]:
        return [torch.zeros(batch, 1, self.inputs, device=self.place.device)]

    def step(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        batch, samples, channels = x.shape
        heard = torch.cat([state[0], x], dim=1)
        if not torch.jit.is_scripting():
            if torch.onnx.is_in_onnx_export():
                y = functional.conv1d(heard.transpose(1, 2), self.weighted.weight())
                y = y.view(batch, self.stride, self.outputs, -1).permute(0, 2, 3, 1)
                return y.reshape(batch, self.outputs, -1).transpose(1, 2), [heard[:, samples:]]
        pairs = heard.as_strided([batch, samples, 2 * channels], [heard.stride(0), channels, 1])
        y = self.weighted.product(pairs.flatten(0, 1))
        return y.view(batch, samples * self.stride, self.outputs), [_after(heard, samples, state[0])]

    @torch.jit.ignore
    def inputs_for(self, outputs: int) -> int:
        """How many samples of input so many samples of output depend on."""
        return -(-outputs // self.stride) + 1
