"""What the figures come to, in plain words: a line each on what a musician asks first."""

from __future__ import annotations

from dataclasses import dataclass

from timbre.evaluation.catalogue import formatted
from timbre.evaluation.measure import rca_key, within_key
from timbre.evaluation.metrics.variety import DEGENERATE

GOOD, FAIR, POOR, UNKNOWN = "good", "fair", "poor", "unknown"
# Judgement, not standard: the first limit is what counts as good, the second what still counts as fair.
ERROR_LEFT_LIMITS = (0.15, 0.4)
PITCH_LIMITS = (0.9, 0.7)
DYNAMICS_LIMITS = (0.8, 0.5)
COLOUR_LEFT_LIMITS = (0.5, 0.85)
DELAY_MS_LIMITS = (15.0, 50.0)
BUZZ_DB_LIMITS = (-30.0, -15.0)
SILENCE_DBFS_LIMITS = (-70.0, -50.0)
VARIETY_LIMITS = (0.3, DEGENERATE)
LEVEL_DB_LIMITS = (1.5, 4.0)
# Highest peak of what comes of full-scale signals.
PEAK_DBFS_LIMITS = (6.0, 20.0)

Summary = dict[str, dict]


@dataclass(frozen=True)
class Line:
    """One line of the verdict: good, fair, poor or unknown; a subject; a sentence."""

    grade: str
    subject: str
    sentence: str


def verdict(summary: Summary, rate_hz: int, tolerance_cents: float) -> list[Line]:
    """The lines of the verdict on the content of summary.json."""
    return [
        *_variety(summary),
        _pitch(summary, rca_key(tolerance_cents)),
        _dynamics(summary),
        _colour(summary),
        *_buzz(summary),
        *_level(summary),
        _reconstruction(summary, within_key(tolerance_cents)),
        _delay(summary, rate_hz),
        _silence(_value(summary, "model.silence_dbfs_after_1s")),
        _robustness(summary),
    ]


def _value(summary: Summary, name: str) -> float | None:
    return summary[name]["value"]


def graded(value: float | None, limits: tuple[float, float]) -> str:
    """Good, fair or poor by two limits; the lower is better where the first limit is the lower one."""
    if value is None:
        return UNKNOWN
    good, fair = limits
    sign = 1.0 if good < fair else -1.0
    return GOOD if sign * value <= sign * good else FAIR if sign * value <= sign * fair else POOR


def _variety(summary: Summary) -> list[Line]:
    """One line, or none where fewer than two inputs tell."""
    value = _value(summary, "model.degeneracy")
    if value is None:
        return []
    grade = POOR if _value(summary, "model.degenerate") else graded(value, VARIETY_LIMITS)
    words = {
        GOOD: "Different inputs make it play different things",
        FAIR: "Different inputs make it play rather similar things",
        POOR: "It plays the same whatever it hears, so no other figure here means much",
    }
    differ = f"its outputs differ by {formatted('share', value)} of what the inputs do"
    return [Line(grade, "Variety", f"{words[grade]}: {differ}.")]


def _pitch(summary: Summary, key: str) -> Line:
    value = _value(summary, f"transfer.{key}")
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


def _dynamics(summary: Summary) -> Line:
    value = _value(summary, "transfer.loudness_r")
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


def _colour(summary: Summary) -> Line:
    told = summary["transfer.ltas_db"]
    value, identity, within = told["value"], *(told["anchors"].get(name) for name in ("identity", "target"))
    if value is None or not identity:
        return Line(
            UNKNOWN, "Colour", "Without held-out recordings of the target there is nothing to compare the colour with."
        )
    grade = graded(value / identity, COLOUR_LEFT_LIMITS)
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


def _buzz(summary: Summary) -> list[Line]:
    """One line, or none for a model whose harmonics cannot be heard alone."""
    value, worst = (summary["transfer.buzz_db"][name] for name in ("value", "worst"))
    if value is None:
        return []
    grade = graded(value, BUZZ_DB_LIMITS)
    words = {
        GOOD: "It does not buzz where the input has no pitch",
        FAIR: "A faint buzz may lie under breath and consonants",
        POOR: "It buzzes where the input has no pitch",
    }
    distance = f"{formatted('_db', abs(value))} {'over' if value > 0.0 else 'under'} the input's level"
    return [Line(grade, "Buzz", f"{words[grade]}: its harmonics lie {distance} there, at worst ({worst}).")]


