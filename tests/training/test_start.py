"""Starting from the weights of another run."""

import pytest
import torch

from timbre import models
from timbre.errors import UserError
from timbre.params import parse
from timbre.training.run import train_model
from timbre.training.start import start_from


@pytest.fixture
def train(raw_params, tiny_cache, tmp_path):
    def run(name: str, init_from: str = "none", **changes):
        raw_params["train"]["init_from"] = init_from
        raw_params["sizes"]["tiny"]["ddsp"] |= changes
        return train_model(parse(raw_params), tiny_cache, tmp_path / name / "models", tmp_path / name / "reports")

    return run


def weights(folder) -> dict[str, torch.Tensor]:
    return models.load(folder).state_dict()


def test_a_run_begins_with_the_weights_that_it_starts_from(train, tmp_path, capsys):
    train("one", learning_rate=0.01, steps=12)
    train("two", init_from=str(tmp_path / "one/models"), learning_rate=1e-9)
    assert f"starts from {tmp_path}/one/models" in capsys.readouterr().out
    one, two = weights(tmp_path / "one/models"), weights(tmp_path / "two/models")
    untrained = models.untrained(tmp_path / "one/models").state_dict()
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one)
    assert any(not torch.allclose(one[name], untrained[name], atol=1e-3) for name in one)


def test_with_other_weights_it_is_another_run(train, tmp_path, monkeypatch, before_step):
    train("one")
    train("two", learning_rate=0.01)
    begun = []

    def killed_once_each(step: int) -> None:
        begun.append(step)
        if step == 3 and begun.count(3) < 3:
            raise ZeroDivisionError

    before_step(monkeypatch, None, killed_once_each)
    monkeypatch.setenv("TIMBRE_CHECKPOINT_SECONDS", "0")
    for start in ("one", "two"):
        with pytest.raises(ZeroDivisionError):
            train("three", init_from=str(tmp_path / start / "models"))
    train("three", init_from=str(tmp_path / "one/models"))
    assert begun == [0, 1, 2, 3, 0, 1, 2, 3, 3, 4, 5]


def fault(folder, config, models_folder="elsewhere") -> str:
    with pytest.raises(UserError) as told:
        start_from(folder, models.build(config), config, folder.parent / models_folder)
    return str(told.value)


@pytest.fixture
def other(tmp_path, tiny_config, tiny_network):
    """The training folder of a tiny network."""
    models.save(tmp_path / "other", tiny_config(), tiny_network().state_dict())
    return tmp_path / "other"


def test_another_width_is_told_with_its_shapes(other, tiny_config):
    told = fault(other, tiny_config(hidden=24))
    assert told.startswith(f"params.yaml: train.init_from: {other} is another network:")
    assert "network.hidden is 16 there, 24 here" in told
    assert told.count("has the shape [") == 5 and "others" in told
    assert told.endswith("Make them equal, or write none.")


def test_other_features_are_told_though_every_shape_is_the_same(other, tiny_config, tiny_features):
    told = fault(other, tiny_config(features=tiny_features | {"f0_method": "mpm"}))
    assert "features.f0_method is yin there, mpm here" in told and "shape" not in told


def test_another_model_is_told(other, rave_config):
    told = fault(other, rave_config())
    assert "model is ddsp there, rave here" in told


def test_seed_and_statistics_may_differ(other, tiny_config):
    config = tiny_config(seed=9)
    config["statistics"] = config["statistics"] | {"voiced_share": 0.1}
    network = models.build(config)
    start_from(other, network, config, other.parent / "elsewhere")
    assert all(torch.equal(value, weights(other)[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("name", ("config.json", "weights.pt"))
def test_a_folder_of_something_else_is_told(other, tiny_config, name):
    (other / name).unlink()
    assert f"other has no {name}. Name a copy of models/train, or none." in fault(other, tiny_config())


def test_damaged_weights_are_told(other, tiny_config):
    (other / "weights.pt").write_bytes(b"nonsense")
    assert "weights.pt does not load" in fault(other, tiny_config())


def test_what_the_run_itself_writes_is_refused(other, tiny_config):
    assert "is what this training writes" in fault(other, tiny_config(), models_folder="other")
