"""Which model suits the recordings, and whether there is enough of them."""

from __future__ import annotations

from timbre.audit.advice.entry import entry, known, length
from timbre.audit.recordings import Recordings

HARMONIC, BANDS, RAVE = "ddsp harmonic_noise", "ddsp noise_bands", "rave"
# How each is chosen in an experiment.
COMMANDS = {
    HARMONIC: "dvc exp run -S model=ddsp -S synth=harmonic_noise",
    BANDS: "dvc exp run -S model=ddsp -S synth=noise_bands",
    RAVE: "dvc exp run -S model=rave",
}


def advise_on_model(recordings: Recordings) -> dict:
    """Which of ddsp's synthesisers or rave suits what the training recordings hold.

    By the share of what sounds that has a clear pitch, the notes at once, and the minutes: single notes go to
    harmonic_noise, chords to rave, what has no pitch to noise_bands while there is too little for rave.
    """
    limits, minutes = recordings.limits, recordings.minutes
    pitched, notes = recordings.training_mean("pitched_percent"), recordings.training_mean("polyphony")
    onsets = recordings.training_mean("onsets_per_second")
    choose = _chosen(pitched, notes, minutes >= limits.rave_minutes, recordings)
    if choose is None:
        text = "Nothing sounds in the training recordings, so that no model suits them."
    else:
        text = f"{_heard(pitched, notes, onsets, recordings)} {_why(choose, pitched, notes, recordings)}"
    figures = {"pitched_percent": pitched, "polyphony": notes, "onsets_per_second": onsets, "minutes": minutes}
    if choose == _set(recordings):
        text += " That is what params.yaml is set to."
    return entry(choose, text, **figures) | {"command": "" if choose == _set(recordings) else COMMANDS.get(choose, "")}


def wanted_minutes(choose: str | None, recordings: Recordings) -> float:
    """What a model wants to learn from."""
    return recordings.limits.rave_minutes if choose == RAVE else recordings.limits.ddsp_minutes


def advise_on_amount(recordings: Recordings, choose: str | None) -> dict:
    """Whether there is enough for the model that suits, and how much more the others want."""
    minutes, wanted = recordings.minutes, wanted_minutes(choose, recordings)
    sounding = float(recordings.sounding_seconds.sum() / 60.0)
    # As the reader sees them: 10.0 of 10 minutes are enough.
    more = max(0.0, wanted - round(minutes, 1))
    name = (choose or HARMONIC).split()[0]
    text = f"{length(minutes)} to train on, of which {length(sounding)} sound."
    if more:
        text += (
            f" {name} wants {length(wanted)} or more: add {length(more)}, of other notes, dynamics and ways of playing "
            "rather than more of the same."
        )
    else:
        text += f" That is enough for {name}, which wants {length(wanted)} or more."
    other, most = ("ddsp", recordings.limits.ddsp_minutes) if name == RAVE else (RAVE, recordings.limits.rave_minutes)
    if minutes < most:
        text += f" {other} wants {length(most)}: {length(most - minutes)} more."
    else:
        text += f" It is enough for {other} too."
    return entry(
        "more" if more else "enough", text,
        minutes=minutes, sounding_minutes=sounding, wanted_minutes=wanted, more_minutes=more,
    )  # fmt: skip


def _chosen(pitched: float, notes: float, enough_for_rave: bool, recordings: Recordings) -> str | None:
    limits = recordings.limits
    chords = known(notes) and notes > limits.polyphony
    if not known(pitched):
        return None
    if pitched >= limits.pitched_percent:
        return RAVE if chords else HARMONIC
    if enough_for_rave:
        return RAVE
    middle = 0.5 * (limits.pitched_percent + limits.unpitched_percent)
    return HARMONIC if pitched >= middle and not chords else BANDS


def _set(recordings: Recordings) -> str:
    """What params.yaml chooses."""
    params = recordings.params
    return RAVE if params.model == "rave" else f"ddsp {params.synth}"


def _heard(pitched: float, notes: float, onsets: float, recordings: Recordings) -> str:
    """What was heard, in figures."""
    limits = recordings.limits
    heard = f"{pitched:.0f} % of what sounds has a clear pitch"
    if known(notes) and pitched >= limits.unpitched_percent:
        heard += f", with about {notes:.1f} notes at once" if notes > limits.polyphony else ", one note at a time"
    elif known(onsets) and pitched < limits.unpitched_percent:
        kind = "percussion" if onsets > limits.onsets_per_second else "noises, breath or effects"
        heard += f", with {onsets:.1f} onsets a second: {kind}"
    return f"{heard}."


def _why(choose: str, pitched: float, notes: float, recordings: Recordings) -> str:
    """What the choice can do with it, and what else could be tried."""
    limits, minutes = recordings.limits, recordings.minutes
    enough = minutes >= limits.rave_minutes
    if choose == HARMONIC:
        words = "`model: ddsp` with `synth: harmonic_noise` suits single notes such as these."
        if pitched < limits.pitched_percent:
            words = (
                "`model: ddsp` with `synth: harmonic_noise` follows the pitched part and leaves the rest to filtered "
                "noise; `synth: noise_bands` follows level and colour of everything but holds no pitch. Try both."
            )
        return f"{words} There is enough for `model: rave` too, which takes days on a GPU." if enough else words
    if choose == BANDS:
        words = "`model: ddsp` with `synth: noise_bands` follows level and colour of any sound"
        words += ", but holds no pitch." if pitched >= limits.unpitched_percent else "."
        return f"{words} harmonic_noise would play tones where there are none."
    if enough:
        return "`model: rave` learns chords, percussion and any other sound, and there is enough of it."
    return (
        "`model: rave` learns chords and any other sound, once there is enough of it. Until then `synth: noise_bands` "
        "follows level and colour but holds no pitch; recordings of single notes would suit `synth: harmonic_noise`."
    )
