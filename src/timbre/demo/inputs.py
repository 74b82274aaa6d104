"""Sounds to transfer: instruments, a voice, a speaker, drums and test signals, by additive or subtractive synthesis.

Every maker takes a random generator and returns audio, shape (samples,), and f0 in Hz every 10 ms or None.
"""

import numpy as np
import pyloudnorm
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt

from timbre.demo.bowed_string import SAMPLE_RATE_HZ
from timbre.demo.score import POINTS_PER_SECOND, Note, Style, finger_f0_hz, improvise
from timbre.demo.takes import TRUTH_HOP_SECONDS

TARGET_LUFS = -20.0
LARGEST_PEAK = 0.85
HIGHEST_PARTIAL_HZ = 16_000.0
TUNE_SECONDS = (0.3, 4.9, 5.4, 9.7, 10.0)
"""Two phrases: silence up to the first time, sound up to the second, and so on."""
SUNG_RANGE_MIDI = (56, 70)
VOWEL_FORMANTS_HZ = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
)
"""a, e, i, o, u: Peterson and Barney 1952, "Control methods used in a study of the vowels"."""
UPPER_FORMANTS_HZ = (3500, 4500)
FORMANT_WIDTHS_HZ = (110, 130, 170, 250, 350)
HIGH_FORMANTS_GAIN = 0.04
"""Stands for the many formants above the fifth, without which a voice has no air."""
SENTENCES = (("", 0), ("s", 1), ("t", 0), ("f", 2), ("", 3)), (("sh", 4), ("k", 0), ("s", 2), ("p", 3), ("f", 1)), (
    ("t", 2), ("sh", 0), ("p", 1), ("s", 4)
)  # fmt: skip
"""Syllables of three sentences: a consonant, or none, and the index of a vowel."""
FRICATIVES = {"s": (4200, 10_000, 0.16), "sh": (2000, 6500, 0.18), "f": (1200, 12_000, 0.04)}
PLOSIVES = {"p": (400, 2000, 0.2), "t": (3000, 9000, 0.35), "k": (1300, 3200, 0.3)}
"""Band of the noise in Hz and its level beside the vowels' (after Stevens 1998, "Acoustic Phonetics", ch. 7 and 8)."""
SPOKEN_RANGE_HZ = (160, 90)
HIGHEST_SPOKEN_PARTIAL_HZ = 8000.0
"""What a speaker has above it is hiss."""
PAUSE_SECONDS = 0.75


def flute(rng: np.random.Generator):
    """A melody of a few partials that grow with level, with breath around them."""
    style = Style((0.35, 1.1), 0.7, (0.02, 0.05), (10, 30), 4)
    f0_hz, level = _tune(rng, style, 76, 62, 88)
    # Flutes wave in loudness with their pitch.
    level = level * (1 + 0.12 * np.sin(2 * np.pi * 5.1 * _times(len(level))))
    growth = ((1, 1.0), (0.45, 1.5), (0.22, 2.0), (0.09, 2.5), (0.05, 3.0), (0.02, 3.0))
    partials = [part * level**power for part, power in growth]
    breath = sosfilt(_band(700, 6000), rng.standard_normal(len(level)))
    return _finish(_add_partials(f0_hz, partials) + 0.02 * level * breath, f0_hz, level)


