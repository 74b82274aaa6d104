"""All advice on a set of recordings."""

from __future__ import annotations

from timbre.audit.advice.files import advise_on_files
from timbre.audit.advice.model import advise_on_amount, advise_on_model
from timbre.audit.advice.normalize import advise_on_level
from timbre.audit.advice.together import advise_on_groups, advise_on_held_out, advise_on_rates, advise_on_variety
from timbre.audit.recordings import Recordings


def advise(recordings: Recordings, warnings: list[dict]) -> dict[str, dict]:
    """By subject: the choice, the figures it rests on, and the words; see `timbre.audit.advice.entry`."""
    model = advise_on_model(recordings)
    return {
        "model": model,
        "amount": advise_on_amount(recordings, model["choose"]),
        "normalize": advise_on_level(recordings),
        "files": advise_on_files(recordings, warnings),
        "groups": advise_on_groups(recordings),
        "variety": advise_on_variety(recordings),
        "rates": advise_on_rates(recordings),
        "held_out": advise_on_held_out(recordings),
    }
