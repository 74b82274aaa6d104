"""The law for convolutional layers: rows of a stream are the whole signal, later by `delay`."""

import numpy as np
import pytest
import torch
from support.stepping import Step

from timbre.nn import conv
from timbre.nn.activation import LeakyRelu, Snake
from timbre.nn.chain import Chain, Residual
from timbre.nn.conv import Conv, TransposedConv, Weighted, WeightNorm
from timbre.nn.halves import Halves


def residual(causal: bool) -> Residual:
    dilated = Conv(4, 4, 3, dilation=5, causal=causal)
    act = LeakyRelu(dilated.delay)
    return Residual(4, Chain([dilated, act, Conv(4, 4, 3, causal=causal, late=act.delay)]))


def down_and_up(causal: bool) -> Chain:
    down = Conv(4, 8, 8, 4, causal=causal)
    act = Snake(8, down.delay)
    again = Conv(8, 6, 5, 2, causal=causal, late=act.delay)
    up = TransposedConv(6, 5, 2, causal, again.delay)
    most = TransposedConv(5, 3, 4, causal, up.delay)
    return Chain([down, act, again, up, most, Conv(3, 4, 7, causal=causal, late=most.delay)])


# Layer, and the multiple that its blocks must be of; all hear four channels.
LAYERS = {
    "kernel 1": (lambda causal: Conv(4, 3, 1, causal=causal), 1),
    "kernel 7": (lambda causal: Conv(4, 3, 7, causal=causal), 1),
    "dilated": (lambda causal: Conv(4, 3, 3, dilation=9, causal=causal), 1),
    "strided, even kernel": (lambda causal: Conv(4, 3, 8, 4, causal=causal), 4),
    "strided, odd kernel": (lambda causal: Conv(4, 3, 9, 4, causal=causal), 4),
    "kernel as long as the stride": (lambda causal: Conv(4, 3, 2, 2, causal=causal), 2),
    "made to wait": (lambda causal: Conv(4, 3, 5, causal=causal, wait=3), 1),
    "transposed": (lambda causal: TransposedConv(4, 3, 4, causal), 1),
    "transposed by one": (lambda causal: TransposedConv(4, 3, 1, causal), 1),
    "two halves": (lambda causal: Halves(4, 6, 5, causal), 1),
    "snake": (lambda causal: Snake(4), 1),
    "residual": (residual, 1),
    "down and up": (down_and_up, 8),
}


@pytest.fixture(params=LAYERS)
def made(request):
    make, unit = LAYERS[request.param]

    def layer(causal: bool) -> torch.nn.Module:
        torch.manual_seed(0)
        return make(causal).eval()

    return layer, unit


@torch.no_grad()
def stream(step, x: torch.Tensor, state: list[torch.Tensor], sizes: list[int]) -> torch.Tensor:
    pieces = []
    for block in x.transpose(1, 2).split(sizes, dim=1):
        y, state = step(block, state)
        pieces.append(y)
    return torch.cat(pieces, dim=1).transpose(1, 2)


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "centred"])
@pytest.mark.parametrize("seed", range(3))
def test_any_blocks_equal_the_whole_later_by_the_delay(made, causal, seed, random_blocks, snr_db):
    make, unit = made
    layer = make(causal)
    # Silence first: there a layer that looks ahead begins before its input.
    x = torch.cat([torch.zeros(2, 4, 24 * unit), torch.randn(2, 4, 40 * unit)], dim=2)
    whole = layer(x).detach()
    got = stream(layer.step, x, layer.initial_state(2), random_blocks(x.shape[2], seed, unit))
    assert got.shape == whole.shape
    assert snr_db(whole[:, :, : whole.shape[2] - layer.delay], got[:, :, layer.delay :]) > 100


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "made to wait"])
def test_causal_layers_are_not_late(name):
    assert LAYERS[name][0](True).delay == 0


def test_a_causal_layer_hears_the_newest_sample_of_its_own_stride(made):
    make, unit = made
    layer = make(True)
    x = torch.zeros(1, 4, 16 * unit)
    x[:, :, 8 * unit - 1] = 1.0
    y = layer(x).detach().abs().sum(dim=(0, 1))
    first, per_unit = int(torch.nonzero(y)[0]), len(y) // 16
    assert 7 * per_unit <= first < 8 * per_unit


def test_silence_stays_silence(made):
    make, unit = made
    assert not make(True)(torch.zeros(1, 4, 16 * unit)).any()


def test_scripted_equals_eager_and_a_state_is_not_changed_in_place(made, random_blocks):
    make, unit = made
    layer = make(False)
    x, sizes = torch.randn(2, 4, 30 * unit), random_blocks(30 * unit, 3, unit)
    state = layer.initial_state(2)
    before = [part.clone() for part in state]
    eager = stream(layer.step, x, state, sizes)
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))
    assert torch.equal(eager, stream(torch.jit.script(Step(layer)), x, layer.initial_state(2), sizes))


