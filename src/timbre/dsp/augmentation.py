"""Changes to recordings by chance while a network is trained, so that it learns what they have in common.

All work on audio [batch, channels, samples], each item with numbers of its own, which its channels share. There is no
other source of them than the `Chance` given.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from timbre.dsp.chance import Chance, sent

# Which share of the items of a batch is changed; those of RAVE 2.3 (Caillon & Esling 2021 and later versions).
PHASE_PROBABILITY = 0.8
GAIN_PROBABILITY = 0.5
MUTE_PROBABILITY = 0.1
COMPRESS_PROBABILITY = 0.8
PITCH_PROBABILITY = 0.5

# Two all-pass sections of RAVE's kind, tuned by chance from 20 Hz to 2 kHz at 44.1 kHz, here as cycles a sample.
ALL_PASS_SECTIONS = 2
ALL_PASS_RADIUS = 0.99
ALL_PASS_LOWEST = 20.0 / 44100.0
ALL_PASS_HIGHEST = 2000.0 / 44100.0
# By then the response of the sections has died down to under 1e-6.
ALL_PASS_TAIL_SAMPLES = 2048

# RAVE's range: more room downwards, because recordings are normalised to near full scale.
GAIN_DB = (-6.0, 3.0)

# From hardly audible to that of a record: quiet notes and releases come up, attacks stay.
COMPRESSION_RATIO = (1.5, 4.0)
COMPRESSION_THRESHOLD_DB = (-30.0, -10.0)
ENVELOPE_SAMPLES = 1024
ENVELOPE_HOP_SAMPLES = 256

# Resonances move along with the pitch: much further, and it is another instrument.
PITCH_SEMITONES = 2.0
# On either side, faded, so that where the sound is cut off leaves no mark within.
PITCH_MARGIN_SAMPLES = 256

INT16_STEP = 1.0 / 32767.0


def augment(audio: Tensor, names: list[str], samples: int, chance: Chance) -> Tensor:
    """The changes named, each to some of the items: [batch, channels, samples].

    audio: `samples` long, or pitch_input_samples(samples) where "pitch" is among the names. Whatever the order of
    the names, it is this: "dequantise", which belongs to the stored samples; "pitch" and "compress", which belong to
    the playing; "phase" and "gain", to the recording; "mute" last, so that silence is just that.
    """
    if "dequantise" in names:
        audio = audio + dequantisation_noise(audio, chance)
    if "pitch" in names:
        first = (audio.shape[-1] - samples) // 2
        changed = random_pitch(audio, samples, chance)
        audio = _for_some(audio[..., first : first + samples], changed, PITCH_PROBABILITY, chance)
    if "compress" in names:
        audio = _for_some(audio, random_compression(audio, chance), COMPRESS_PROBABILITY, chance)
    if "phase" in names:
        audio = _for_some(audio, random_all_pass(audio, chance), PHASE_PROBABILITY, chance)
    if "gain" in names:
        audio = _for_some(audio, random_gain(audio, chance), GAIN_PROBABILITY, chance)
    if "mute" in names:
        audio = random_mute(audio, chance)
    return audio


def random_all_pass(audio: Tensor, chance: Chance) -> Tensor:
    """Another phase, the same magnitudes: two second-order all-pass sections, at rest before the first sample.

    A section is A(z) = z^-2 D(1/z) / D(z) with D(z) = (1 - p / z) (1 - p* / z) for a pole p = 0.99 exp(j w). Applied
    by its frequency response, over samples enough for it to die away.
    """
    samples = audio.shape[-1]
    padded = samples + ALL_PASS_TAIL_SAMPLES
    log_range = math.log(ALL_PASS_HIGHEST / ALL_PASS_LOWEST)
    above_lowest = _uniform(audio, chance, 0.0, log_range, sections=ALL_PASS_SECTIONS).to(torch.float64).exp()
    # Double precision: close to a low pole, D is the small difference of large numbers.
    cosine = torch.cos(2.0 * math.pi * ALL_PASS_LOWEST * above_lowest)
    turn = torch.arange(padded // 2 + 1, device=audio.device, dtype=torch.float64) * (2.0 * math.pi / padded)
    back = torch.polar(torch.ones_like(turn), -turn)
    denominators = 1.0 + back * (ALL_PASS_RADIUS**2 * back - 2.0 * ALL_PASS_RADIUS * cosine)
    denominator = denominators.prod(dim=1, keepdim=True)
    response = (denominator.conj() / denominator).to(torch.complex64)
    # The delay of two samples for each section, z^-2.
    response = response * torch.polar(torch.ones_like(turn), -2.0 * ALL_PASS_SECTIONS * turn).to(torch.complex64)
    return torch.fft.irfft(torch.fft.rfft(audio, n=padded) * response, n=padded)[..., :samples]


def random_gain(audio: Tensor, chance: Chance) -> Tensor:
    """Louder or softer by -6 to 3 dB, but not so loud that an item's peak comes over full scale."""
    gain = 10.0 ** (_uniform(audio, chance, *GAIN_DB) / 20.0)
    return audio * torch.minimum(gain, (1.0 / _peak(audio)).clamp(min=1.0))


def random_mute(audio: Tensor, chance: Chance) -> Tensor:
    """One item in ten silenced, so that silence is learnt as well."""
    return _for_some(audio, torch.zeros_like(audio), MUTE_PROBABILITY, chance)