def voice(rng: np.random.Generator):
    """A sung line: glottal partials of -12 dB per octave through formants that move from vowel to vowel."""
    style = Style((0.5, 1.3), 0.7, (0.05, 0.1), (20, 45), 3)
    f0_hz, level = _tune(rng, style, 63, *SUNG_RANGE_MIDI)
    samples = len(f0_hz)
    order = np.concatenate([rng.permutation(len(VOWEL_FORMANTS_HZ)) for _ in range(3)])
    turn = round(0.9 * SAMPLE_RATE_HZ)
    vowels = np.array(VOWEL_FORMANTS_HZ)[order[np.arange(samples) // turn]].T
    formants = list(gaussian_filter1d(vowels.astype(float), 0.04 * SAMPLE_RATE_HZ, axis=1, truncate=3.0))
    formants += [np.full(samples, float(upper)) for upper in UPPER_FORMANTS_HZ]
    partials = []
    for number in range(1, int(HIGHEST_PARTIAL_HZ / f0_hz.min()) + 1):
        partials.append(level * number**-2.0 * _formant_gain(number * f0_hz, formants) * (number * f0_hz))
    breath = sosfilt(_band(2000, 9000), rng.standard_normal(samples))
    tone = _add_partials(f0_hz, partials)
    return _finish(tone + 0.01 * level * np.std(tone) * breath, f0_hz, level)


def glide(rng: np.random.Generator):
    """A tone with partials of 1/n that goes from 210 to 1190 Hz and back, two and a half octaves."""
    times = _times(round(10 * SAMPLE_RATE_HZ))
    f0_hz = 210 * (1190 / 210) ** (0.5 - 0.5 * np.cos(2 * np.pi * times / times[-1]))
    level = np.minimum(1, np.minimum(times, times[-1] - times) / 0.05)
    partials = [level / number for number in range(1, int(HIGHEST_PARTIAL_HZ / 210) + 1)]
    return _finish(_add_partials(f0_hz, partials), f0_hz, level)


def drums(rng: np.random.Generator):
    """Kick, snare and hat in eighths at 104 beats per minute, with accents."""
    samples = round(9 * SAMPLE_RATE_HZ)
    audio = np.zeros(samples)
    eighth = round(30 / 104 * SAMPLE_RATE_HZ)
    times = _times(round(0.3 * SAMPLE_RATE_HZ))
    high = butter(2, 7000, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
    for count, start in enumerate(range(0, samples - len(times), eighth)):
        hits = [0.25 * sosfilt(high, rng.standard_normal(len(times))) * np.exp(-times / 0.03)]
        if count % 8 in (0, 3, 4):
            drop = 46 * times + 4.5 * (1 - np.exp(-times / 0.03))
            hits.append(np.sin(2 * np.pi * drop) * np.exp(-times / 0.1))
        if count % 8 in (2, 6):
            rattle = sosfilt(_band(900, 8000), rng.standard_normal(len(times))) * np.exp(-times / 0.07)
            hits.append(0.4 * rattle + 0.5 * np.sin(2 * np.pi * 185 * times) * np.exp(-times / 0.05))
        audio[start : start + len(times)] += rng.uniform(0.7, 1.0) * sum(hits)
    return _normalized(audio), None


def sweep(rng: np.random.Generator):
    """A sine from 50 to 5000 Hz, the same time for every octave (Farina 2000, eq. 8)."""
    times = _times(round(10 * SAMPLE_RATE_HZ))
    rate = np.log(5000 / 50) / 10
    phase = 2 * np.pi * 50 * (np.exp(rate * times) - 1) / rate
    level = np.minimum(1, np.minimum(times, times[-1] - times) / 0.02)
    return _finish(level * np.sin(phase), 50 * np.exp(rate * times), level)


def silence(rng: np.random.Generator):
    """Four seconds of digital zeros."""
    return np.zeros(4 * SAMPLE_RATE_HZ), None


def noise(rng: np.random.Generator):
    """White noise that swells and fades twice, the second time stopping at its loudest; then silence."""
    points = ((0.0, -50.0), (2.5, 0.0), (4.5, -40.0), (7.0, 0.0))
    samples = round(8 * SAMPLE_RATE_HZ)
    level = 10 ** (np.interp(_times(samples), *zip(*points, strict=True)) / 20)
    level[round(points[-1][0] * SAMPLE_RATE_HZ) :] = 0.0
    return _normalized(level * rng.standard_normal(samples)), None


def speech(rng: np.random.Generator):
    """Three sentences of a speaker: vowels whose pitch falls from 160 to 90 Hz, hisses, bursts and pauses."""
    parts = [_sentence(rng, syllables) for syllables in SENTENCES]
    pause = np.zeros((3, round(PAUSE_SECONDS * SAMPLE_RATE_HZ)))
    audio, f0_hz, level = np.concatenate([piece for part in parts for piece in (pause, part)] + [pause], axis=1)
    return _finish(audio, f0_hz, level)


INPUTS = {
    "flute": flute, "voice": voice, "glide": glide, "drums": drums, "sweep": sweep, "silence": silence,
    "noise": noise, "speech": speech,
}  # fmt: skip
"""Makers by name. A new one goes to the end, where it changes nobody else's seed."""


def _tune(rng: np.random.Generator, style: Style, centre_midi: float, lowest_midi: int, highest_midi: int):
    """Two phrases with a rest between them: f0 in Hz and level from 0 to 1, both of shape (samples,)."""
    points = round(TUNE_SECONDS[-1] * POINTS_PER_SECOND) + 1
    f0_hz, level = np.zeros(points), np.zeros(points)
    for begin, end in zip(TUNE_SECONDS[0:4:2], TUNE_SECONDS[1:4:2], strict=True):
        start, stop = round(begin * POINTS_PER_SECOND), round(end * POINTS_PER_SECOND)
        notes = improvise(rng, style, centre_midi, stop - start, lowest_midi, highest_midi)
        f0_hz[start:stop] = finger_f0_hz(rng, notes, stop - start)
        level[start:stop] = _breaths(rng, notes, stop - start)
    sounding = np.flatnonzero(f0_hz)
    f0_hz = np.exp(np.interp(np.arange(points), sounding, np.log(f0_hz[sounding])))
    at = np.arange((points - 1) * SAMPLE_RATE_HZ // POINTS_PER_SECOND) * (POINTS_PER_SECOND / SAMPLE_RATE_HZ)
    return np.interp(at, np.arange(points), f0_hz), np.interp(at, np.arange(points), level)


def _breaths(rng: np.random.Generator, notes: list[Note], points: int) -> np.ndarray:
    """Level from 0 to 1: a new breath or consonant at every note that is not slurred."""
    level = np.zeros(points)
    for note in notes:
        level[note.start : note.stop] = rng.uniform(0.5, 1.0)
        if not note.slurred:
            level[note.start : note.start + 40] = 0.0
    level[-60:] = 0.0
    return np.clip(gaussian_filter1d(level, 18.0, mode="constant"), 0, 1)


def _sentence(rng: np.random.Generator, syllables: tuple[tuple[str, int], ...]) -> np.ndarray:
    """Audio, f0 in Hz and the voice's level from 0 to 1 of syllables (consonant, vowel), shape (3, samples)."""
    voiced: list[np.ndarray] = []
    vowels: list[np.ndarray] = []
    noises: list[np.ndarray] = []
    for consonant, vowel in syllables:
        hiss = _consonant(rng, consonant)
        samples = round(rng.uniform(0.22, 0.34) * SAMPLE_RATE_HZ)
        voiced += [np.zeros(len(hiss)), np.full(samples, rng.uniform(0.6, 1.0))]
        vowels.append(np.full(len(hiss) + samples, vowel))
        noises += [hiss, np.zeros(samples)]
    level = gaussian_filter1d(np.concatenate(voiced), 0.008 * SAMPLE_RATE_HZ, mode="constant", truncate=3.0)
    samples = len(level)
    # Formants move slowly: they are smoothed in steps of a millisecond, which is far quicker.
    every, steps = np.arange(samples), np.arange(0, samples, SAMPLE_RATE_HZ // 1000)
    targets = np.array(VOWEL_FORMANTS_HZ, dtype=float)[np.concatenate(vowels)[steps]].T
    formants = [np.interp(every, steps, track) for track in gaussian_filter1d(targets, 30.0, axis=1)]
    formants += [np.full(samples, float(upper)) for upper in UPPER_FORMANTS_HZ]
    # The pitch falls over the sentence, with a small rise and fall on every syllable.
    highest, lowest = SPOKEN_RANGE_HZ
    fall = np.linspace(0.05, 0.95, samples) - 0.05 * np.sin(2 * np.pi * len(syllables) * np.linspace(0, 1, samples))
    f0_hz = highest * (lowest / highest) ** np.clip(fall, 0, 1)
    partials = []
    for number in range(1, int(HIGHEST_SPOKEN_PARTIAL_HZ / lowest) + 1):
        partials.append(level * number**-2.0 * _formant_gain(number * f0_hz, formants) * (number * f0_hz))
    tone = _add_partials(f0_hz, partials)
    return np.stack([tone / np.std(tone) + np.concatenate(noises), f0_hz, level])


def _consonant(rng: np.random.Generator, name: str) -> np.ndarray:
    """A hiss, or a silence and a burst, beside vowels of level 1; nothing for no consonant."""
    if name in FRICATIVES:
        low_hz, high_hz, gain = FRICATIVES[name]
        samples = round(rng.uniform(0.11, 0.17) * SAMPLE_RATE_HZ)
        level = np.sin(np.pi * _times(samples) * SAMPLE_RATE_HZ / samples) ** 0.5
    elif name in PLOSIVES:
        low_hz, high_hz, gain = PLOSIVES[name]
        samples = round(0.12 * SAMPLE_RATE_HZ)
        since = _times(samples) - 0.07
        level = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 0.012), 0.0)
    else:
        return np.zeros(0)
    hiss = sosfilt(_band(low_hz, high_hz), rng.standard_normal(samples))
    return gain * level * hiss / np.std(hiss)


def _add_partials(f0_hz: np.ndarray, amplitudes: list[np.ndarray]) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    audio = np.zeros(len(f0_hz))
    for number, amplitude in enumerate(amplitudes, start=1):
        audible = np.clip((HIGHEST_PARTIAL_HZ - number * f0_hz) / 1000, 0, 1)
        audio += audible * amplitude * np.sin(number * phase)
    return audio


def _formant_gain(frequency_hz: np.ndarray, formants_hz: list[np.ndarray]) -> np.ndarray:
    """Product of resonances with unit gain at 0 Hz (Fant 1960, "Acoustic Theory of Speech Production")."""
    gain = np.ones(len(frequency_hz))
    for formant_hz, width_hz in zip(formants_hz, FORMANT_WIDTHS_HZ, strict=True):
        apart = (formant_hz**2 - frequency_hz**2) ** 2 + (frequency_hz * width_hz) ** 2
        gain *= formant_hz**2 / np.sqrt(apart)
    return gain + HIGH_FORMANTS_GAIN


def _finish(audio: np.ndarray, f0_hz: np.ndarray, level: np.ndarray):
    step = round(TRUTH_HOP_SECONDS * SAMPLE_RATE_HZ)
    return _normalized(audio), np.where(level[::step] > 0.01, f0_hz[::step], 0.0)


def _normalized(audio: np.ndarray) -> np.ndarray:
    loudness = pyloudnorm.Meter(SAMPLE_RATE_HZ).integrated_loudness(audio)
    gain = 10 ** ((TARGET_LUFS - loudness) / 20)
    return audio * min(gain, LARGEST_PEAK / np.max(np.abs(audio)))


def _times(samples: int) -> np.ndarray:
    return np.arange(samples) / SAMPLE_RATE_HZ


def _band(low_hz: float, high_hz: float) -> np.ndarray:
    return butter(2, (low_hz, high_hz), "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
