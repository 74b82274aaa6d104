"""config.json of a training folder."""

import json

import pytest

from timbre import models
from timbre.errors import UserError
from timbre.models.config import require_config


@pytest.fixture
def trained(tmp_path, tiny_config, tiny_network):
    models.save(tmp_path, tiny_config(), tiny_network().state_dict())
    return tmp_path


def change(folder, section, **values):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    (config[section] if section else config).update(values)
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("section", "values", "told"),
    [
        (None, {"model": "other"}, "model: 'other' is not legal"),
        (None, {"synth": None}, "synth: None is not legal"),
        (None, {"network": {}}, "network.hidden is missing"),
        ("network", {"hidden": 10**9}, "network.hidden: 1000000000 is not legal"),  # a thousand petabytes of weights
        ("network", {"harmonics": "many"}, "network.harmonics: 'many' is not legal"),
        ("features", {"hop_samples": 100}, "features.hop_samples: 100 is not legal"),
        ("features", {"hop_samples": 128.0}, "features.hop_samples is a whole number with a point"),
        ("features", {"f0_min_hz": 20.0}, "features: f0_min_hz and f0_max_hz do not fit"),
        ("features", {"version": 99}, "version 99 of the features"),
        ("statistics", {"f0_hz": [1.0]}, "statistics.f0_hz"),
    ],
)
def test_what_makes_no_network_is_named(trained, section, values, told):
    change(trained, section, **values)
    with pytest.raises(UserError, match=rf"config\.json: .*{told}"):
        models.load(trained)


def test_every_kind_of_network_is_legal(tmp_path, tiny_config, band_config, rave_config):
    for config in (tiny_config(), band_config(), rave_config(), rave_config(channels=2)):
        require_config(config, models.NETWORK_KEYS, tmp_path / "config.json")


def test_weights_with_a_wrong_check_sum_are_told(trained):
    path = trained / "weights.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4  # of a number, which torch would take
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pt does not load .*check sum"):
        models.load(trained)