def random_compression(audio: Tensor, chance: Chance) -> Tensor:
    """Less dynamic range at the same RMS level (or less, where the peak would come over full scale).

    Over a threshold, level grows by only 1 / ratio dB for each dB (Giannoulis, Massberg & Reiss 2012, "Digital dynamic
    range compressor design", hard knee). The threshold lies 30 to 10 dB under the loudest moment of an item, the ratio
    is 1.5 to 4; the level is the RMS of all channels over the 1024 samples around.
    """
    ratio = _uniform(audio, chance, *COMPRESSION_RATIO)
    threshold_db = _uniform(audio, chance, *COMPRESSION_THRESHOLD_DB)
    samples, hop = audio.shape[-1], ENVELOPE_HOP_SAMPLES
    power = nn.functional.pad(audio.square().mean(dim=1, keepdim=True), [0, -samples % hop])
    # As many frames as hops, and one: a frame lies at each end of each hop.
    half = ENVELOPE_SAMPLES // 2
    envelope = nn.functional.avg_pool1d(power, ENVELOPE_SAMPLES, hop, padding=half, count_include_pad=False)
    level_db = 10.0 * torch.log10(envelope.clamp(min=1e-12))
    over_db = (level_db - level_db.amax(dim=2, keepdim=True) - threshold_db).clamp(min=0.0)
    gain = 10.0 ** (over_db * (1.0 / ratio - 1.0) / 20.0)
    gain = nn.functional.interpolate(gain, size=power.shape[-1] + 1, mode="linear", align_corners=True)
    compressed = audio * gain[..., :samples]
    before, after = (signal.square().mean(dim=(1, 2), keepdim=True) for signal in (audio, compressed))
    room = _peak(audio).clamp(min=1.0) / _peak(compressed)
    return compressed * torch.minimum((before / after.clamp(min=1e-20)).sqrt(), room)


def pitch_input_samples(samples: int, most_semitones: float = PITCH_SEMITONES) -> int:
    """How many samples random_pitch needs to make `samples` of them."""
    return _source_samples(samples, 2.0 ** (most_semitones / 12.0))


def random_pitch(audio: Tensor, samples: int, chance: Chance, most_semitones: float = PITCH_SEMITONES) -> Tensor:
    """Higher or lower by up to so many semitones, faster or slower with it, like a tape.

    audio: [batch, channels, pitch_input_samples(samples, most_semitones)]. Returns: [batch, channels, samples], of the
    middle of it. Band-limited interpolation through the spectrum, between lengths in the ratio drawn; even ones, which
    puts it off by at most 1 / samples.
    """
    semitones = (most_semitones * (2.0 * chance.uniform() - 1.0)).tolist()
    changed = [_stretched(item, samples, 2.0 ** (shift / 12.0)) for item, shift in zip(audio, semitones, strict=True)]
    return torch.stack(changed)


def dequantisation_noise(audio: Tensor, chance: Chance) -> Tensor:
    """What rounding to 16 bits may have taken: noise uniform within half a step of 0, anew in each channel."""
    noise = chance.uniform(*audio.shape[1:]).sub_(0.5).mul_(INT16_STEP)
    return sent(noise.to(audio.dtype), audio.device)


def _uniform(audio: Tensor, chance: Chance, low: float, high: float, sections: int = 1) -> Tensor:
    """A number for each item, [batch, sections, 1]."""
    drawn = chance.uniform(sections, 1)
    return sent(low + (high - low) * drawn, audio.device)


def _peak(audio: Tensor) -> Tensor:
    """Largest magnitude of each item, [batch, 1, 1]."""
    return audio.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-9)


def _for_some(audio: Tensor, changed: Tensor, probability: float, chance: Chance) -> Tensor:
    return torch.where(_uniform(audio, chance, 0.0, 1.0) < probability, changed, audio)


def _source_samples(samples: int, ratio: float) -> int:
    """The even number of samples nearest to those read for an output with its margins."""
    return 2 * round((samples + 2 * PITCH_MARGIN_SAMPLES) * ratio / 2.0)


def _stretched(item: Tensor, samples: int, ratio: float) -> Tensor:
    """The middle of a sound, [channels, longer] -> [channels, samples], read `ratio` times as fast."""
    read, written = _source_samples(samples, ratio), samples + 2 * PITCH_MARGIN_SAMPLES
    first = (item.shape[-1] - read) // 2
    fade_samples = round(PITCH_MARGIN_SAMPLES * min(1.0, ratio))
    fade = torch.hann_window(2 * fade_samples, device=item.device)
    window = torch.ones(read, device=item.device)
    window[:fade_samples], window[-fade_samples:] = fade[:fade_samples], fade[fade_samples:]
    spectrum = torch.fft.rfft(item[:, first : first + read] * window)
    # Half the sample rate itself is left out, whichever of the two is lower.
    kept = spectrum[:, : min(read, written) // 2]
    whole = nn.functional.pad(kept, [0, written // 2 + 1 - kept.shape[-1]])
    stretched = torch.fft.irfft(whole, n=written) * (written / read)
    return stretched[:, PITCH_MARGIN_SAMPLES : PITCH_MARGIN_SAMPLES + samples]
