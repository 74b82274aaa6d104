"""What the figures come to, in plain words: a line or more each on transfer, reconstruction, delay and silence."""

from __future__ import annotations

from dataclasses import dataclass

from timbre.evaluation.catalogue import formatted
from timbre.evaluation.measure import Figures, rca_key, within_key

GOOD, FAIR, POOR, UNKNOWN = "good", "fair", "poor", "unknown"
# Judgement, not standard: the first limit is what counts as good, the second what still counts as fair.
ERROR_LEFT_LIMITS = (0.15, 0.4)
PITCH_LIMITS = (0.9, 0.7)
DYNAMICS_LIMITS = (0.8, 0.5)
COLOUR_LEFT_LIMITS = (0.5, 0.85)
DELAY_MS_LIMITS = (15.0, 50.0)
BUZZ_DB_LIMITS = (-30.0, -15.0)
SILENCE_DBFS_LIMITS = (-70.0, -50.0)


@dataclass(frozen=True)
class Line:
    """One line of the verdict: good, fair, poor or unknown; a subject; a sentence."""

    grade: str
    subject: str
    sentence: str


def verdict(metrics: dict, rate_hz: int, tolerance_cents: float) -> list[Line]:
    """The lines of the verdict on the content of metrics.json."""
    reconstruction, transfer, model = metrics["reconstruction"], metrics["transfer"], metrics["model"]
    return [
        _pitch(transfer, rca_key(tolerance_cents)),
        _dynamics(transfer),
        _colour(transfer),
        *_buzz(transfer),
        _reconstruction(reconstruction, within_key(tolerance_cents)),
        _delay(model["delay_samples"], rate_hz),
        _silence(model["silence_dbfs_after_1s"]),
    ]


def graded(value: float | None, limits: tuple[float, float]) -> str:
    """Good, fair or poor by two limits; the lower is better where the first limit is the lower one."""
    if value is None:
        return UNKNOWN
    good, fair = limits
    sign = 1.0 if good < fair else -1.0
    return GOOD if sign * value <= sign * good else FAIR if sign * value <= sign * fair else POOR


def _pitch(transfer: Figures, key: str) -> Line:
    value = transfer[key]
    if value is None:
        return Line(UNKNOWN, "Pitch", "None of the inputs has a pitch that the model could keep.")
    grade = graded(value, PITCH_LIMITS)
    words = {
        GOOD: "It follows the melody",
        FAIR: "It follows the melody most of the time",
        POOR: "It often loses the melody",
    }
    return Line(
        grade, "Pitch", f"{words[grade]}: {formatted(key, value)} of the pitched moments of the inputs keep their note."
    )


def _dynamics(transfer: Figures) -> Line:
    value = transfer["loudness_r"]
    if value is None:
        return Line(UNKNOWN, "Dynamics", "None of the inputs has dynamics that the model could follow.")
    grade = graded(value, DYNAMICS_LIMITS)
    words = {
        GOOD: "Loud stays loud and soft stays soft",
        FAIR: "Dynamics come through in part",
        POOR: "Dynamics hardly come through",
    }
    return Line(
        grade, "Dynamics", f"{words[grade]}: the loudness correlates with the input's by {formatted('r', value)}."
    )


def _colour(transfer: Figures) -> Line:
    value, identity = transfer["ltas_db"], transfer["ltas_db_identity"]
    if value is None or not identity:
        return Line(
            UNKNOWN, "Colour", "Without held-out recordings of the target there is nothing to compare the colour with."
        )
    grade = graded(value / identity, COLOUR_LEFT_LIMITS)
    within = transfer["ltas_db_target"]
    if within is not None and value <= 1.5 * within:
        grade = GOOD
    words = {
        GOOD: "It takes on the target's colour",
        FAIR: "It moves towards the target's colour",
        POOR: "It hardly comes nearer to the target's colour",
    }
    own = "" if within is None else f"; the target's own recordings lie {formatted('_db', within)} from each other"
    moved = f"{formatted('_db', value)} from its average spectrum, {formatted('_db', identity)} before"
    return Line(grade, "Colour", f"{words[grade]}: {moved}{own}.")


def _buzz(transfer: Figures) -> list[Line]:
    """One line, or none for a model whose harmonics cannot be heard alone."""
    value = transfer["buzz_db"]
    if value is None:
        return []
    grade = graded(value, BUZZ_DB_LIMITS)
    words = {
        GOOD: "It does not buzz where the input has no pitch",
        FAIR: "A faint buzz may lie under breath and consonants",
        POOR: "It buzzes where the input has no pitch",
    }
    worst = max(transfer["buzz_db_by_input"], key=transfer["buzz_db_by_input"].get)
    distance = f"{formatted('_db', abs(value))} {'over' if value > 0.0 else 'under'} the input's level"
    return [Line(grade, "Buzz", f"{words[grade]}: its harmonics lie {distance} there, at worst ({worst}).")]


def _reconstruction(reconstruction: Figures, key: str) -> Line:
    left = reconstruction["mss_excess_ratio"]
    if reconstruction["mss"] is None:
        return Line(UNKNOWN, "Reconstruction", "There are no held-out recordings, so this was not measured.")
    if left is None:
        return Line(
            UNKNOWN, "Reconstruction", f"The spectral error is {formatted('mss', reconstruction['mss'])}; no anchor."
        )
    grade = graded(left, ERROR_LEFT_LIMITS)
    words = {
        GOOD: "It plays back unseen recordings of the target closely",
        FAIR: "It plays back unseen recordings of the target fairly",
        POOR: "It plays back unseen recordings of the target poorly",
    }
    parts = [f"{formatted('mss_excess_ratio', left)} of the untrained model's spectral error is left"]
    if reconstruction[key] is not None:
        parts.append(f"{formatted(key, reconstruction[key])} of the pitched moments are in tune")
    if reconstruction["loudness_l1_db"] is not None:
        parts.append(f"the loudness is {formatted('_db', reconstruction['loudness_l1_db'])} off on average")
    return Line(grade, "Reconstruction", f"{words[grade]}: {', '.join(parts)}.")


def _delay(delay_samples: float, rate_hz: int) -> Line:
    milliseconds = 1000.0 * delay_samples / rate_hz
    grade = graded(milliseconds, DELAY_MS_LIMITS)
    words = {GOOD: "plays like an instrument", FAIR: "playable, felt in fast or percussive playing",
             POOR: "hard to play live, fine where the host compensates delay"}  # fmt: skip
    return Line(
        grade, "Delay", f"{milliseconds:.1f} ms ({delay_samples:g} samples), plus the host's own: {words[grade]}."
    )


def _silence(level_dbfs: float) -> Line:
    grade = graded(level_dbfs, SILENCE_DBFS_LIMITS)
    words = {GOOD: "It falls silent", FAIR: "It leaves a faint sound", POOR: "It keeps sounding"}
    return Line(
        grade, "Silence", f"{words[grade]} when the input stops: {formatted('dbfs_db', level_dbfs)} a second later."
    )
