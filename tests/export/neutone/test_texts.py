"""What the plug-in shows of a model."""

import pytest

from timbre.export.neutone import texts
from timbre.models.control import Control

PITCH = Control("pitch_shift_semitones", -48.0, 48.0, 0.0, 0.0, "semitones", "Transposes.", (-24.0, 24.0))
MIX = Control("reverb_mix", 0.0, 2.0, 1.0, 1.0, "", "Amount of the room.", (0.0, 1.5))


def test_a_player_reads_words_without_units():
    assert [texts.label_of(control) for control in (PITCH, MIX)] == ["Pitch shift", "Reverb mix"]


def test_a_description_tells_range_and_unit():
    assert texts.description_of(PITCH) == "Transposes. From -24 to 24 semitones."
    assert texts.description_of(MIX) == "Amount of the room. From 0 to 1.5."


def test_the_knob_of_a_default_is_its_place_in_the_range():
    assert texts.default_of(PITCH) == 0.5
    assert texts.default_of(MIX) == pytest.approx(2 / 3)


@pytest.mark.parametrize("make", ("tiny_network", "band_network", "rave_network"))
def test_what_a_model_is_is_told_within_the_limit(request, params, make):
    network = request.getfixturevalue(make)()
    told = texts.describe(network, params.export.neutone)
    text = told["technical_description"]
    assert len(text) <= 500 and text.endswith("dulls the sound.")
    size = sum(parameter.numel() for parameter in network.parameters())
    for part in (f"{size:,} parameters", "16000 Hz", "mono", f"{network.delay} samples"):
        assert part in text
    assert told["tags"] == params.export.neutone.tags


def test_a_text_of_ones_own_is_left_as_it_is(tiny_network, raw_params):
    from timbre.params import parse

    raw_params["export"]["neutone"]["technical_description"] = "Ours."
    assert texts.describe(tiny_network(), parse(raw_params).export.neutone)["technical_description"] == "Ours."


def test_another_rate_than_that_of_most_hosts_is_warned_of(tiny_network):
    network = tiny_network()
    assert "model.nm works at 16000 Hz" in texts.warning_of(network)
    network.sample_rate = 48000
    assert texts.warning_of(network) is None
