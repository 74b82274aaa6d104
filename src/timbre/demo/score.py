"""The player: phrases of notes, and the movements of finger and bow that play them.

All curves have one point per millisecond.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from timbre.demo.bowed_string import StringControls

POINTS_PER_SECOND = 1000
LOWEST_MIDI, HIGHEST_MIDI = 55, 89
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 7, 9))
RELEASE_SECONDS = 0.4
"""From the moment the bow leaves the string to the end of a phrase."""
RINGING_SECONDS, DAMPED_SECONDS = 1.2, 0.28


@dataclass(frozen=True)
class Style:
    """How a phrase is played; pairs are the ends of a uniform draw."""

    note_seconds: tuple[float, float]
    slurred: float
    """Probability that a note shares its bow stroke with the note before."""
    slide_seconds: tuple[float, float]
    """Time the finger takes from one slurred note to the next."""
    vibrato_cents: tuple[float, float]
    largest_step: int
    """In degrees of the scale."""


STYLES = (
    Style((0.6, 1.6), 0.65, (0.02, 0.06), (12, 32), 3),
    Style((0.25, 0.7), 0.15, (0.02, 0.03), (0, 18), 3),
    Style((0.2, 0.24), 0.85, (0.012, 0.02), (0, 0), 1),
    Style((0.7, 1.5), 0.9, (0.12, 0.4), (8, 25), 6),
    Style((1.2, 2.0), 0.4, (0.03, 0.08), (15, 38), 4),
    Style((0.2, 0.9), 0.5, (0.015, 0.08), (8, 25), 5),
)


@dataclass(frozen=True)
class Note:
    """A note of a phrase: when it sounds, how high, and how the left hand comes to it and shakes it."""

    start: int
    """In milliseconds from the start of the phrase, like ``stop``."""
    stop: int
    midi: float
    slurred: bool
    slide: int
    """Length of the finger's way to this note, in milliseconds."""
    vibrato_cents: float


def play_phrase(rng: np.random.Generator, style: Style, centre_midi: float, seconds: float) -> StringControls:
    """Improvise a phrase of exactly ``seconds``, its release included, around ``centre_midi``."""
    points = round(seconds * POINTS_PER_SECOND) + 1
    bowed = points - 1 - round(RELEASE_SECONDS * POINTS_PER_SECOND)
    notes = improvise(rng, style, centre_midi, bowed)
    f0_hz = finger_f0_hz(rng, notes, points)
    stroke, contact, attack = _bow_strokes(rng, notes, points)
    dynamics = _drift(rng, points, 0.06, 0.24, geometric=True)
    # Between Schelleng's limits, above which the string rattles and below which it slips twice a period
    # (Schelleng 1973, "The bowed string and the player"); low strings need more force to start within 0.1 s.
    height = np.clip(np.log2(f0_hz / 196) / 2, 0, 1)
    pressure = _drift(rng, points, 0.72, 1.02) - 0.2 * height + 0.15 * attack
    position = _drift(rng, points, 0.095, 0.152)
    return StringControls(
        f0_hz=f0_hz,
        bow_velocity=dynamics * stroke,
        bow_force=pressure * dynamics / position * contact,
        bow_position=position,
        ring_seconds=np.where(np.arange(points) < bowed + 40, RINGING_SECONDS, DAMPED_SECONDS),
    )


