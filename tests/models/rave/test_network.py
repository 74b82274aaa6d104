"""RAVE as a whole: a stream is the whole later by the reported delay, of both generations, causal and not."""

import itertools

import numpy as np
import pytest
import torch
from support.stepping import Step

from timbre import models

SHAPES = {
    "v2": {},
    "v1": {"blocks": "v1"},
    "noise": {"noise": True},
    "v1_noise": {"blocks": "v1", "noise": True},
    "snake": {"activation": "snake"},
    "stereo": {"channels": 2, "noise": True},
    "odd_delay": {"pqmf_attenuation_db": 40.0, "ratios": [2, 1], "blocks": "v1"},
    "four_bands": {"pqmf_bands": 4, "ratios": [8, 2]},
    "wasserstein": {"regularisation": "wasserstein"},
    "spherical": {"regularisation": "spherical"},
    "discrete": {"regularisation": "discrete"},
}


@torch.no_grad()
def stream(step, network, x: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    state, pieces = network.initial_state(x.shape[0]), []
    for block in x.split(sizes, dim=2):
        y, state = step(block, state)
        assert y.shape == block.shape
        pieces.append(y)
    return torch.cat(pieces, dim=2)


def turned(network: torch.nn.Module) -> torch.nn.Module:
    """The network with latent axes as after a training: turned, some left out."""
    size = network.latent_size
    network.latent_axes.copy_(torch.linalg.qr(torch.randn(size, size))[0])
    network.latent_explained.copy_(torch.linspace(0.5, 1.0, size))
    network.keep(0.8)
    return network


def sound(network, hops: int = 60) -> torch.Tensor:
    return 0.3 * torch.randn(2, network.channels, hops * network.hop)


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "centred"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_stream_is_the_whole_later_by_the_delay(rave_network, name, causal, random_blocks, snr_db):
    torch.manual_seed(1)
    network = turned(rave_network(no_latency=causal, **SHAPES[name]))
    x = sound(network)
    whole = network(x).detach()
    padded = torch.nn.functional.pad(x, [0, network.delay + -network.delay % network.hop])
    for seed, temperature in itertools.product(range(2), (0.0, 1.0)):
        network.settings[0] = temperature
        whole = network(x).detach()
        assert whole.abs().max() > 1e-3
        sizes = random_blocks(padded.shape[2], seed, network.hop)
        got = stream(network.step, network, padded, sizes)[:, :, network.delay : network.delay + x.shape[2]]
        assert snr_db(whole, got) > 100


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False], ids=["causal", "centred"])
@pytest.mark.parametrize("name", SHAPES)
def test_samples_left_out_change_nothing_of_the_others(rave_network, name, causal, snr_db):
    torch.manual_seed(1)
    network = rave_network(no_latency=causal, **SHAPES[name])
    z, first = torch.randn(2, network.latent_size, 24), torch.tensor([0, 12345])
    bands, audio = network.resynthesise(z, first)
    for skipped in (1, 7, bands.shape[2] // 2, bands.shape[2] - 1):
        fewer, shorter = network.resynthesise(z, first, skipped)
        assert fewer.shape[2] == bands.shape[2] - skipped
        assert snr_db(bands[:, :, skipped:], fewer) > 100
        same = (fewer.shape[2] - network.synthesis.context) * network.synthesis.bands
        assert same <= 0 or snr_db(audio[:, :, -same:], shorter[:, :, -same:]) > 100


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "centred"])
@pytest.mark.parametrize("size", ["tiny", "small", "default", "large", "low_latency"])
def test_every_presets_shape_streams_in_blocks_of_one_hop_and_many(rave_network, size, causal, snr_db):
    from timbre.params import load

    shape = getattr(load().sizes, size).rave.model_dump() | {"capacity": 4, "latent_size": 6, "no_latency": causal}
    network = rave_network(**shape)
    torch.manual_seed(0)
    hops = max(12, 2 * -(-network.delay // network.hop))
    x = 0.3 * torch.randn(1, 1, hops * network.hop)
    whole = network(x).detach()
    for sizes in ([network.hop] * hops, [3 * network.hop, (hops - 3) * network.hop]):
        got = stream(network.step, network, x, sizes)
        assert snr_db(whole[:, :, : x.shape[2] - network.delay], got[:, :, network.delay :]) > 100


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "centred"])
def test_with_its_controls_turned_a_stream_is_still_the_whole(rave_network, causal, random_blocks, snr_db):
    network = turned(rave_network(no_latency=causal))
    x = sound(network)
    neutral = network(x).detach()
    network.settings[:] = torch.tensor([0.5, -6.0, 1.5, -0.7])
    whole = network(x).detach()
    assert snr_db(neutral, whole) < 20
    got = stream(network.step, network, x, random_blocks(x.shape[2], 5, network.hop))
    assert snr_db(whole[:, :, : x.shape[2] - network.delay], got[:, :, network.delay :]) > 100


