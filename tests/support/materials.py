"""Clean recordings of many kinds, made in tests: what an audit must find no fault with, and faults are planted in."""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.signal import butter, lfilter, sosfilt, sosfiltfilt

from timbre.demo.takes import record_takes

RATE = 48000
# Takes of the bowed string cost hardly more by the batch.
BOWED_AT_ONCE = 4
SCALE = (0, 2, 3, 5, 7, 9, 10)
# Formants 1 to 5 in Hz of a, e, i, o, u (Peterson and Barney 1952) with two fixed ones above.
VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
FIXED_FORMANTS = (3500, 4500)
FORMANT_WIDTHS = (80, 100, 140, 220, 300)
CONSONANTS = ((4200, 11000), (2000, 7000), (1200, 12000), (400, 2000), (3000, 9000))


def bowed(seconds: float, seed: int) -> np.ndarray:
    """A take of the demo's bowed string, with rests; slow to make, so it is kept."""
    batch, place = divmod(seed, BOWED_AT_ONCE)
    return _bowed_takes(seconds, batch)[place].copy()


def plucked(seconds: float, seed: int) -> np.ndarray:
    """Melodies on one string that is damped by the next note, with rests of half a second (Karplus and Strong 1983)."""
    rng = np.random.default_rng([seed, 1])
    audio = np.zeros(_samples(seconds))
    at, degree = _samples(0.1), int(rng.integers(0, 14))
    while at < len(audio) - _samples(0.3):
        length = _samples(rng.choice([0.25, 0.5, 0.5, 0.75]))
        _put(audio, at, rng.uniform(0.5, 1.0) * _string(rng, _pitch_hz(degree), length))
        at += length + (_samples(0.5) if rng.random() < 0.2 else 0)
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, 16))
    return _recorded(audio, rng)


def drum(seconds: float, seed: int) -> np.ndarray:
    """A kit of kick, snare and hats at 90 to 130 beats per minute."""
    rng = np.random.default_rng([seed, 2])
    eighth = 30.0 / rng.uniform(90.0, 130.0)
    kick_hz, snare_hz = rng.uniform(42.0, 60.0), rng.uniform(160.0, 220.0)
    audio = np.zeros(_samples(seconds))
    for count, start in enumerate(np.arange(0.2, seconds - 0.35, eighth)):
        hits = [rng.uniform(0.15, 0.3) * _hat(rng, 0.12 if count % 8 == 7 else 0.03)]
        if count % 8 in (0, 3, 4):
            hits.append(_kick(kick_hz, 0.1))
        if count % 8 in (2, 6):
            hits.append(_snare(rng, snare_hz))
        for hit in hits:
            _put(audio, _samples(start), rng.uniform(0.7, 1.0) * hit)
    return _recorded(audio, rng)


def speech(seconds: float, seed: int) -> np.ndarray:
    """Sentences of a speaker with pauses: vowels whose pitch falls, hisses and bursts."""
    rng = np.random.default_rng([seed, 3])
    audio = np.zeros(_samples(seconds))
    high_hz = rng.uniform(120.0, 220.0)
    at = _samples(0.3)
    while at < len(audio) - _samples(0.6):
        syllables = int(rng.integers(3, 7))
        for number in range(syllables):
            if at > len(audio) - _samples(0.5):
                break
            consonant, vowel = int(rng.integers(0, 6)), int(rng.integers(0, 5))
            if consonant < len(CONSONANTS):
                hiss = _consonant(rng, consonant)
                _put(audio, at, 0.5 * hiss)
                at += len(hiss)
            f0_hz = high_hz * (1.0 - 0.4 * number / syllables)
            sung = _vowel(rng, VOWELS[vowel], f0_hz, rng.uniform(0.16, 0.3))
            _put(audio, at, rng.uniform(0.6, 1.0) * sung)
            at += len(sung) - _samples(0.02)
        at += _samples(rng.uniform(0.5, 0.9))
    return _recorded(audio, rng)


