"""A network as Neutone's SDK wraps it, before it is scripted."""

import pytest
import torch

from timbre.export.neutone.texts import knobs_of
from timbre.models.control import default_settings


def turn(model, knobs: list[float] | torch.Tensor) -> dict[str, float]:
    """Play a buffer with the knobs so; the values of all controls after it."""
    size, network = model.get_native_buffer_sizes()[0], model.model
    model.forward(torch.zeros(network.channels, size), torch.as_tensor(knobs).view(4, 1).repeat(1, size))
    return dict(zip([control.name for control in network.controls], network.settings.tolist(), strict=True))


@pytest.mark.parametrize("make", ("toy", "tiny_network", "band_network", "rave_network"))
def test_knobs_at_their_defaults_are_the_defaults_to_the_bit(request, plugin_model, make):
    made = request.getfixturevalue(make)
    model = plugin_model(made if make == "toy" else made())
    turn(model, [0.9, 0.1, 0.9, 0.1])
    turn(model, model.get_numerical_params_default_values_0to1())
    assert torch.equal(model.model.settings, default_settings(model.model.controls))
    assert [parameter.default_value for parameter in model.get_neutone_parameters()] == pytest.approx(
        [(control.default - control.knob[0]) / (control.knob[1] - control.knob[0]) for control in knobs_of(model.model)]
    )


def test_knobs_go_linearly_from_end_to_end_and_no_further(toy, plugin_model):
    model = plugin_model(toy)
    still = {"hidden": 0.7}
    assert turn(model, [0.0] * 4) == {"more_gain": 0.0, "gain": 0.0, "side": 1.0, "level_db": 0.5} | still
    assert turn(model, [1.0] * 4) == {"more_gain": 3.0, "gain": 2.0, "side": 3.0, "level_db": 2.0} | still
    assert turn(model, [0.5] * 4) == {"more_gain": 1.5, "gain": 1.0, "side": 2.0, "level_db": 1.25} | still
    assert turn(model, [-1.0, 2.0, -1.0, 2.0]) == {"more_gain": 0.0, "gain": 2.0, "side": 1.0, "level_db": 2.0} | still


def test_a_knob_that_is_no_number_is_at_its_default(toy, plugin_model):
    model = plugin_model(toy)
    assert turn(model, [float("nan"), float("inf"), float("nan"), 1.0]) == {
        "more_gain": 1.0, "gain": 2.0, "side": 1.0, "level_db": 2.0, "hidden": 0.7,
    }  # fmt: skip


def test_knobs_that_move_in_a_buffer_count_by_their_mean(toy, plugin_model):
    model = plugin_model(toy)
    knobs = torch.linspace(0.0, 1.0, 128).repeat(4, 1)
    model.forward(torch.zeros(2, 128), knobs)
    assert toy.settings[0] == pytest.approx(1.0)


def test_what_the_plugin_asks_is_what_the_network_says(toy, plugin_model):
    model = plugin_model(toy)
    assert model.get_native_sample_rates() == [16000]
    assert model.get_native_buffer_sizes() == [128, 256, 512, 1024, 2048]
    assert (model.is_input_mono(), model.is_output_mono()) == (False, False)
    assert model.calc_model_delay_samples() == 128
    metadata = model.to_metadata()
    assert metadata["date_created"] == 0.0
    assert '"date_created": 0.0' in model.get_metadata_json()
    assert [metadata["neutone_parameters"][f"p{number}"]["name"] for number in (1, 2, 3, 4)] == [
        "More gain", "Gain", "Side", "Level",
    ]  # fmt: skip


def test_a_buffer_that_is_no_sound_leaves_nothing(toy, plugin_model):
    model = plugin_model(toy)
    sound = torch.linspace(-1.0, 1.0, 256).repeat(2, 1)
    model.forward(torch.full((2, 256), float("nan")))
    played = model.forward(sound)
    assert torch.equal(played[:, :128], torch.zeros(2, 128))
    assert torch.equal(played[:, 128:], sound[:, :128])


def test_reset_forgets_what_was_heard(toy, plugin_model):
    model = plugin_model(toy)
    model.forward(torch.ones(2, 128))
    assert model.reset()
    assert torch.equal(model.forward(torch.ones(2, 128)), torch.zeros(2, 128))
