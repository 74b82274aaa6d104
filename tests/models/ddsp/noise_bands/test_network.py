"""The network of noise bands, whole and as a stream."""

import numpy as np
import pytest
import torch
from support.stepping import stream

from timbre import models
from timbre.export.effect import StreamingEffect

SETTINGS = {
    "16k": {},
    "48k": {"rate": 48000, "hop": 512, "window": 2048, "narrow_bands": 64},
    "shortest_hop": {"hop": 64, "window": 512, "layers": 2},
}


@pytest.fixture(scope="module", params=SETTINGS)
def network(request, band_network, tiny_features):
    settings = {"rate": 16000, "hop": 128, "window": 1024} | SETTINGS[request.param]
    named = {"rate": "sample_rate", "hop": "hop_samples", "window": "window_samples"}
    features = tiny_features | {name: settings.pop(short) for short, name in named.items()}
    return band_network(features=features, **settings)


def hits(rate: int, samples: int, batch: int) -> torch.Tensor:
    draw = np.random.default_rng(batch)
    time = np.arange(samples) / rate
    decay = np.exp(-40 * (time % 0.11)) * (time > 0.01)
    return torch.tensor(0.3 * decay * draw.normal(size=(batch, samples)), dtype=torch.float32)[:, None]


@pytest.mark.parametrize("batch", (1, 2))
def test_any_blocks_equal_the_whole_later_by_the_delay(network, random_blocks, snr_db, batch):
    # Longer than the offline piece, so that its seam is heard too.
    audio = hits(network.sample_rate, 530 * network.hop, batch)
    with torch.no_grad():
        whole = network(audio)
    assert whole.abs().max() > 0.01
    got = stream(network, audio, random_blocks(audio.shape[2], batch, network.hop, most=40))
    assert snr_db(whole[..., : -network.delay], got[..., network.delay :]) > 100


def test_what_is_trained_is_what_is_streamed(network, snr_db):
    audio = hits(network.sample_rate, 100 * network.hop, 2)
    with torch.no_grad():
        assert snr_db(stream(network, audio, [100 * network.hop])[:, 0], network.resynthesise(audio[:, 0], 0)) > 100


def test_frames_are_short_and_the_delay_is_half_a_window(network):
    assert network.hop == max(32, network.extractor_config["hop_samples"] // 4)
    assert network.delay == 2 * network.hop
    assert StreamingEffect(network).delay_samples == network.delay


def test_scripted_in_legal_blocks_equals_the_whole(network, random_blocks, snr_db):
    effect = torch.jit.script(StreamingEffect(network).eval())
    audio, delay = hits(network.sample_rate, 100 * network.hop, 1), network.delay
    with torch.no_grad():
        whole = network(audio)
    got = torch.cat(
        [effect(block) for block in audio.split(random_blocks(audio.shape[2], 3, network.hop), dim=2)], dim=2
    )
    assert snr_db(whole[..., :-delay], got[..., delay:]) > 100


def test_silence_stays_exactly_silent_and_comes_back_at_once(network):
    audio = hits(network.sample_rate, 40 * network.hop, 1)
    audio[..., 20 * network.hop :] = 0.0
    with torch.no_grad():
        played = network(audio)
        assert network(torch.zeros_like(audio)).abs().max() == 0
    assert played[..., 23 * network.hop :].abs().max() == 0


def test_what_is_played_knows_nothing_of_the_future(network):
    audio = hits(network.sample_rate, 40 * network.hop, 1)
    other = audio.clone()
    other[..., 25 * network.hop :] = 0.3
    ours, theirs = (stream(network, x, [network.hop] * 40)[..., : 25 * network.hop] for x in (audio, other))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("samples", (1, 127, 5000))
def test_the_whole_keeps_any_length(network, samples):
    with torch.no_grad():
        assert network(hits(16000, samples, 2)).shape == (2, 1, samples)


@pytest.mark.parametrize("level", (0.003, 0.3))
def test_before_training_levels_and_attacks_are_already_right(network, level):
    rate, hop = network.sample_rate, network.hop
    audio = torch.zeros(1, 1, 2 * rate)
    audio[..., rate:] = level * torch.tensor(np.random.default_rng(0).normal(size=rate)).float()
    with torch.no_grad():
        played = network(audio)
    ratio = played[..., rate + rate // 2 :].std() / audio[..., rate + rate // 2 :].std()
    assert abs(20 * np.log10(float(ratio))) < 1.5
    # Within half a window, which looks ahead, and a segment.
    assert played[..., : rate - 3 * hop].abs().max() == 0
    assert played[..., rate + 2 * hop : rate + 6 * hop].std() > 0.5 * level


def test_weights_hold_no_noise(band_config, tmp_path):
    config = band_config()
    network = models.build(config)
    models.save(tmp_path, config, network.state_dict())
    assert (tmp_path / "weights.pt").stat().st_size < 100_000
    audio = hits(16000, 2000, 1)
    with torch.no_grad():
        assert torch.equal(models.load(tmp_path)(audio), network.eval()(audio))


def test_rave_is_described_without_a_synth(rave_config, band_config, tiny_config):
    assert "synth" not in rave_config()
    assert (tiny_config()["synth"], band_config()["synth"]) == ("harmonic_noise", "noise_bands")
    assert set(band_config()["network"]) == {"hidden", "layers", "narrow_bands"}