def test_offsets_move_the_first_dimensions_of_the_code(rave_network, snr_db):
    network = turned(rave_network())
    z = torch.randn(2, network.latent_dimensions, 30)
    moved = z.clone()
    moved[:, 0] += 1.5
    moved[:, 1] -= 0.7
    wanted, _ = network.decode_step(moved, network.initial_decoder_state(2))
    network.settings[2:] = torch.tensor([1.5, -0.7])
    got, _ = network.decode_step(z, network.initial_decoder_state(2))
    assert snr_db(wanted.detach(), got.detach()) > 100


@pytest.mark.parametrize("hops", (1, 3))
def test_the_input_gain_reaches_a_new_value_within_a_hop_without_a_leap(rave_network, hops):
    network = rave_network()
    ones, heard = torch.ones(1, 1, hops * network.hop), torch.zeros(1, dtype=torch.int64)
    before, gain = network._gained(ones, heard, torch.zeros(1, 1, 1))
    assert torch.equal(before, ones)
    network.settings[1] = -20.0
    after, gain = network._gained(ones, heard + 1, gain)
    levels = torch.cat([before, after], dim=2)[0, 0]
    assert gain.item() == pytest.approx(0.1) and torch.allclose(levels[(hops + 1) * network.hop - 1 :], gain.flatten())
    assert levels.diff().abs().max() < 1.1 * 0.9 / network.hop


def test_an_odd_number_of_band_samples_of_delay_is_among_them(rave_network):
    delays = {name: rave_network(no_latency=False, **shape).decoder.delay for name, shape in SHAPES.items()}
    assert {delay % 2 for delay in delays.values()} == {0, 1}, delays


def test_folded_and_scripted_it_plays_the_same(rave_network, random_blocks, snr_db):
    network = turned(rave_network(noise=True, blocks="v1", no_latency=False))
    x = sound(network)
    whole = network(x).detach()
    network.fold()
    sizes = random_blocks(x.shape[2], 0, network.hop)
    scripted = stream(torch.jit.script(Step(network)), network, x, sizes)
    assert snr_db(whole[:, :, : -network.delay], scripted[:, :, network.delay :]) > 100


def test_causal_delay_is_the_filter_banks_alone(rave_network):
    for name, shape in SHAPES.items():
        network = rave_network(**shape)
        assert network.delay == network.pqmf_delay, name
        assert rave_network(**shape | {"no_latency": False}).delay > network.delay, name


def test_output_begins_when_the_reported_delay_says(rave_network):
    """An untrained network is no identity, but nothing may come out before its input has gone in."""
    network = rave_network()
    x = torch.zeros(1, 1, 40 * network.hop)
    x[:, :, 20 * network.hop :] = torch.randn(20 * network.hop)
    y = network(x)[0, 0].detach().abs()
    assert y[: 20 * network.hop - network.hop - network.pqmf_delay].max() < 1e-6 < y[20 * network.hop :].max()


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "centred"])
@pytest.mark.parametrize("kind", ["variational", "wasserstein", "spherical", "discrete"])
def test_silence_stays_silence(rave_network, causal, kind):
    network = rave_network(no_latency=causal, regularisation=kind)
    assert not network(torch.zeros(1, 1, 30 * network.hop)).any()


