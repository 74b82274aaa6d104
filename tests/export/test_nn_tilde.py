"""What nn~ reads from a file, read as its backend does."""

import pytest
import torch

from timbre.export.nn_tilde import FLOAT, scripted_for_nn_tilde
from timbre.export.two_part_effect import effect_of


@pytest.fixture(scope="module", params=["ddsp", "noise bands", "rave", "rave, stereo"])
def model(request, tiny_network, band_network, rave_network):
    network = {
        "ddsp": lambda: tiny_network(),
        "noise bands": lambda: band_network(),
        "rave": lambda: rave_network(noise=True),
        "rave, stereo": lambda: rave_network(channels=2),
    }[request.param]()
    network.fold()
    return scripted_for_nn_tilde(effect_of(network))


def perform(model, method: str, audio: torch.Tensor) -> torch.Tensor:
    """One buffer [batch, inputs, samples], all at the rate of audio, as nn~ takes it through a method."""
    inputs, input_ratio, outputs, output_ratio = getattr(model, f"{method}_params").tolist()
    batch, _, samples = audio.shape
    with torch.inference_mode():
        fed = audio.reshape(batch, inputs, samples // input_ratio, input_ratio).select(-1, -1)
        return getattr(model, method)(fed).repeat_interleave(output_ratio).reshape(batch, outputs, -1)


def test_every_method_keeps_the_length_of_a_buffer_also_for_four_streams(model):
    methods = model.get_methods()
    assert methods[0] == "forward" and len(methods) == 3
    for method in methods:
        inputs, input_ratio, outputs, output_ratio = getattr(model, f"{method}_params").tolist()
        assert {input_ratio, output_ratio} <= {1, model.hop}
        assert len(getattr(model, f"{method}_input_labels")) == inputs
        assert len(getattr(model, f"{method}_output_labels")) == outputs
        for batch in (1, 4):
            assert perform(model, method, torch.zeros(batch, inputs, 8192)).shape == (batch, outputs, 8192)


def test_the_two_parts_patched_together_are_the_whole_later_by_nothing(model, snr_db):
    first, second = model.get_methods()[1:]
    if first == "features":
        for name, neutral in (("gate_dbfs", -100.0), ("loudness_match", 0.0)):
            assert getattr(model, f"set_{name}")(neutral) == 0
        if "octave_match" in model.get_attributes():
            model.set_octave_match(0.0)
    model.reset()
    torch.manual_seed(0)
    x = 0.2 * torch.randn(1, model.channels, 8192)
    whole = perform(model, "forward", x)
    # A signal that holds still for a hop goes through the rule of the last sample unharmed.
    assert snr_db(whole, perform(model, second, perform(model, first, x))) > 100


def test_attributes_are_read_and_set_by_their_own_methods(model):
    assert model.get_attributes() == model.control_names
    for name, (least, most) in zip(model.get_attributes(), model.control_limits, strict=True):
        assert getattr(model, f"{name}_params").tolist() == [FLOAT]
        getter, setter = getattr(model, f"get_{name}"), getattr(model, f"set_{name}")
        before = getter()
        assert isinstance(before, tuple) and len(before) == 1
        middle = 0.25 * least + 0.75 * most
        assert setter(middle) == 0 and getter() == (middle,)
        assert setter(most + 1.0) == 0 and getter() == (most,)
        assert setter(float("nan")) == 0 and getter() == (most,)
        assert setter(before[0]) == 0 and getter() == before


def test_what_was_set_is_heard(model, snr_db):
    torch.manual_seed(0)
    x = 0.2 * torch.randn(1, model.channels, 64 * model.hop)
    model.reset()
    before = model(x)
    model.set_input_gain_db(-20.0)
    model.reset()
    after = model(x)
    model.set_input_gain_db(0.0)
    assert snr_db(before, after) < 40
    assert after.square().mean() < before.square().mean()
