"""The law of every layer: stepping through any blocks is `forward`, later by `delay`."""

import numpy as np
import pytest
import torch
from support.stepping import Step

from timbre.nn.gru import Gru
from timbre.nn.mlp import Mlp
from timbre.nn.reverb import Reverb


def folded(reverb: Reverb) -> Reverb:
    reverb.fold()
    return reverb


# Layer, shape of one sample on the time axis, smallest block.
LAYERS = {
    "mlp": (lambda: Mlp(3, 8, 2), (3,), 1),
    "gru": (lambda: Gru(3, 8), (3,), 1),
    "reverb_shorter_than_a_hop": (lambda: Reverb(50, 64), (), 64),
    "reverb": (lambda: Reverb(1000, 64), (), 64),
    "folded_reverb": (lambda: folded(Reverb(1000, 64)), (), 64),
}


@pytest.fixture(params=LAYERS)
def layer_and_input(request):
    make, shape, unit = LAYERS[request.param]
    torch.manual_seed(0)
    return make().eval(), torch.randn(2, 60 * unit, *shape), unit


@torch.no_grad()
def stream(step, x: torch.Tensor, state: list[torch.Tensor], sizes: list[int]) -> torch.Tensor:
    pieces = []
    for block in x.split(sizes, dim=1):
        y, state = step(block, state)
        pieces.append(y)
    return torch.cat(pieces, dim=1)


@pytest.mark.parametrize("seed", range(4))
def test_any_blocks_equal_the_whole(layer_and_input, random_blocks, snr_db, seed):
    layer, x, unit = layer_and_input
    got = stream(layer.step, x, layer.initial_state(2), random_blocks(x.shape[1], seed, unit))
    whole = layer(x).detach()
    assert snr_db(whole[:, : whole.shape[1] - layer.delay], got[:, layer.delay :]) > 100


def test_a_new_state_has_heard_nothing(layer_and_input, random_blocks):
    layer, x, unit = layer_and_input
    sizes = random_blocks(x.shape[1], 9, unit)
    runs = [stream(layer.step, x, layer.initial_state(2), sizes) for _ in range(2)]
    assert torch.equal(*runs)


def test_a_state_is_not_changed_in_place(layer_and_input):
    layer, x, unit = layer_and_input
    state = layer.initial_state(2)
    before = [part.clone() for part in state]
    layer.step(x[:, : 5 * unit], state)
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_scripted_equals_eager(layer_and_input, random_blocks):
    layer, x, unit = layer_and_input
    sizes = random_blocks(x.shape[1], 3, unit)
    scripted = stream(torch.jit.script(Step(layer)), x, layer.initial_state(2), sizes)
    assert torch.equal(scripted, stream(layer.step, x, layer.initial_state(2), sizes))


def test_streams_of_a_batch_do_not_mix(layer_and_input, snr_db):
    layer, x, _ = layer_and_input
    both, alone = layer(x).detach(), layer(x[1:]).detach()
    assert snr_db(alone, both[1:]) > 100


def test_gru_is_the_published_recursion(snr_db):
    gru, x = Gru(2, 4), torch.randn(1, 20, 2)
    weight = {name: value.detach().numpy().astype("f8") for name, value in gru.gru.named_parameters()}
    hidden, wanted = np.zeros(4), []
    for frame in x[0].numpy():
        given = (weight["weight_ih_l0"] @ frame + weight["bias_ih_l0"]).reshape(3, 4)
        kept = (weight["weight_hh_l0"] @ hidden + weight["bias_hh_l0"]).reshape(3, 4)
        reset, update = 1 / (1 + np.exp(-(given[:2] + kept[:2])))
        hidden = (1 - update) * np.tanh(given[2] + reset * kept[2]) + update * hidden
        wanted.append(hidden)
    assert snr_db(np.stack(wanted)[None], gru(x).detach()) > 100