def test_silence_stays_silence_with_axes_left_out(rave_network):
    network = turned(rave_network())
    assert network.latent_dimensions < network.latent_size
    assert not network(torch.zeros(1, 1, 30 * network.hop)).any()


def test_it_has_fallen_silent_after_its_tail(rave_network):
    network = rave_network()
    x = torch.zeros(1, 1, 10 * network.hop + network.tail_samples + network.hop)
    x[:, :, : 10 * network.hop] = torch.randn(10 * network.hop)
    y = network(x)[0, 0].detach().abs()
    assert y[10 * network.hop + network.tail_samples :].max() < 1e-6 < y[: 10 * network.hop].max()


def test_encode_and_decode_are_the_two_halves_of_a_step(rave_network, snr_db):
    network = turned(rave_network())
    x = sound(network)
    z, _ = network.encode_step(x, network.initial_encoder_state(2))
    assert z.shape == (2, network.latent_dimensions, 60)
    played, _ = network.decode_step(z, network.initial_decoder_state(2))
    whole, _ = network.step(x, network.initial_state(2))
    assert snr_db(whole.detach(), played.detach()) > 100


def test_fidelity_keeps_the_exact_number_of_dimensions(rave_network):
    network = rave_network()
    network.latent_explained.copy_(torch.tensor([0.5, 0.8, 0.95, 0.99, 1.0]))
    for fidelity, dimensions in ((0.5, 1), (0.51, 2), (0.8, 2), (0.95, 3), (0.96, 4), (1.0, 5)):
        network.keep(fidelity)
        assert network.latent_dimensions == dimensions


def test_all_dimensions_turned_and_back_are_the_code_itself(rave_network, snr_db):
    network = rave_network()
    x = sound(network)
    plain = network(x).detach()
    turned(network).keep(1.0)
    assert snr_db(plain, network(x).detach()) > 90


def test_chance_is_switched_by_temperature_and_the_same_each_time(rave_network):
    network = rave_network()
    x = sound(network)
    mean = network(x).detach()
    network.settings[0] = 1.0
    drawn = network(x).detach()
    assert not torch.equal(mean, drawn)
    assert torch.equal(drawn, network(x).detach())


def test_chance_is_standard_normal(rave_network):
    import scipy.stats

    network = rave_network()
    numbers = network._chance(torch.zeros(1, dtype=torch.int64), 4000)[0].numpy()
    assert scipy.stats.kstest(numbers.flatten(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(numbers) - np.eye(len(numbers))).max() < 0.06


def test_parameters_are_those_of_the_published_networks(tiny_manifest):
    from timbre.params import load

    sizes = load().sizes
    v2, brave = sizes.default.rave.model_dump(), sizes.low_latency.rave.model_dump()
    v1 = v2 | {"blocks": "v1", "capacity": 64, "dilations": [[1, 3, 5]] * 4}
    published = {"v2": (v2, 16.06, 15.48), "v1": (v1, 4.83, 12.78), "brave": (brave, 0.94, 3.25)}
    for name, (preset, encoder, decoder) in published.items():
        with torch.device("meta"):
            network = models.build(models.describe("rave", preset, tiny_manifest, 0))
        for part, wanted in ((network.encoder, encoder), (network.decoder, decoder)):
            millions = sum(parameter.numel() for parameter in part.parameters()) / 1e6
            assert millions == pytest.approx(wanted, rel=0.02), name


def test_low_latency_stays_under_ten_milliseconds(tiny_manifest):
    from timbre.params import load

    params = load()
    network = models.build(models.describe("rave", params.sizes.low_latency.rave.model_dump(), tiny_manifest, 0))
    # With the hop that the export gathers before a step.
    assert (network.delay + network.hop) / 48000 < 0.010
