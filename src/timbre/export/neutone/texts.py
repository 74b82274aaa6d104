"""What the plug-in and its website say of a model, composed from the network where the user does not say it."""

from __future__ import annotations

from torch import nn

from timbre import __version__
from timbre.models.control import Control
from timbre.params import Neutone

# The plug-in resamples by interpolation between four points, without a filter.
NATIVE_RATE_HZ = 48000
TECHNICAL_CHARACTERS = 500


def knobs_of(network: nn.Module) -> list[Control]:
    """The controls that the plug-in's knobs turn, first to last."""
    controls = {control.name: control for control in network.controls}
    return [controls[name] for name in network.knobs]


def default_of(control: Control) -> float:
    """Where its knob stands at the control's default, 0 to 1."""
    least, most = control.knob
    return (control.default - least) / (most - least)


def label_of(control: Control) -> str:
    """Its name for a player: without the unit, in words."""
    words = control.name.removesuffix("_" + control.unit.lower()).replace("_", " ")
    return words[:1].upper() + words[1:]


def description_of(control: Control) -> str:
    """What its knob does and from where to where."""
    least, most = control.knob
    return f"{control.meaning} From {least:g} to {most:g} {control.unit}".rstrip() + "."


def describe(network: nn.Module, settings: Neutone) -> dict:
    """All texts of a model, as the SDK asks for them."""
    return {
        "name": settings.name,
        "authors": list(settings.authors),
        "short_description": settings.short_description,
        "long_description": settings.long_description,
        "technical_description": settings.technical_description or technical_description(network),
        "tags": list(settings.tags),
        "version": settings.version,
        "experimental": settings.experimental,
    }


def technical_description(network: nn.Module) -> str:
    """What the model is, in a few sentences."""
    rate, delay = network.sample_rate, network.delay
    sides = "mono" if network.channels == 1 else "stereo"
    size = sum(parameter.numel() for parameter in network.parameters())
    code = f", {network.latent_dimensions} latent dimensions" if hasattr(network, "latent_dimensions") else ""
    knobs = ", ".join(label_of(control).lower() for control in knobs_of(network))
    text = (
        f"{type(network).__name__} by timbre {__version__}: {size:,} parameters{code}, {rate} Hz, {sides}, "
        f"frames of {network.hop} samples. Its own delay is {delay} samples ({1000 * delay / rate:.1f} ms), which the "
        f"plug-in adds to that of its buffers. Knobs: {knobs}. Hosts at another rate than {rate} Hz resample, which "
        "dulls the sound."
    )
    return text[:TECHNICAL_CHARACTERS]


def warning_of(network: nn.Module) -> str | None:
    """What a user has to know before giving the file away."""
    if network.sample_rate == NATIVE_RATE_HZ:
        return None
    return (
        f"warning: model.nm works at {network.sample_rate} Hz. Most hosts run at {NATIVE_RATE_HZ} Hz, and the plug-in "
        f"then resamples without a filter: dull sound, and more delay. Train with data.sample_rate {NATIVE_RATE_HZ} "
        "for Neutone."
    )