def test_folded_weights_play_and_train_alike(made, random_blocks, snr_db):
    make, unit = made
    layer, x = make(True), torch.randn(1, 4, 20 * unit)
    whole = layer(x).detach()
    for module in layer.modules():
        if isinstance(module, Weighted):
            module.fold()
    got = stream(layer.step, x, layer.initial_state(1), random_blocks(20 * unit, 0, unit))
    assert snr_db(whole, layer(x).detach()) > 100
    assert snr_db(whole[:, :, : whole.shape[2] - layer.delay], got[:, :, layer.delay :]) > 100


def test_weight_norm_is_torchs(snr_db):
    weighted = WeightNorm(6, 4, 3, 12)
    theirs = torch.nn.Conv1d(4, 6, 3, bias=False)
    theirs.weight.data = weighted.direction.data
    theirs = torch.nn.utils.parametrizations.weight_norm(theirs)
    theirs.parametrizations.weight.original0.data = weighted.magnitude.data * 2.0
    weighted.magnitude.data *= 2.0
    assert snr_db(theirs.weight.detach(), weighted.weight().detach()) > 100


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_transposed_is_torchs_transposed_convolution(stride, snr_db):
    layer, x = TransposedConv(3, 5, stride), torch.randn(2, 3, 12)
    # Rows of the weight are [tap within the stride, output]; of its two columns the newer sample is the second.
    weight = layer.weighted.weight().detach().view(stride, 5, 3, 2)
    kernel = torch.cat([weight[..., 1], weight[..., 0]]).permute(2, 1, 0)
    wanted = torch.nn.functional.conv_transpose1d(x, kernel, stride=stride)[:, :, : 12 * stride]
    assert snr_db(wanted, layer(x).detach()) > 100


def test_snake_is_the_published_function(snr_db):
    layer, x = Snake(2), torch.randn(1, 2, 50)
    layer.frequency.data = torch.tensor([0.5, 3.0])
    a = np.array([0.5, 3.0])[:, None]
    assert snr_db(x.numpy() + np.sin(a * x.numpy()) ** 2 / a, layer(x).detach()) > 100


def test_a_kernel_shorter_than_its_stride_is_refused():
    with pytest.raises(ValueError, match="skips"):
        Conv(2, 2, 3, 4)


def test_inputs_for_counts_what_an_output_depends_on(made):
    make, unit = made
    layer = make(True)
    outputs = unit if isinstance(layer, Chain) else 1
    x = torch.randn(1, 4, 40 * unit, requires_grad=True)
    y = layer(x)
    middle = y.shape[2] // 2 // outputs * outputs
    y[:, :, middle : middle + outputs].sum().backward()
    heard = torch.nonzero(x.grad.abs().sum(dim=(0, 1))).flatten()
    reach = int(heard[-1] - heard[0]) + 1
    assert reach <= layer.inputs_for(outputs) <= reach + 2 * unit


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False], ids=["causal", "centred"])
@pytest.mark.parametrize("outputs", [1, 2, 9, 100])
def test_the_last_outputs_of_a_chain_need_no_others(causal, outputs, snr_db):
    torch.manual_seed(0)
    first = Conv(4, 6, 3, causal=causal)
    up = TransposedConv(6, 4, 4, causal, first.delay)
    inner = residual(causal)
    again = TransposedConv(4, 3, 2, causal, inner.delay)
    chain = Chain([first, up, inner, Snake(4), again])
    heard = []
    for layer in chain.layers:
        layer.register_forward_hook(lambda layer, given, _: heard.append(given[0].shape[2]))
    x = torch.randn(2, 4, 16)
    whole, all_heard = chain(x), heard.copy()
    heard.clear()
    last = chain(x, outputs)
    assert snr_db(whole[:, :, -outputs:], last) > 100
    assert sum(heard) <= sum(all_heard) and (outputs > 9 or sum(heard) < sum(all_heard))


def test_many_weights_are_multiplied_as_the_convolution_would():
    weight = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    x = torch.randn(2, 4, 90, dtype=torch.float64, requires_grad=True)
    for stride, dilation in ((1, 1), (1, 9), (4, 1), (3, 2)):
        ways = {}
        for most in (conv.MANY_WEIGHTS, 0):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(conv, "MANY_WEIGHTS", most)
                y = conv._over_time(x, weight, stride, dilation)
            ways[most] = [y, *torch.autograd.grad(y.square().sum(), [x, weight])]
        for one, other in zip(*ways.values(), strict=True):
            assert one.shape == other.shape and torch.allclose(one, other, rtol=1e-12, atol=1e-10)
