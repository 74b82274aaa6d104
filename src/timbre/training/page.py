"""The page of a training: what its curves show, and how it came to sound; one HTML file that opens from disk."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import soundfile
from torch import Tensor

from timbre.files import write_text
from timbre.models.phase import Phase
from timbre.pages.templates import environment
from timbre.training.charts import chart, shown
from timbre.training.curves import figure_names
from timbre.training.outcome import Outcome
from timbre.training.phases import place_of

TEMPLATES = Path(__file__).parent / "templates"
NOTHING = "Nothing unusual in the curves."


@dataclass(frozen=True)
class Heading:
    """What is trained: model, size, parameters of its network, minutes of recordings that it hears."""

    model: str
    size: str
    parameters: int
    minutes: float


def write_page(path: Path, heading: Heading, phases: list[Phase], outcome: Outcome, sample_rate: int) -> None:
    """Write the page of a run as far as it is."""
    phases = [phase for phase in phases if phase.steps > 0]
    losses = {row["step"]: row["loss"] for row in outcome.validation_rows}
    heard = [
        {
            "step": step,
            "phase": place_of(phases, step - 1).phase.name,
            "loss": shown(losses[step]),
            "kept": step == outcome.kept_step,
            "sound": flac_uri(sound, sample_rate),
        }
        for step, sound in sorted(outcome.heard.items())
    ]
    html = (
        environment(TEMPLATES)
        .get_template("page.html.j2")
        .render(
            heading=heading,
            step=outcome.step,
            steps=sum(phase.steps for phase in phases),
            phases=phases,
            kept_step=outcome.kept_step,
            kept_loss=shown(outcome.kept_loss),
            remarks=[remark.partition(":") for remark in outcome.remarks],
            nothing=NOTHING,
            charts=[(name.replace("_", " "), _chart(name, phases, outcome)) for name in figure_names(outcome)],
            final={name.replace("_", " "): shown(value) for name, value in outcome.final.items()},
            original=flac_uri(outcome.original, sample_rate) if outcome.original is not None else None,
            heard=heard,
        )
    )
    write_text(path, html)


def flac_uri(sound: Tensor, sample_rate: int) -> str:
    """A sound [channels, samples] int16 as a data URI: FLAC, lossless and the same bytes every time."""
    encoded = io.BytesIO()
    soundfile.write(encoded, sound.T.numpy(), sample_rate, format="FLAC", subtype="PCM_16")
    return f"data:audio/flac;base64,{base64.b64encode(encoded.getvalue()).decode('ascii')}"


def _chart(name: str, phases: list[Phase], outcome: Outcome) -> str:
    curves = (
        [(row["step"], row[name]) for row in rows if name in row]
        for rows in (outcome.training_rows, outcome.validation_rows)
    )
    return chart(name.replace("_", " "), *curves, phases)
