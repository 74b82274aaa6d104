"""The set as a whole: how much there is, how much is lost or bad, and whether it is one thing."""

from __future__ import annotations

from timbre.audio.table import counted
from timbre.audit.checks.check import SetCheck
from timbre.audit.environments import strangers
from timbre.audit.recordings import Recordings

# How many times `lost_percent` is too much to be an accident.
MOST_LOST = 10.0
NAMES_TOLD = 3
LOST_WORDS = {
    "unreadable": "cannot be opened",
    "silent": "silent",
    "almost_silent": "almost silent",
    "leak": "also in the test folder",
    "duplicate": "exact copies",
}


def wanted_minutes(recordings: Recordings) -> float:
    """What the chosen model wants."""
    limits = recordings.limits
    return limits.rave_minutes if recordings.params.model == "rave" else limits.ddsp_minutes


def _seconds(recordings: Recordings, faulty: set[str]) -> float:
    return 60.0 * recordings.minutes


def _faulty_percent(recordings: Recordings, faulty: set[str]) -> float:
    return recordings.training_percent(faulty)


def _lost_percent(recordings: Recordings, faulty: set[str]) -> float:
    return recordings.lost_percent


def _little_lost_percent(recordings: Recordings, faulty: set[str]) -> float:
    lost = recordings.lost_percent
    return lost if lost <= _most_lost_percent(recordings) else float("nan")


def _most_lost_percent(recordings: Recordings) -> float:
    return min(MOST_LOST * recordings.limits.lost_percent, 90.0)


def _told_lost(recordings: Recordings) -> str:
    reasons = recordings.why_left_out.value_counts()
    told = [f"{words}: {reasons[name]}" for name, words in LOST_WORDS.items() if name in reasons.index]
    return f"{', '.join(told)}.".capitalize()


def _rounded_minutes(recordings: Recordings, faulty: set[str]) -> float:
    return round(recordings.minutes, 1)


def _spread(recordings: Recordings, faulty: set[str]) -> float:
    return recordings.loudness_spread_lu


def _chosen(recordings: Recordings, synth: str) -> bool:
    return recordings.params.model == "ddsp" and recordings.params.synth == synth


def _unsuitable_percent(recordings: Recordings, faulty: set[str]) -> float:
    """Percent of what sounds in training that the chosen synthesiser cannot play."""
    pitched = recordings.training_mean("pitched_percent")
    if _chosen(recordings, "harmonic_noise"):
        return 100.0 - pitched
    return pitched if _chosen(recordings, "noise_bands") else float("nan")


def _most_unsuitable_percent(recordings: Recordings) -> float:
    limits = recordings.limits
    return limits.pitched_percent if recordings.params.synth == "noise_bands" else 100.0 - limits.unpitched_percent


def _told_synth(recordings: Recordings) -> str:
    if recordings.params.synth == "noise_bands":
        return "noise_bands holds no pitch, and most of this has one."
    return "harmonic_noise plays tones, and most of this has no pitch."


def _notes_at_once(recordings: Recordings, faulty: set[str]) -> float:
    pitched = recordings.training_mean("pitched_percent") >= recordings.limits.unpitched_percent
    wrong = _chosen(recordings, "harmonic_noise") and pitched
    return recordings.training_mean("polyphony") if wrong else float("nan")


def _strangers(recordings: Recordings, faulty: set[str]) -> float:
    return float(len(strangers(recordings)))


def _told_strangers(recordings: Recordings) -> str:
    return " ".join(
        f"Group {other.group['number']} ({counted(other.group['files'], 'file')}, such as "
        f"{other.group['example']}) differs in {other.words}."
        for other in strangers(recordings)[:NAMES_TOLD]
    )


def _variety(recordings: Recordings, faulty: set[str]) -> float:
    value = recordings.facts.variety.get("vendi")
    return float("nan") if value is None else float(value)


def _rates(recordings: Recordings, faulty: set[str]) -> float:
    return float(recordings.used["sample_rate_hz"].nunique())


def _told_rates(recordings: Recordings) -> str:
    rates = recordings.used["sample_rate_hz"].value_counts().sort_index()
    told = [f"{counted(count, 'file')} at {rate} Hz" for rate, count in rates.items()]
    return f"{', '.join(told)}."


