"""The model card: it tells what model.json and config.json tell, of every kind of model, and no more."""

import re
from dataclasses import asdict
from typing import get_args

import pytest

from timbre.export.card import HOSTS, LIMITS, PLACEHOLDER, WHAT, model_card
from timbre.params import TargetName

TARGETS = {
    "torchscript": {"file": "model.ts", "bytes": 1_482_331},
    "torchscript_int8": {"file": "model_int8.ts", "bytes": 900_000, "distance_db": 0.41, "largest_distance_db": 1.37},
    "neutone": {
        "file": "model.nm",
        "bytes": 2_000_000,
        "knobs": {f"p{number}": {"control": name, "least": -2.0, "most": 3.0} for number, name in enumerate("ab", 1)},
    },
    "onnx": {"file": "model.onnx", "bytes": 1_300_000},
}


@pytest.fixture
def shown(params):
    return params.export.neutone


def described(network, targets: dict = TARGETS) -> dict:
    return {
        "sample_rate_hz": network.sample_rate,
        "channels": network.channels,
        "block_samples": network.hop,
        "delay_samples": network.delay,
        "tail_samples": network.tail_samples,
        "parameters": 1234567,
        "latent_dimensions": getattr(network, "latent_dimensions", None),
        "controls": [asdict(control) for control in network.controls],
        "streaming_snr_db": 121.3,
        "silence_dbfs": -143.2,
        "targets": targets,
        "versions": {"timbre": "0.1.0", "torch": "2.13.0"},
    }


def cells(card: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("|")]


@pytest.fixture(params=["ddsp", "bands", "rave", "stereo"])
def model(request, tiny_config, tiny_network, band_config, band_network, rave_config, rave_network):
    """Network and configuration of each kind."""
    return {
        "ddsp": lambda: (tiny_network(), tiny_config()),
        "bands": lambda: (band_network(), band_config()),
        "rave": lambda: (rave_network(), rave_config()),
        "stereo": lambda: (rave_network(channels=2), rave_config(channels=2)),
    }[request.param]()


def test_it_tells_of_every_kind_what_it_is_and_what_one_may_turn(model, shown):
    network, config = model
    card = model_card(described(network), config, shown)
    kind = " ".join(filter(None, [config["model"], config.get("synth")]))
    assert card.startswith(f"# {shown.name}\n\n{shown.short_description}\n\n{WHAT[kind]}")
    assert PLACEHOLDER in card
    assert LIMITS[kind].format(**config["features"]) in card
    table = cells(card)
    assert ["channels", "mono" if network.channels == 1 else "stereo"] in table
    assert ["sample rate", f"{network.sample_rate} Hz"] in table
    assert ["parameters", "1,234,567"] in table
    (hosts,) = (row[2] for row in table if row[0] == "`model.ts`")
    assert ("RAVE-VST" in hosts) == (config["model"] == "rave" and network.channels == 1)
    delay_ms = 1000 * network.delay / network.sample_rate
    assert any(row[0] == "delay" and row[1].startswith(f"{network.delay} samples ({delay_ms:.1f} ms)") for row in table)
    controls = {row[0]: row[1:] for row in table if len(row) == 5}
    for control in network.controls:
        limits, default, neutral, meaning = controls[f"`{control.name}`"]
        assert limits.split(" ")[:2] == [f"{control.least:g},", f"{control.most:g}"]
        assert (float(default), float(neutral), meaning) == (control.default, control.neutral, control.meaning)


def test_it_lists_the_files_that_there_are(tiny_network, tiny_config, shown):
    card = model_card(described(tiny_network()), tiny_config(), shown)
    assert [row[0] for row in cells(card) if len(row) == 3] == [
        "file", "---", "`model.ts`", "`model_int8.ts`", "`model.nm`", "`model.onnx`",
    ]  # fmt: skip
    assert "`a` from -2 to 3, `b` from -2 to 3" in card
    assert "0.41 dB" in card and "1.37 dB" in card and "121.3 dB" in card and "-143.2 dBFS" in card
    alone = model_card(described(tiny_network(), {"torchscript": TARGETS["torchscript"]}), tiny_config(), shown)
    assert not re.search("model_int8|model.nm|model.onnx|knobs", alone)


def test_it_knows_a_host_for_every_target():
    assert HOSTS.keys() == {*get_args(TargetName), "torchscript_int8"}


def test_what_the_training_says_of_itself_is_told(tiny_network, tiny_config, shown):
    config = tiny_config() | {"training": {"size": "tiny", "steps": 2000, "validation_loss": 5.109044}}
    table = cells(model_card(described(tiny_network()), config, shown))
    for row in (["size", "tiny"], ["steps", "2000"], ["validation loss", "5.109044"]):
        assert row in table
    assert ["pitch of the recordings", "150 to 600 Hz, half of it over 300"] in table
    assert ["with a pitch", "90 % of all frames"] in table


def test_recordings_without_pitch_and_a_model_it_does_not_know(tiny_network, tiny_config, shown):
    config = tiny_config()
    config |= {"model": "squeeze", "statistics": {"voiced_share": 0.0, "f0_hz": None, "loudness_db": None}}
    del config["synth"]
    card = model_card(described(tiny_network()), config, shown)
    assert "A model of the kind `squeeze`." in card
    assert not [row for row in cells(card) if row[0].endswith("of the recordings")]


def test_a_text_of_the_user_breaks_nothing(tiny_network, tiny_config, shown):
    changed = shown.model_copy(update={"name": "my\n# model", "short_description": "one\n\ntwo"})
    card = model_card(described(tiny_network()), tiny_config(), changed)
    assert card.startswith("# my # model\n\none two\n\n")