def improvise(
    rng: np.random.Generator,
    style: Style,
    centre_midi: float,
    duration: int,
    lowest_midi: int = LOWEST_MIDI,
    highest_midi: int = HIGHEST_MIDI,
) -> list[Note]:
    """Draw notes that fill ``duration`` milliseconds: a walk on a scale that is drawn back to its centre."""
    scale = np.array(SCALES[rng.integers(len(SCALES))])
    tonic = rng.integers(12)
    degrees = np.sort(np.concatenate([scale + tonic + 12 * octave for octave in range(-1, 11)]))
    degrees = degrees[(degrees >= lowest_midi) & (degrees <= highest_midi)]
    place = int(np.argmin(np.abs(degrees - centre_midi)))
    direction = rng.choice((-1, 1))
    notes: list[Note] = []
    start = 0
    while start < duration:
        length = round(POINTS_PER_SECOND * rng.uniform(*style.note_seconds))
        if duration - start - length < POINTS_PER_SECOND * style.note_seconds[0]:
            length = duration - start
        slurred = bool(notes) and rng.random() < style.slurred
        slide = round(POINTS_PER_SECOND * rng.uniform(*style.slide_seconds)) if slurred else 0
        vibrato_cents = rng.uniform(*style.vibrato_cents)
        notes.append(Note(start, start + length, degrees[place], slurred, slide, vibrato_cents))
        start += length
        if abs(degrees[place] - centre_midi) > 9:
            direction = 1 if degrees[place] < centre_midi else -1
        elif rng.random() < 0.3:
            direction = -direction
        step = direction * rng.integers(1, style.largest_step + 1)
        if not 0 <= place + step < len(degrees):
            step, direction = -step, -direction
        place = int(np.clip(place + step, 0, len(degrees) - 1))
    return notes


def finger_f0_hz(rng: np.random.Generator, notes: list[Note], points: int) -> np.ndarray:
    """Fundamental frequency, shape (points,): notes, slides between slurred ones, vibrato, slow drift."""
    midi = np.full(points, notes[-1].midi, dtype=float)
    depth_cents = np.zeros(points)
    for before, note in zip([notes[0], *notes], notes, strict=False):
        midi[note.start : note.stop] = note.midi
        if note.slide:
            way = 0.5 - 0.5 * np.cos(np.pi * (np.arange(note.slide) + 0.5) / note.slide)
            midi[note.start : note.start + note.slide] = before.midi + way * (note.midi - before.midi)
        length = note.stop - note.start
        if length > 350:
            age = np.arange(length)
            depth_cents[note.start : note.stop] = note.vibrato_cents * np.clip((age - 150) / 250, 0, 1)
    depth_cents = gaussian_filter1d(depth_cents, 25.0)
    rate_hz = _drift(rng, points, 4.8, 6.4)
    vibrato = np.sin(2 * np.pi * np.cumsum(rate_hz) / POINTS_PER_SECOND + rng.uniform(0, 2 * np.pi))
    cents = depth_cents * vibrato + _drift(rng, points, -4.0, 4.0)
    return 440.0 * 2 ** ((midi - 69) / 12 + cents / 1200)


def _bow_strokes(rng: np.random.Generator, notes: list[Note], points: int):
    """Bow velocity (-1 to 1, the sign is the direction), contact and what is left of the attack (0 to 1)."""
    velocity, contact, attack = np.zeros(points), np.zeros(points), np.zeros(points)
    starts = [note.start for note in notes if not note.slurred]
    stops = [*starts[1:], notes[-1].stop]
    direction = 1.0
    for start, stop in zip(starts, stops, strict=True):
        age = np.arange(stop - start)
        rise = rng.uniform(15, 45)
        gap = rng.uniform(10, 60) if stop != stops[-1] else 0
        left = stop - start - gap - age
        fall = min(rng.uniform(30, 90) if stop != stops[-1] else rng.uniform(80, 250), 0.4 * (stop - start))
        velocity[start:stop] = direction * _ease(age / rise) * _ease(left / fall)
        # The bow bites at once but leaves gently: pressed on a slowing bow, the string would choke.
        contact[start:stop] = _ease(age / 8) * _ease(left / fall) ** 1.5
        attack[start:stop] = np.exp(-age / 60)
        direction = -direction
    return velocity, contact, attack


def _ease(progress: np.ndarray) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(progress, 0, 1))


def _drift(rng: np.random.Generator, points: int, low: float, high: float, geometric: bool = False):
    """A slow smooth curve between two limits: uniform knots every 0.7 to 1.5 s, joined by half cosines."""
    step = rng.uniform(0.7, 1.5) * POINTS_PER_SECOND
    knots = rng.uniform(0, 1, int(points / step) + 2)
    place, fraction = np.divmod(np.arange(points) / step, 1.0)
    first = place.astype(int)
    curve = knots[first] + (knots[first + 1] - knots[first]) * _ease(fraction)
    return low * (high / low) ** curve if geometric else low + (high - low) * curve
