"""Takes: phrases with rests between them, a bow that hisses and a room that is never quite silent."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_closing
from scipy.signal import butter, sosfilt

from timbre.demo.body import radiate
from timbre.demo.bowed_string import SAMPLE_RATE_HZ, StringControls, bow_strings
from timbre.demo.score import HIGHEST_MIDI, LOWEST_MIDI, POINTS_PER_SECOND, STYLES, play_phrase
from timbre.progress import progress

LONGEST_SLOT_SECONDS = 4.8
"""Phrases are advanced side by side: the longest, not their number, sets the time to render."""
TAKES_AT_ONCE = 36
REST_SECONDS = (0.3, 0.9)
TRUTH_HOP_SECONDS = 0.01
LEVEL = 0.35
HISS = 0.004
FLOOR_DB = -80.0
SOUNDING_DB = -55.0
PEAK_LIMIT = 0.85


@dataclass
class Take:
    """One recording: audio of shape (samples,), and its true f0 in Hz every 10 ms, 0 where nothing sounds."""

    audio: np.ndarray
    f0_hz: np.ndarray


def record_takes(requests: list[tuple[float, np.random.SeedSequence]], show_progress: bool = False) -> Iterator[Take]:
    """Play and record one take per pair of length in seconds and seed; neighbours do not influence a take."""
    total = sum(seconds for seconds, _ in requests)
    bar_format = "{l_bar}{bar}| {n:.0f}/{total:.0f} s of audio [{elapsed}<{remaining}]"
    with progress(description="bowing", unit="s", total=total, disable=not show_progress, bar_format=bar_format) as bar:
        for first in range(0, len(requests), TAKES_AT_ONCE):
            sketches = [_sketch(seconds, seed) for seconds, seed in requests[first : first + TAKES_AT_ONCE]]
            phrases = [phrase for sketch in sketches for phrase in sketch.phrases]
            seeds = [seed for sketch in sketches for seed in sketch.phrase_seeds]
            bridges = iter(bow_strings(phrases, seeds, bar))
            for sketch in sketches:
                yield _record(sketch, [next(bridges) for _ in sketch.phrases])
                # Rests are part of the total, but not of what the strings report.
                bar.update(sketch.rest_seconds)


@dataclass
class _Sketch:
    samples: int
    starts: list[int]
    phrases: list[StringControls]
    phrase_seeds: list[np.random.SeedSequence]
    room_seed: np.random.SeedSequence

    @property
    def rest_seconds(self) -> float:
        return self.samples / SAMPLE_RATE_HZ - sum(len(p.f0_hz) - 1 for p in self.phrases) / POINTS_PER_SECOND


def _sketch(seconds: float, seed: np.random.SeedSequence) -> _Sketch:
    slots = int(np.ceil(seconds / LONGEST_SLOT_SECONDS))
    slot_seconds = seconds / slots
    score_seed, room_seed, *phrase_seeds = seed.spawn(2 + slots)
    rng = np.random.default_rng(score_seed)
    styles = np.concatenate([rng.permutation(len(STYLES)) for _ in range(-(-slots // len(STYLES)))])
    # Stratified, so that even a short corpus visits the whole range.
    heights = rng.permutation((np.arange(slots) + rng.uniform(0, 1, slots)) / slots)
    starts, phrases = [], []
    for slot in range(slots):
        rest = min(rng.uniform(*REST_SECONDS), 0.25 * slot_seconds)
        centre = LOWEST_MIDI + heights[slot] * (HIGHEST_MIDI - LOWEST_MIDI)
        # Whole hops keep the truth on the grid of 10 ms.
        start = round((slot * slot_seconds + 0.6 * rest) / TRUTH_HOP_SECONDS)
        length = int((slot_seconds - rest) / TRUTH_HOP_SECONDS)
        starts.append(round(start * TRUTH_HOP_SECONDS * SAMPLE_RATE_HZ))
        phrases.append(play_phrase(rng, STYLES[styles[slot]], centre, length * TRUTH_HOP_SECONDS))
    return _Sketch(round(seconds * SAMPLE_RATE_HZ), starts, phrases, phrase_seeds, room_seed)


def _record(sketch: _Sketch, bridges: list[np.ndarray]) -> Take:
    rng = np.random.default_rng(sketch.room_seed)
    string = np.zeros(sketch.samples)
    hop = round(TRUTH_HOP_SECONDS * SAMPLE_RATE_HZ)
    f0_hz = np.zeros(sketch.samples // hop + 1)
    for start, phrase, bridge in zip(sketch.starts, sketch.phrases, bridges, strict=True):
        string[start : start + len(bridge)] += bridge * _fade_out(len(bridge)) + _hiss(rng, phrase, len(bridge))
        curve = phrase.f0_hz[:: round(TRUTH_HOP_SECONDS * POINTS_PER_SECOND)]
        f0_hz[start // hop : start // hop + len(curve)] = curve
    audio = LEVEL * radiate(string)
    f0_hz[~_sounds(audio, hop, len(f0_hz))] = 0.0
    audio += _room_tone(rng, sketch.samples)
    return Take(audio * min(1.0, PEAK_LIMIT / np.max(np.abs(audio))), f0_hz)


def _fade_out(samples: int) -> np.ndarray:
    fade = np.ones(samples)
    length = round(0.03 * SAMPLE_RATE_HZ)
    fade[-length:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, length + 1) / length)
    return fade


def _hiss(rng: np.random.Generator, phrase: StringControls, samples: int) -> np.ndarray:
    """Hair on string: noise that follows the speed of the bow."""
    high = butter(1, 1500, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
    noise = sosfilt(high, rng.standard_normal(samples))
    points = np.arange(len(phrase.bow_velocity)) * (samples / (len(phrase.bow_velocity) - 1))
    return HISS * noise * np.interp(np.arange(samples), points, np.sqrt(np.abs(phrase.bow_velocity)))


def _room_tone(rng: np.random.Generator, samples: int) -> np.ndarray:
    noise = sosfilt(butter(1, 400, fs=SAMPLE_RATE_HZ, output="sos"), rng.standard_normal(samples))
    return 10 ** (FLOOR_DB / 20) * noise / np.sqrt(np.mean(noise**2))


def _sounds(audio: np.ndarray, hop: int, frames: int) -> np.ndarray:
    """Whether the level of the 20 ms around each frame's time is above the threshold."""
    padded = np.pad(audio, hop)
    power = np.array([np.mean(padded[frame * hop : (frame + 2) * hop] ** 2) for frame in range(frames)])
    # The tail of a note waves around the threshold; that makes no new note.
    return binary_closing(power > 10 ** (SOUNDING_DB / 10), np.ones(15))
