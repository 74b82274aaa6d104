"""Networks as files, and a host that plays them."""

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def networks(tiny_network, rave_network, tiny_manifest, tiny_features):
    """Small untrained networks of every kind that has steps of its own in a graph."""
    from support.presets import RAVE

    from timbre import models

    def bands():
        preset = {"hidden": 16, "layers": 1, "narrow_bands": 32}
        return models.build(models.describe("ddsp", preset, tiny_manifest, 0, "noise_bands")).eval()

    def reduced(**changes):
        network = rave_network(**changes)
        network.latent_axes.copy_(torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(0)))[0])
        network.latent_dimensions = 3
        return network

    assert RAVE["latent_size"] == 5
    v1 = {"blocks": "v1", "ratios": [2, 2], "dilations": [[1, 3], [1]], "activation": "snake", "noise": True}
    v1["regularisation"] = "discrete"
    return {
        "rave": rave_network,
        "rave with noise, looking ahead": lambda: rave_network(noise=True, no_latency=False),
        "rave v1, discrete, stereo, snake": lambda: rave_network(channels=2, **v1),
        "rave spherical, reduced": lambda: reduced(regularisation="spherical"),
        "ddsp": tiny_network,
        "ddsp with a room, by mpm": lambda: tiny_network(
            reverb_seconds=0.1, features=tiny_features | {"f0_method": "mpm"}
        ),
        "noise bands": bands,
    }


@pytest.fixture(scope="session")
def made(networks, tmp_path_factory, any_params):
    """A network by name, the host that plays its file, and what was said of it; each made once."""
    from timbre.export.onnx.target import write
    from timbre.export.onnx.verify import Host

    known = {}

    def make(name: str):
        if name not in known:
            network = networks[name]()
            folder = tmp_path_factory.mktemp("onnx")
            told = write(network, folder, any_params)
            known[name] = network, folder / "model.onnx", told
        network, path, told = known[name]
        return network, Host(str(path)), told | {"path": path}

    return make


@pytest.fixture(scope="session")
def any_params():
    """The project's parameters."""
    from pathlib import Path

    from timbre.params import load

    return load(Path(__file__).parents[3] / "params.yaml")


@pytest.fixture(scope="session")
def song(harmonic_tone):
    """A swelling tone with an octave's leap and a pause, as many channels as asked for, 0.7 seconds."""

    def make(network) -> np.ndarray:
        rate = network.sample_rate
        tone = np.concatenate([harmonic_tone(220.0, 0.2, rate), harmonic_tone(440.0, 0.2, rate), np.zeros(rate // 10)])
        tone = np.concatenate([tone, harmonic_tone(330.0, 0.2, rate)]) * np.linspace(0.5, 2.0, len(tone) + rate // 5)
        noise = np.random.default_rng(0).standard_normal((network.channels, len(tone)))
        return (tone + 0.01 * noise * (tone != 0.0)).astype(np.float32)

    return make
