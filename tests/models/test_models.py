"""Building, saving and loading of networks."""

import pytest
import torch

from timbre import models
from timbre.errors import UserError
from timbre.features import VERSION


@pytest.fixture
def folder(tmp_path, tiny_config, tiny_network):
    models.save(tmp_path, tiny_config(), tiny_network().state_dict())
    return tmp_path


def weights_differ(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return any(not torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_a_seed_makes_the_same_weights(tiny_network):
    torch.manual_seed(1)
    first = tiny_network(seed=3)
    torch.manual_seed(2)
    assert not weights_differ(first, tiny_network(seed=3))
    assert weights_differ(first, tiny_network(seed=4))


def test_building_leaves_the_random_numbers_of_others_alone(tiny_network):
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    tiny_network()
    assert torch.equal(torch.rand(3), wanted)


def test_a_loaded_network_plays_what_the_saved_one_played(folder, tiny_network, harmonic_tone):
    audio = torch.from_numpy(harmonic_tone(220.0, 0.5))[None, None]
    with torch.no_grad():
        assert torch.equal(models.load(folder)(audio), tiny_network()(audio))


def test_saving_twice_gives_the_same_bytes(folder, tmp_path, tiny_config, tiny_network):
    models.save(tmp_path / "again", tiny_config(), dict(reversed(tiny_network().state_dict().items())))
    for name in ("weights.pt", "config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_damaged_weights_are_told(folder):
    whole = (folder / "weights.pt").read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2]):
        (folder / "weights.pt").write_bytes(content)
        with pytest.raises(UserError, match=r"weights\.pt does not load .*dvc repro"):
            models.load(folder)


def test_weights_of_another_network_are_told(folder, tiny_config, tiny_network):
    models.save(folder, tiny_config(hidden=17), tiny_network().state_dict())
    with pytest.raises(UserError, match=r"weights\.pt does not load"):
        models.load(folder)


def test_missing_files_are_told(folder, tmp_path):
    with pytest.raises(UserError, match=r"config\.json is missing"):
        models.load(tmp_path / "nowhere")
    (folder / "weights.pt").unlink()
    with pytest.raises(UserError, match=r"weights\.pt is missing"):
        models.load(folder)


def test_another_version_of_the_features_is_refused(tiny_config, tiny_features):
    with pytest.raises(UserError, match=f"version {VERSION + 1} of the features"):
        models.build(tiny_config(features=tiny_features | {"version": VERSION + 1}))


def test_a_task_says_what_crops_it_wants(tiny_network, tiny_config, params):
    network = tiny_network()
    task = models.task_of(network, params.preset.model_dump(), tiny_config())
    assert task.network is network
    assert task.crop_frames == round(0.2 * 16000 / 128)
    assert task.delay_frames * network.hop == network.delay
    assert {name for name, _ in task.parameter_groups().items()} == {"generator"}
