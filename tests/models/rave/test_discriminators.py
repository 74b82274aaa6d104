"""Discriminators against their published sizes and torch's own two-dimensional convolution."""

import pytest
import torch
from torch import nn

from timbre.models.rave.adversarial import hinge_discriminator
from timbre.models.rave.discriminators import Discriminators, PeriodNet, ScaleNet, StftNet

ALL = ["scales", "periods", "stft"]


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("names", "capacity", "millions"), ((["scales"], 64, 7.75), (["periods", "scales"], 96, 27.13))
)
def test_there_are_as_many_parameters_as_published(names, capacity, millions):
    count = sum(parameter.numel() for parameter in Discriminators(names, 1, capacity).parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize(("name", "nets", "features"), (("scales", 3, 5), ("periods", 5, 5), ("stft", 3, 26)))
def test_each_net_gives_all_its_layers_and_one_score_map(name, nets, features):
    found = Discriminators([name], 1, 4)(noise(2, 1, 3000))
    assert [len(net) for net in found] == [features] * nets
    assert all(net[-1].shape[1] == 1 for net in found)


@pytest.mark.parametrize("channels", (1, 2))
@pytest.mark.parametrize("samples", (4, 5, 64, 4099, 16384))
def test_any_length_from_four_samples_on_will_do(channels, samples):
    audio = noise(2, channels, samples).requires_grad_()
    found = Discriminators(ALL, channels, 2)(audio)
    sum(net[-1].sum() for net in found).backward()
    assert all(feature.isfinite().all() and feature.numel() for net in found for feature in net)
    assert audio.grad.isfinite().all()


def test_items_of_a_batch_do_not_meet():
    discriminators, audio = Discriminators(ALL, 1, 2), noise(3, 1, 1000)
    together, alone = discriminators(audio), discriminators(audio[1:2])
    for many, one in zip(together, alone, strict=True):
        for a, b in zip(many, one, strict=True):
            assert torch.allclose(a.chunk(3)[1], b, atol=1e-5)


def test_columns_as_items_are_the_two_dimensional_convolution_of_the_paper():
    net, audio = PeriodNet(5, 1, 3), noise(2, 1, 1003)
    image = nn.functional.pad(audio, [0, 2]).reshape(2, 1, 201, 5)
    for layer, feature in zip(net.net.layers, net(audio), strict=True):
        kernel = layer.weight.shape[2]
        stride = (4, 1) if kernel > 1 else 1
        wanted = nn.functional.conv2d(image, layer.weight[..., None], layer.bias, stride, (kernel // 2, 0))
        folded = wanted.permute(0, 3, 1, 2).flatten(0, 1)
        assert torch.allclose(folded, feature, atol=1e-5)
        image = nn.functional.leaky_relu(wanted, 0.2)


def test_a_scale_hears_the_mean_of_neighbours():
    net, audio = ScaleNet(4, 2, 3), noise(1, 2, 402)
    coarse = audio[..., :400].reshape(1, 2, 100, 4).mean(dim=-1)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(net(audio), net.net(coarse), strict=True))


def test_bands_share_out_the_spectrum():
    net = StftNet(512, 1)
    assert [low for low, _ in net.bands] == [0, 26, 64, 128, 193]
    assert [high for _, high in net.bands] == [26, 64, 128, 193, 257]
    assert [layers[0].weight.shape for layers in net.nets] == [(32, 2, 3, 9)] * 5


@torch.no_grad()
def test_a_tone_is_heard_in_its_own_band():
    net = StftNet(1024, 1)
    tone = torch.sin(0.6 * torch.pi * torch.arange(8192.0))[None, None]
    # Inner frames only: where a tone starts it is not a pure one.
    firsts = zip(net(tone)[:-1:5], net(torch.zeros_like(tone))[:-1:5], strict=True)
    changes = [float((a - b)[:, :, 5:-5].abs().amax()) for a, b in firsts]
    assert changes.index(max(changes)) == 3
    assert max(changes[:3] + changes[4:]) < 1e-3 * changes[3]


def test_where_they_rest_only_the_decoders_sound_is_differentiated():
    discriminators = Discriminators(ALL, 1, 2).requires_grad_(False)
    real, fake = discriminators.both(noise(1, 1, 600), noise(1, 1, 600).requires_grad_())
    assert not any(feature.requires_grad for net in real for feature in net)
    assert all(feature.requires_grad for net in fake for feature in net)


def test_all_convolutions_are_weight_normalised():
    for module in Discriminators(ALL, 1, 2).modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            assert nn.utils.parametrize.is_parametrized(module, "weight")


def test_they_learn_to_tell_a_tone_from_noise():
    torch.manual_seed(0)
    discriminators = Discriminators(["scales", "periods"], 1, 4)
    optimiser = torch.optim.Adam(discriminators.parameters(), lr=3e-3)
    real = torch.sin(0.1 * torch.arange(2048.0)).expand(2, 1, -1)
    fake = noise(2, 1, 2048)
    for _ in range(40):
        optimiser.zero_grad()
        loss = hinge_discriminator(discriminators(real), discriminators(fake))
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.1