def _level(summary: Summary) -> list[Line]:
    """One line, or none where no input sounds."""
    value = _value(summary, "transfer.level_linearity_db")
    if value is None:
        return []
    grade = graded(value, LEVEL_DB_LIMITS)
    words = {
        GOOD: "It gets louder and softer as its input does",
        FAIR: "It gets louder and softer with its input, but not by as much",
        POOR: "How loud it plays hardly depends on how loud its input is",
    }
    off = f"{formatted('_db', value)} off when the input is turned down by 12 dB or up by 6 dB, controls neutral"
    return [Line(grade, "Level", f"{words[grade]}: {off}.")]


def _reconstruction(summary: Summary, key: str) -> Line:
    left, mss, pitch, loudness = (
        _value(summary, f"reconstruction.{name}") for name in ("mss_excess_ratio", "mss", key, "loudness_l1_db")
    )
    if mss is None:
        return Line(UNKNOWN, "Reconstruction", "There are no held-out recordings, so this was not measured.")
    if left is None:
        return Line(UNKNOWN, "Reconstruction", f"The spectral error is {formatted('mss', mss)}; no anchor.")
    grade = graded(left, ERROR_LEFT_LIMITS)
    words = {
        GOOD: "It plays back unseen recordings of the target closely",
        FAIR: "It plays back unseen recordings of the target fairly",
        POOR: "It plays back unseen recordings of the target poorly",
    }
    parts = [f"{formatted('mss_excess_ratio', left)} of the untrained model's spectral error is left"]
    if pitch is not None:
        parts.append(f"{formatted(key, pitch)} of the pitched moments are in tune")
    if loudness is not None:
        parts.append(f"the loudness is {formatted('_db', loudness)} off on average")
    return Line(grade, "Reconstruction", f"{words[grade]}: {', '.join(parts)}.")


def _delay(summary: Summary, rate_hz: int) -> Line:
    delay = _value(summary, "model.delay_samples")
    milliseconds = 1000.0 * delay / rate_hz
    grade = graded(milliseconds, DELAY_MS_LIMITS)
    words = {GOOD: "plays like an instrument", FAIR: "playable, felt in fast or percussive playing",
             POOR: "hard to play live, fine where the host compensates delay"}  # fmt: skip
    jitter = _value(summary, "model.delay_jitter_onset_samples")
    uneven = "" if jitter is None else f" Notes come {1000.0 * jitter / rate_hz:.1f} ms early or late of each other."
    return Line(
        grade, "Delay", f"{milliseconds:.1f} ms ({delay:g} samples), plus the host's own: {words[grade]}.{uneven}"
    )


def _silence(level_dbfs: float) -> Line:
    grade = graded(level_dbfs, SILENCE_DBFS_LIMITS)
    words = {GOOD: "It falls silent", FAIR: "It leaves a faint sound", POOR: "It keeps sounding"}
    return Line(
        grade, "Silence", f"{words[grade]} when the input stops: {formatted('dbfs_db', level_dbfs)} a second later."
    )


def _robustness(summary: Summary) -> Line:
    finite, silent = (_value(summary, f"robustness.{name}") for name in ("finite", "returns_to_silence"))
    peaks = {name: _value(summary, f"robustness.{name}_peak_dbfs") for name in ("square", "dc", "sweep")}
    if not finite:
        return Line(POOR, "Robustness", "Full-scale signals make it give samples that are no numbers.")
    loudest = max(peaks, key=peaks.get)
    grade = POOR if not silent else graded(peaks[loudest], PEAK_DBFS_LIMITS)
    signal = {"square": "a square wave", "dc": "direct current", "sweep": "a sweep"}[loudest]
    peak = f"full-scale signals come out with peaks of {formatted('dbfs_db', peaks[loudest])} at most ({signal})"
    after = "falls silent after them" if silent else "does not fall silent after them, or of itself"
    words = {GOOD: "It bears what no musician plays", FAIR: "It gets loud when it is overdriven",
             POOR: "It does not bear what no musician plays"}  # fmt: skip
    return Line(grade, "Robustness", f"{words[grade]}: {peak}, and it {after}.")
