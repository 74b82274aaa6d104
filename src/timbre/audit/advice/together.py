"""Whether the recordings belong together: places, variety, rates, and what is held out."""

from __future__ import annotations

from timbre.audio.table import counted
from timbre.audit.advice.entry import entry, known, length
from timbre.audit.environments import strangers
from timbre.audit.recordings import Recordings

# What the variety index came to on sets that everybody can picture; see docs/audit.md.
ANCHORS = "one instrument comes to 2 to 5, a drum kit to 7 to 19, unrelated effects to 26"
GROUPS_TOLD = 4


def advise_on_groups(recordings: Recordings) -> dict:
    """Which recording environments to train apart."""
    groups = recordings.facts.environments
    others = strangers(recordings)
    apart = [other.group["number"] for other in others]
    listing = [
        {
            "number": group["number"], "files": group["files"], "minutes": round(group["seconds"] / 60.0, 3),
            "example": group["example"], "apart": group["number"] in apart,
        }
        for group in groups
    ]  # fmt: skip
    if not groups:
        choose, text = "unknown", "There is too little to tell whether all recordings come from one place."
    elif not others:
        found = "All recordings sound" if len(groups) == 1 else f"{len(groups)} groups of recordings sound"
        choose, text = "together", f"{found} as if from one place: train on all of them together."
    else:
        main = listing[0]
        parts = [
            f"{'One group' if len(others) == 1 else f'{len(others)} groups'} of recordings "
            f"{'sounds' if len(others) == 1 else 'sound'} of another "
            f"place than the main one ({counted(main['files'], 'file')}, {length(main['minutes'])}, such as "
            f"{main['example']})."
        ]
        for other in others[:GROUPS_TOLD]:
            group = other.group
            parts.append(
                f"Group {group['number']} ({counted(group['files'], 'file')}, "
                f"{length(group['seconds'] / 60.0)}, such as {group['example']}) differs in {other.words}."
            )
        if len(others) > GROUPS_TOLD:
            parts.append(f"And {len(others) - GROUPS_TOLD} more.")
        parts.append("For one sound, train on the main group alone, or give each a folder and a model of its own.")
        choose, text = "apart", " ".join(parts)
    furthest = max((other.ltas_db for other in others if known(other.ltas_db)), default=float("nan"))
    return entry(choose, text, groups=len(groups), apart=len(others), furthest_ltas_db=furthest) | {"groups": listing}


def advise_on_variety(recordings: Recordings) -> dict:
    """Whether it is one sound over and over, or too many to be one model."""
    limits, found = recordings.limits, recordings.facts.variety
    vendi, windows = found.get("vendi"), found.get("windows")
    figures = {"vendi": vendi, "spread": found.get("spread"), "windows": windows}
    if vendi is None or not known(vendi):
        return entry("unknown", "There is too little to tell how much the sounds differ.", **figures)
    told = f"The variety index is {vendi:.1f} ({ANCHORS})."
    if vendi < limits.variety_min:
        return entry(
            "more", f"{told} All of it is one sound: add other notes, dynamics and ways of playing.", **figures
        )
    if vendi > limits.variety_max:
        text = f"{told} These are many different sounds: choose those that belong together, or train them apart."
        return entry("less", text, **figures)
    return entry("fine", f"{told} That is neither one sound nor a jumble.", **figures)


def advise_on_rates(recordings: Recordings) -> dict:
    """What happens to sample rates that are not the model's."""
    rates, wanted = recordings.used["sample_rate_hz"], recordings.params.data.sample_rate
    others = rates[rates != wanted].value_counts().sort_index()
    if others.empty:
        return entry("keep", f"All recordings have the model's sample rate, {wanted} Hz.", model_hz=wanted, others=0)
    told = " and ".join(f"{count} of {len(rates)} at {rate} Hz" for rate, count in others.items())
    low = int(min(others.index))
    loss = f" What was recorded at {low} Hz has nothing above {low / 2000:g} kHz." if low < wanted else ""
    text = f"normalize converts recordings to the model's {wanted} Hz: {told}.{loss}"
    return entry("convert", text, model_hz=wanted, others=int(others.sum()), lowest_hz=low)


def advise_on_held_out(recordings: Recordings) -> dict:
    """What evaluation plays."""
    held_out, kept = len(recordings.held_out), len(recordings.used)
    minutes = float(recordings.held_out["duration_seconds"].sum() / 60.0)
    if held_out:
        text = (
            f"{held_out} of {counted(kept, 'recording')} ({length(minutes)}) {'lies' if held_out == 1 else 'lie'} "
            "below a folder named test: the model never learns from them, and evaluation plays them."
        )
        return entry("folder", text, files=held_out, minutes=minutes)
    text = "No folder is named test: the slice stage keeps a share of the recordings for evaluation by itself."
    return entry("drawn", text, files=0, minutes=0.0)
