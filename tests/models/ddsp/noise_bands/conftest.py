"""A small network of noise bands."""

import pytest


@pytest.fixture(scope="session")
def band_config(tiny_manifest):
    """Configuration of an untrained network; keywords change its preset."""
    from timbre import models

    preset = {"hidden": 16, "layers": 1, "narrow_bands": 32}

    def make(seed: int = 0, features: dict = tiny_manifest["features"], **changes) -> dict:
        return models.describe(
            "ddsp", preset | changes, tiny_manifest | {"features": features}, seed, synth="noise_bands"
        )

    return make


@pytest.fixture(scope="session")
def band_network(band_config):
    """An untrained network in evaluation mode; keywords as `band_config`."""
    from timbre import models

    return lambda **changes: models.build(band_config(**changes)).eval()
