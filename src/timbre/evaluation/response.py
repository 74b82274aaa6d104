"""How a model answers to single events and to gains: when, how evenly, and how loud."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from timbre.evaluation.levels import SILENCE_DBFS, level_dbfs
from timbre.playing.player import Player, host_block
from timbre.playing.render import render

# Events, spread evenly over the places that an event can have in a model's frame.
EVENTS = 16
APART_SECONDS = 0.5
TONE_HZ = 440.0
TONE_SECONDS = 0.25
TONE_PARTIALS = 6
# An answer may begin this much before its event: the output is moved forward by the delay that is reported.
BEFORE_SECONDS = 0.1
ENVELOPE_SECONDS = 0.005
# RMS over an event's stretch under which there is no answer.
HEARD_DBFS = -90.0
GAINS_DB = (-12.0, 6.0)
LINEARITY_SECONDS = 4.0
SMALLEST_BLOCK_SAMPLES = 64
# What `level_linearity_db` comes to where the output's level does not follow at all.
DEAF_DB = float(np.mean(np.abs(GAINS_DB)))


def jitter_samples(player: Player, block_samples: int, controls: dict[str, float]) -> dict[str, float | None]:
    """How exactly in time a model answers, from 16 clicks and 16 notes at all places of its frame.

    Of a click's answer the centre of its energy is taken, of a note's the moment at which its envelope (RMS of 5 ms)
    passes half its highest; latency is that less the event's own. A model that works in frames of N samples jitters by
    up to N. After Caspe et al. 2025, "Designing neural synthesizers for low-latency interaction" (arXiv 2503.11562).
    Returns: `delay_onset_samples`, the median latency of notes, as heard live (the reported delay within),
    `delay_jitter_impulse_samples` and `delay_jitter_onset_samples`, the 95th less the 5th percentile; None where fewer
    than half of the events are answered.
    """
    rate = player.sample_rate_hz
    starts = event_starts(rate, player.block_samples)
    impulses, tones = np.zeros((2, starts[-1] + round(APART_SECONDS * rate)), np.float32)
    impulses[starts] = 1.0
    for start in starts:
        tones[start : start + round(TONE_SECONDS * rate)] = _note(rate)

    def latencies(signal: np.ndarray, moment) -> np.ndarray:
        output = render(player, np.tile(signal, (player.channels, 1)), block_samples, controls=controls).mean(axis=0)
        before, length = round(BEFORE_SECONDS * rate), round(APART_SECONDS * rate)
        found = []
        for start in starts:
            answer, asked = (sound[start - before : start - before + length] for sound in (output, signal))
            if level_dbfs(answer) > HEARD_DBFS:
                found.append(moment(answer, rate) - moment(asked, rate))
        return np.array(found)

    clicks, notes = latencies(impulses, _energy_centre), latencies(tones, _half_rise)
    median = None if len(notes) < EVENTS / 2 else float(np.median(notes)) + player.delay_samples
    return {
        "delay_onset_samples": median,
        "delay_jitter_impulse_samples": _spread(clicks),
        "delay_jitter_onset_samples": _spread(notes),
    }


def event_starts(rate_hz: int, frame_samples: int) -> np.ndarray:
    """Where the events begin, in samples: half a second apart, at evenly spread places within a frame."""
    apart = -(-round(APART_SECONDS * rate_hz) // frame_samples) * frame_samples
    places = np.arange(EVENTS) * frame_samples // EVENTS
    return (np.arange(EVENTS) + 1) * apart + places


def level_linearity_db(
    player: Player, audio: np.ndarray, block_samples: int, controls: dict[str, float]
) -> float | None:
    """How far the output's level lies from where the input's gain would put it, at -12 and +6 dB: mean of both, in dB.

    audio: [channels, samples]. 0 for an effect that follows its input's level exactly, 9 for one that always plays
    equally loud. Levels are RMS. None for a silent input.
    """
    if level_dbfs(audio) <= SILENCE_DBFS:
        return None
    levels = {
        gain_db: level_dbfs(
            render(player, audio * np.float32(10.0 ** (gain_db / 20.0)), block_samples, controls=controls)
        )
        for gain_db in (0.0, *GAINS_DB)
    }
    return float(np.mean([abs(levels[gain_db] - levels[0.0] - gain_db) for gain_db in GAINS_DB]))


def streaming_max_diff(player: Player, audio: np.ndarray, block_samples: int) -> float:
    """The largest difference between samples of audio [channels, samples] played in blocks and played in one.

    In the host's blocks and in the smallest that hosts use and the model takes; full scale is 1.
    """
    whole = render(player, audio, audio.shape[1])
    blocks = sorted({block_samples, host_block(player, SMALLEST_BLOCK_SAMPLES)})
    return max(float(np.abs(render(player, audio, block) - whole).max(initial=0.0)) for block in blocks)


def _note(rate_hz: int) -> np.ndarray:
    seconds = np.arange(round(TONE_SECONDS * rate_hz)) / rate_hz
    return 0.2 * sum(np.sin(2 * np.pi * n * TONE_HZ * seconds) / n for n in range(1, TONE_PARTIALS + 1))


def _energy_centre(audio: np.ndarray, rate_hz: int) -> float:
    energy = np.square(audio, dtype=np.float64)
    return float(energy @ np.arange(len(energy)) / energy.sum())


def _half_rise(audio: np.ndarray, rate_hz: int) -> float:
    power = uniform_filter1d(np.square(audio, dtype=np.float64), round(ENVELOPE_SECONDS * rate_hz), mode="constant")
    return float(np.argmax(power >= 0.25 * power.max()))


def _spread(latencies: np.ndarray) -> float | None:
    return None if len(latencies) < EVENTS / 2 else float(np.diff(np.percentile(latencies, (5.0, 95.0)))[0])