def noise(seconds: float, seed: int) -> np.ndarray:
    """Gusts of wind or breath, half a second to two seconds each, with pauses."""
    rng = np.random.default_rng([seed, 4])
    audio = np.zeros(_samples(seconds))
    at = _samples(0.3)
    while at < len(audio) - _samples(0.7):
        length = min(_samples(rng.uniform(0.5, 2.0)), len(audio) - at - _samples(0.3))
        low_hz = rng.uniform(150.0, 900.0)
        band = butter(1, (low_hz, low_hz * rng.uniform(4.0, 12.0)), "bandpass", fs=RATE, output="sos")
        flutter = 1.0 + 0.3 * np.interp(np.arange(length), np.arange(0, length + 2400, 2400), _draws(rng, length))
        gust = sosfilt(band, rng.standard_normal(length)) * flutter * np.sin(np.pi * np.arange(length) / length) ** 1.5
        _put(audio, at, rng.uniform(0.5, 1.0) * gust / np.max(np.abs(gust)))
        at += length + _samples(rng.uniform(0.4, 0.8))
    return _recorded(audio, rng)


def clarinet(seconds: float, seed: int) -> np.ndarray:
    """A dull reed: odd partials that fall by 18 dB an octave and end under 6 kHz, in a quiet room."""
    rng = np.random.default_rng([seed, 5])
    return _recorded(_tones(rng, seconds, _reed_levels, 0.15), rng)


def bass(seconds: float, seed: int) -> np.ndarray:
    """A bass of few partials straight from a synthesiser: nothing at all above them, and zeros between the notes."""
    rng = np.random.default_rng([seed, 6])
    return _levelled(_tones(rng, seconds, _bass_levels, 0.1, octave=-2), rng)


def kick(seconds: float, seed: int) -> np.ndarray:
    """A kick drum alone, twice in three seconds, in a quiet room."""
    rng = np.random.default_rng([seed, 7])
    audio = np.zeros(_samples(seconds))
    for start in np.arange(0.3, seconds - 0.7, 1.5):
        _put(audio, _samples(start), rng.uniform(0.8, 1.0) * _kick(rng.uniform(40.0, 65.0), 0.12))
    return _recorded(audio, rng)


def legato(seconds: float, seed: int) -> np.ndarray:
    """A singing line of twelve partials with vibrato and breath, without a pause from end to end."""
    rng = np.random.default_rng([seed, 8])
    samples = _samples(seconds)
    degrees = np.clip(np.cumsum(rng.integers(-2, 3, int(seconds / 0.6) + 2)) + 7, 0, 14)
    steps = np.log2([_pitch_hz(int(degree)) for degree in degrees])
    place = np.minimum((np.arange(samples) / _samples(0.6)).astype(int), len(steps) - 1)
    glide = sosfiltfilt(butter(1, 12.0, fs=RATE, output="sos"), steps[place])
    f0_hz = 2.0 ** (glide + 20 / 1200 * np.sin(2 * np.pi * 5.3 * np.arange(samples) / RATE))
    phase = 2.0 * np.pi * np.cumsum(f0_hz) / RATE
    audio = sum(np.sin(number * phase + number) / number**1.5 for number in range(1, 13))
    breath = sosfilt(butter(1, (800, 9000), "bandpass", fs=RATE, output="sos"), rng.standard_normal(samples))
    swell = 0.8 + 0.2 * np.sin(2.0 * np.pi * 0.3 * np.arange(samples) / RATE)
    edges = np.minimum(1.0, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / _samples(0.01))
    return _recorded(edges * swell * (audio + 0.02 * breath), rng)


