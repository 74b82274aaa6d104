"""What nn~ (Max, Pure Data) looks for in a TorchScript file, as its backend reads it.

Each method has a buffer `<method>_params` [4]: channels in, samples of audio for one of them, channels out, samples of
audio for one of those; and labels. Each attribute has a buffer `<attribute>_params` with the codes of its types, a
getter that returns a tuple and a setter that returns 0.
"""

from __future__ import annotations

import math  # noqa: F401, for the setters

import torch

from timbre.export.two_part_effect import LatentEffect, TwoPartEffect

FLOAT = 2

GETTER = """
def get_{name}(self) -> Tuple[float]:
    return (self.get_control("{name}"),)
"""
SETTER = """
def set_{name}(self, value: float) -> int:
    if not math.isnan(value):  # nn~ does not survive an attribute that is refused
        self.set_control("{name}", value)
    return 0
"""
LISTING = """
def get_{what}(self) -> List[str]:
    return {names}
"""


def methods_of(effect: TwoPartEffect) -> dict[str, tuple[list[str], int, list[str], int]]:
    """Each method's input labels and ratio, output labels and ratio."""
    sides = ["audio"] if effect.channels == 1 else ["left", "right"]
    if isinstance(effect, LatentEffect):
        names, code = ("encode", "decode"), [f"latent {index + 1}" for index in range(effect.latent_dimensions)]
    else:
        names, code = ("features", "controls"), list(effect.network.code)
    return {
        "forward": (sides, 1, sides, 1),
        names[0]: (sides, 1, code, effect.hop),
        names[1]: (code, effect.hop, sides, 1),
    }


def scripted_for_nn_tilde(effect: TwoPartEffect) -> torch.jit.ScriptModule:
    """An effect in TorchScript, with the methods and attributes of nn~."""
    methods = methods_of(effect)
    for name, (inputs, input_ratio, outputs, output_ratio) in methods.items():
        params = torch.tensor([len(inputs), input_ratio, len(outputs), output_ratio])
        effect.register_buffer(f"{name}_params", params)
        setattr(effect, f"{name}_input_labels", [f"(signal) {label}" for label in inputs])
        setattr(effect, f"{name}_output_labels", [f"(signal) {label}" for label in outputs])
    for name in effect.control_names:
        effect.register_buffer(f"{name}_params", torch.tensor([FLOAT]))
    scripted = torch.jit.script(effect.eval())
    if not hasattr(scripted, "get_methods"):  # TorchScript gives equal modules one class
        scripted.define(LISTING.format(what="methods", names=list(methods)))
        scripted.define(LISTING.format(what="attributes", names=effect.control_names))
        for name in effect.control_names:
            scripted.define(GETTER.format(name=name))
            scripted.define(SETTER.format(name=name))
    return scripted