def _foreign(recordings: Recordings, faulty: set[str]) -> float:
    return float(len(recordings.foreign))


def _told_foreign(recordings: Recordings) -> str:
    names = recordings.foreign
    more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
    return f"{', '.join(names[:NAMES_TOLD])}{more}."


CHECKS = (
    SetCheck(
        "too_little", "error", "Too little for one slice",
        "There is nothing to train on. Add recordings.",
        "{value:.2f} s to train on (least {limit:g} s)",
        lambda recordings: recordings.params.slice.seconds, "under",
        value=_seconds,
    ),
    SetCheck(
        "mostly_lost", "error", "Most of the material is left out",
        "Something went wrong on the way to this folder: look at the reasons below before you train on the rest.",
        "{value:.0f} % of all minutes (limit {limit:g} %)", _most_lost_percent,
        value=_lost_percent, told=_told_lost,
    ),
    SetCheck(
        "faulty", "error", "Much of the material has serious faults",
        "The model learns clipping, hum, noise, clicks or few bits as part of the sound. Redo or take out the files "
        "named below.",
        "{value:.0f} % of the training minutes (limit {limit:g} %)", "faulty_percent",
        value=_faulty_percent,
    ),
    SetCheck(
        "small_dataset", "warning", "Little material",
        "Add recordings: more notes, dynamics and ways of playing.",
        "{value:.1f} minutes to train on (the chosen model wants {limit:g} or more)", wanted_minutes, "under",
        value=_rounded_minutes,
    ),
    SetCheck(
        "synth_mismatch", "warning", "The synthesiser does not suit the material",
        "The advice on the model says which `synth` in params.yaml does.",
        "{value:.0f} % of what sounds is nothing for it (limit {limit:g} %)", _most_unsuitable_percent, "at least",
        step=10.0, value=_unsuitable_percent, told=_told_synth,
    ),
    SetCheck(
        "polyphonic", "warning", "Chords, and a synthesiser of single notes",
        "harmonic_noise follows one note at a time and learns wrong pitches from several. Set `model: rave`, or take "
        "recordings of single notes.",
        "about {value:.1f} notes at once (limit {limit:g})", "polyphony", step=0.5,
        value=_notes_at_once,
    ),
    SetCheck(
        "environments", "warning", "Recordings from different places",
        "A model of several rooms or microphones sounds of none of them, and drifts between them. Train the groups "
        "apart, or only on the largest.",
        "{value:.0f} besides the main one", 0.0, step=1.0,
        value=_strangers, told=_told_strangers, picture="environments",
    ),
    SetCheck(
        "loudness_spread", "warning", "The files differ much in level",
        "The advice on normalising says which mode suits them.",
        "spread {value:.1f} LU (limit {limit:g})", "loudness_spread_lu", step=6.0,
        value=_spread, picture="loudness",
    ),
    SetCheck(
        "one_sound", "warning", "All of it is one sound",
        "A model that hears one sound answers everything with it. Add what differs: notes, registers, dynamics, ways "
        "of playing.",
        "variety index {value:.1f} (least {limit:g})", "variety_min", "under", step=0.5,
        value=_variety,
    ),
    SetCheck(
        "many_sounds", "warning", "Many different sounds",
        "A model of everything is a model of nothing in particular: it blurs what it hears seldom. Choose those that "
        "belong together, or train groups of them apart.",
        "variety index {value:.1f} (limit {limit:g})", "variety_max", step=5.0,
        value=_variety,
    ),
    SetCheck(
        "lost", "warning", "Some of the material is left out",
        "See below whether it can be saved.",
        "{value:.1f} % of all minutes (limit {limit:g} %)", "lost_percent",
        value=_little_lost_percent, told=_told_lost,
    ),
    SetCheck(
        "other_formats", "warning", "Files in other formats",
        "They are not read, and no part of the dataset. Convert them to wav or flac.",
        "{value:.0f} found", 0.0, step=10.0,
        value=_foreign, told=_told_foreign,
    ),
    SetCheck(
        "mixed_rates", "info", "Several sample rates",
        "normalize converts all of them to the model's rate.",
        "{value:.0f} rates", 1.0, step=1.0,
        value=_rates, told=_told_rates,
    ),
)  # fmt: skip