Material = Callable[[float, int], np.ndarray]
# What faults are planted in. Each makes so many seconds at 48 kHz, [samples] float32, other ones for each seed: true
# peak under -3 dBFS, no offset, and in the pauses noise of -88 to -76 dBFS.
MATERIALS: dict[str, Material] = {"bowed": bowed, "plucked": plucked, "drum": drum, "speech": speech, "noise": noise}
# More clean sounds that look suspicious: dark ones, and one without pauses.
DARK: dict[str, Material] = {"clarinet": clarinet, "bass": bass, "kick": kick, "legato": legato}


@cache
def _bowed_takes(seconds: float, batch: int) -> list[np.ndarray]:
    seeds = range(batch * BOWED_AT_ONCE, (batch + 1) * BOWED_AT_ONCE)
    takes = record_takes([(seconds, np.random.SeedSequence([seed, 0])) for seed in seeds])
    return [_levelled(take.audio, np.random.default_rng([seed, 0])) for seed, take in zip(seeds, takes, strict=True)]


def _recorded(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The sound at some level before a microphone with noise of its own."""
    floor = 10.0 ** (rng.uniform(-88.0, -76.0) / 20.0) * rng.standard_normal(len(audio))
    return (_levelled(audio, rng) + floor).astype(np.float32)


def _levelled(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Without rumble, and at a peak of -9 to -4.5 dBFS."""
    audio = sosfilt(butter(2, 20.0, "highpass", fs=RATE, output="sos"), audio)
    return (10.0 ** (rng.uniform(-9.0, -4.5) / 20.0) * audio / np.max(np.abs(audio))).astype(np.float32)


def _samples(seconds: float) -> int:
    return round(seconds * RATE)


def _draws(rng: np.random.Generator, length: int) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, len(range(0, length + 2400, 2400)))


def _put(audio: np.ndarray, at: int, sound: np.ndarray) -> None:
    sound = sound[: len(audio) - at]
    audio[at : at + len(sound)] += sound


def _pitch_hz(degree: int) -> float:
    return 146.83 * 2.0 ** ((SCALE[degree % 7] + 12 * (degree // 7)) / 12.0)


def _string(rng: np.random.Generator, f0_hz: float, samples: int) -> np.ndarray:
    """One plucked note: a burst of noise that runs round a loop with a loss, a period at a time; ends damped."""
    delay = round(RATE / f0_hz)
    bright = rng.uniform(0.05, 0.15)
    loss = 10.0 ** (-3.0 / (rng.uniform(1.5, 3.0) * f0_hz))
    # Plucked at a fifth of the string, by a finger rather than a needle.
    burst = sosfilt(butter(1, rng.uniform(4000.0, 9000.0), fs=RATE, output="sos"), rng.uniform(-1.0, 1.0, delay))
    burst -= np.roll(burst, delay // 5)
    wave = np.zeros(samples + 3 * delay)
    wave[delay : 2 * delay] = burst - burst.mean()
    step = delay - 1
    for start in range(2 * delay, len(wave) - step, step):
        back = wave[start - delay - 1 : start - delay + step + 1]
        wave[start : start + step] = loss * (
            bright * (back[:step] + back[2 : step + 2]) + (1.0 - 2.0 * bright) * back[1 : step + 1]
        )
    wave = wave[delay : delay + samples]
    damped = min(samples, _samples(0.03))
    wave[samples - damped :] *= np.linspace(1.0, 0.0, damped)
    return wave


def _kick(f0_hz: float, decay_seconds: float) -> np.ndarray:
    times = np.arange(_samples(0.7)) / RATE
    cycles = f0_hz * times + 4.0 * (1.0 - np.exp(-times / 0.03))
    return np.sin(2.0 * np.pi * cycles) * np.exp(-times / decay_seconds) * np.minimum(times / 0.002, 1.0) * _end(times)


def _snare(rng: np.random.Generator, f0_hz: float) -> np.ndarray:
    times = np.arange(_samples(0.4)) / RATE
    rattle = sosfilt(butter(1, (900, 9000), "bandpass", fs=RATE, output="sos"), rng.standard_normal(len(times)))
    tone = np.sin(2.0 * np.pi * f0_hz * times)
    return 0.5 * _end(times) * (rattle * np.exp(-times / 0.06) + tone * np.exp(-times / 0.05))


def _hat(rng: np.random.Generator, decay_seconds: float) -> np.ndarray:
    times = np.arange(_samples(0.35)) / RATE
    high = butter(2, 7000, "highpass", fs=RATE, output="sos")
    return sosfilt(high, rng.standard_normal(len(times))) * np.exp(-times / decay_seconds) * _end(times)


def _end(times: np.ndarray) -> np.ndarray:
    """A fade over the last 0.15 s, so that no sound is cut off."""
    return np.minimum(1.0, (times[-1] - times) / 0.15)


def _vowel(rng: np.random.Generator, formants: tuple[int, ...], f0_hz: float, seconds: float) -> np.ndarray:
    """Pulses of a glottis, with breath, through resonances in a row (Fant 1960)."""
    samples = _samples(seconds)
    pitch = f0_hz * np.linspace(1.03, 0.97, samples)
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0) * RATE / f0_hz / 8.0
    wave = lfilter([1.0 - 0.97], [1.0, -0.97], pulses + 0.02 * rng.standard_normal(samples))
    for formant_hz, width_hz in zip((*formants, *FIXED_FORMANTS), FORMANT_WIDTHS, strict=True):
        radius, angle = np.exp(-np.pi * width_hz / RATE), 2.0 * np.pi * formant_hz / RATE
        poles = [1.0, -2.0 * radius * np.cos(angle), radius**2]
        # Part of the sound goes by each resonance, as through the many higher ones that are left out.
        wave = 0.97 * lfilter([sum(poles)], poles, wave) + 0.03 * wave
    fade = np.minimum(1.0, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / _samples(0.025))
    return 0.4 * fade * wave / np.std(wave) / 2.0


def _consonant(rng: np.random.Generator, number: int) -> np.ndarray:
    seconds = 0.13 if number < 3 else 0.09
    samples = _samples(seconds)
    times = np.arange(samples) / RATE
    band = butter(1, CONSONANTS[number], "bandpass", fs=RATE, output="sos")
    level = (
        np.sin(np.pi * times / seconds) if number < 3 else np.exp(-np.maximum(times - 0.05, 0) / 0.012) * (times > 0.05)
    )
    hiss = sosfilt(band, rng.standard_normal(samples))
    return 0.15 * level * hiss / np.std(hiss)


def _reed_levels(f0_hz: float) -> dict[int, float]:
    return {number: number**-3.0 for number in range(1, 40, 2) if number * f0_hz < 6000.0}


def _bass_levels(f0_hz: float) -> dict[int, float]:
    return {number: 0.4 ** (number - 1) for number in range(1, 9)}


def _tones(
    rng: np.random.Generator,
    seconds: float,
    levels: Callable[[float], dict[int, float]],
    rest_share: float,
    octave: int = 0,
) -> np.ndarray:
    """A melody of steady notes with partials of the given levels, some rests, and soft beginnings and ends."""
    audio = np.zeros(_samples(seconds))
    at, degree = _samples(0.2), int(rng.integers(3, 10))
    while at < len(audio) - _samples(0.4):
        length = min(_samples(rng.uniform(0.3, 0.9)), len(audio) - at)
        f0_hz = _pitch_hz(degree) * 2.0**octave
        times = np.arange(length) / RATE
        note = sum(
            level * np.sin(2.0 * np.pi * number * f0_hz * times + number) for number, level in levels(f0_hz).items()
        )
        fade = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / _samples(0.04))
        _put(audio, at, rng.uniform(0.5, 1.0) * note * (0.5 - 0.5 * np.cos(np.pi * fade)))
        at += length + (_samples(0.5) if rng.random() < rest_share else 0)
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, 14))
    return audio
