"""Augmentation against scipy's filters and by what must stay as it was."""

import math
from typing import get_args

import numpy as np
import pytest
import scipy.signal
import scipy.stats
import torch

from timbre.dsp.augmentation import (
    augment,
    dequantisation_noise,
    pitch_input_samples,
    random_all_pass,
    random_compression,
    random_gain,
    random_mute,
    random_pitch,
)
from timbre.dsp.chance import Chance
from timbre.params import RaveSize

NAMES = ("phase", "gain", "mute", "compress", "pitch", "dequantise")
PLAIN = (random_all_pass, random_gain, random_mute, random_compression)


def chance(items: int, seed: int = 0) -> Chance:
    return Chance([10_000 * seed + item for item in range(items)])


def noise(*shape: int, level: float = 0.1) -> torch.Tensor:
    return level * torch.randn(*shape, generator=torch.Generator().manual_seed(99))


def rms(audio: torch.Tensor) -> torch.Tensor:
    return audio.square().mean(dim=(1, 2)).sqrt()


def draws(items: int, low: float, high: float, sections: int = 1) -> np.ndarray:
    return low + (high - low) * chance(items).uniform(sections).numpy().astype("f8")


@pytest.mark.parametrize("change", PLAIN)
def test_channels_are_changed_alike_and_items_each_in_their_own_way(change):
    mono = noise(1, 1, 4000)
    changed = change(mono.expand(40, 2, -1), chance(40))
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert not all(torch.equal(item, changed[0]) for item in changed)


@pytest.mark.parametrize("names", [[name] for name in NAMES] + [list(NAMES)])
def test_the_generator_is_the_only_source_of_chance(names):
    audio = noise(3, 2, pitch_input_samples(4096) if "pitch" in names else 4096)
    before = torch.get_rng_state()
    first, again, other = (augment(audio, names, 4096, chance(3, seed)) for seed in (1, 1, 3))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.shape == (3, 2, 4096) and first.dtype == torch.float32
    assert torch.equal(first, again)
    assert not torch.equal(first, other) or names == ["mute"]


def test_phase_is_that_of_scipys_all_pass_sections(snr_db):
    audio = noise(6, 1, 3000)
    changed = random_all_pass(audio, chance(len(audio)))
    lowest, highest = math.log(20.0 / 44100.0), math.log(2000.0 / 44100.0)
    for item, got, logs in zip(audio, changed, draws(6, lowest, highest, sections=2), strict=True):
        wanted = item.numpy().astype("f8")
        for angle in 2.0 * np.pi * np.exp(logs):
            pole = np.array([1.0, -2.0 * 0.99 * np.cos(angle), 0.99**2])
            wanted = scipy.signal.lfilter(pole[::-1], pole, wanted)
        assert snr_db(wanted, got.numpy()) > 100


def test_phase_leaves_all_magnitudes():
    impulse = torch.zeros(8, 1, 8192)
    impulse[..., 0] = 1.0
    magnitudes = torch.fft.rfft(random_all_pass(impulse, chance(8))).abs()
    assert torch.allclose(magnitudes, torch.ones_like(magnitudes), atol=1e-4)


def test_gain_is_the_one_drawn():
    audio = noise(50, 1, 1000)
    gain_db = 20.0 * torch.log10(rms(random_gain(audio, chance(len(audio)))) / rms(audio))
    assert gain_db.numpy() == pytest.approx(draws(50, -6.0, 3.0).ravel(), abs=1e-4)


def test_gain_never_lifts_a_peak_over_full_scale():
    audio = noise(50, 1, 1000)
    audio = audio / audio.abs().amax() * 0.95
    assert random_gain(audio, chance(len(audio))).abs().amax() <= 1.0 + 1e-6
    assert random_gain(2.0 * audio, chance(len(audio))).abs().amax() <= 1.9 + 1e-6


def test_one_item_in_ten_is_silenced_the_others_are_left():
    audio = noise(5000, 1, 8)
    muted = random_mute(audio, chance(len(audio)))
    silent = muted.abs().amax(dim=(1, 2)) == 0.0
    assert float(silent.float().mean()) == pytest.approx(0.1, abs=0.015)
    assert torch.equal(muted[~silent], audio[~silent])


def level_range_db(audio: torch.Tensor) -> torch.Tensor:
    levels = 20.0 * torch.log10(audio.unfold(2, 2048, 2048).square().mean(dim=(1, 3)).sqrt())
    return levels.amax(dim=1) - levels.amin(dim=1)


def test_compression_narrows_dynamics_at_the_same_level_and_turns_no_sign():
    swell = torch.linspace(-40.0, 0.0, 32768).mul(math.log(10.0) / 20.0).exp()
    audio = noise(20, 2, 32768) * swell
    changed = random_compression(audio, chance(len(audio)))
    crests = [signal.abs().amax(dim=(1, 2)) / rms(signal) for signal in (audio, changed)]
    assert (crests[1] < crests[0]).all()
    narrowed = level_range_db(audio) - level_range_db(changed)
    assert (narrowed > 2.0).all() and (narrowed < 30.0 * 0.75 + 1.0).all()
    assert rms(changed).numpy() == pytest.approx(rms(audio).numpy(), rel=1e-4)
    assert torch.equal(changed.sign(), audio.sign())


def test_compression_is_the_curve_of_its_threshold_and_ratio():
    # Four steps of 10 dB, each longer than the window of the level.
    steps_db = torch.tensor([-30.0, -20.0, -10.0, 0.0]).repeat_interleave(8192)
    tone = 0.5 * torch.sin(torch.arange(32768) * (2.0 * math.pi / 64.0)) * 10.0 ** (steps_db / 20.0)
    changed = random_compression(tone.expand(5, 1, -1), chance(5)).reshape(5, 4, 8192)[:, :, 2048:6144]
    got_db = 20.0 * torch.log10(changed.square().mean(dim=2).sqrt()).numpy()
    both = draws(5, 0.0, 1.0, sections=2)
    ratio, threshold_db = 1.5 + 2.5 * both[:, :1], -30.0 + 20.0 * both[:, 1:]
    level_db = np.array([[-30.0, -20.0, -10.0, 0.0]])
    wanted_db = level_db - np.maximum(0.0, level_db - threshold_db) * (1.0 - 1.0 / ratio)
    assert np.diff(got_db) == pytest.approx(np.diff(wanted_db), abs=0.01)


def test_compression_never_lifts_a_peak_over_full_scale():
    audio = noise(20, 1, 16384)
    audio[..., 8192:] *= 0.01
    audio[..., 12000] = 0.99
    assert random_compression(audio, chance(len(audio))).abs().amax() <= 1.0 + 1e-6


def test_silence_stays_silence():
    silence = torch.zeros(4, 1, 4096)
    for change in PLAIN:
        assert torch.equal(change(silence, chance(4)), silence)


@pytest.mark.parametrize("most_semitones", (0.0, 2.0, 12.0))
def test_a_tone_moves_by_the_interval_drawn(most_semitones):
    samples, cycles = 16384, 0.01
    time = torch.arange(pitch_input_samples(samples, most_semitones), dtype=torch.float64)
    tone = torch.sin(2.0 * math.pi * cycles * time).to(torch.float32).expand(6, 1, -1)
    changed = random_pitch(tone, samples, chance(6), most_semitones)
    assert changed.shape == (6, 1, samples)
    spectrum = np.abs(np.fft.rfft(changed[:, 0].numpy() * np.hanning(samples), n=16 * samples))
    got_semitones = 12.0 * np.log2(spectrum.argmax(axis=1) / (16 * samples) / cycles)
    assert got_semitones == pytest.approx(draws(6, -most_semitones, most_semitones).ravel(), abs=0.01)


@pytest.mark.parametrize("cycles", (0.001, 0.1, 0.4))
def test_another_speed_reads_the_very_sound_between_its_samples(cycles, snr_db):
    samples, shift = 4000, draws(5, -2.0, 2.0).ravel()
    given = np.arange(pitch_input_samples(samples))
    tone = torch.tensor(np.sin(2.0 * np.pi * cycles * given), dtype=torch.float32)
    changed = random_pitch(tone.expand(5, 2, -1), samples, chance(5))
    for item, semitones in zip(changed, shift, strict=True):
        read = 2 * round((samples + 512) * 2.0 ** (semitones / 12.0) / 2.0)
        place = (len(given) - read) // 2 + (np.arange(samples) + 256) * read / (samples + 512)
        assert snr_db(np.sin(2.0 * np.pi * cycles * place), item[0].numpy()) > 80
        assert torch.equal(item[0], item[1])


def test_what_would_alias_is_left_out():
    tone = torch.sin(2.0 * math.pi * 0.49 * torch.arange(pitch_input_samples(4000, 12.0))).expand(20, 1, -1)
    changed = random_pitch(tone, 4000, chance(20), 12.0)
    up = draws(20, -12.0, 12.0).ravel() > 1.0
    assert up.any() and rms(changed)[torch.tensor(up)].amax() < 1e-3


def test_noise_of_rounding_is_symmetric_uniform_and_within_half_a_step():
    drawn = dequantisation_noise(torch.zeros(4, 2, 100_000), chance(4)).numpy().ravel() * 32767.0
    assert np.abs(drawn).max() <= 0.5
    assert abs(drawn.mean()) < 4.0 * np.sqrt(1 / 12 / drawn.size)
    assert scipy.stats.kstest(drawn[::8], "uniform", (-0.5, 1.0)).pvalue > 1e-3
    assert abs(np.corrcoef(drawn.reshape(4, 2, -1)[0])[0, 1]) < 0.02


@pytest.mark.parametrize(
    ("name", "share"), (("phase", 0.8), ("gain", 0.5), ("mute", 0.1), ("compress", 0.8), ("dequantise", 1.0))
)
def test_as_many_items_are_changed_as_is_said(name, share):
    swell = torch.linspace(0.01, 1.0, 2048)
    audio = (noise(1, 1, 2048) * swell).expand(1500, 1, -1)
    changed = (augment(audio, [name], 2048, chance(len(audio))) != audio).any(dim=2).any(dim=1)
    assert float(changed.float().mean()) == pytest.approx(share, abs=0.04)


def test_items_whose_pitch_is_left_keep_the_middle_of_the_input():
    audio = noise(40, 1, pitch_input_samples(512))
    first = (audio.shape[-1] - 512) // 2
    same = (augment(audio, ["pitch"], 512, chance(len(audio))) == audio[..., first : first + 512]).all(dim=2)
    assert 10 < int(same.sum()) < 30


def test_silenced_items_are_exactly_silent_whatever_else_is_done():
    audio = noise(40, 1, pitch_input_samples(512))
    changed = augment(audio, list(NAMES), 512, chance(len(audio)))
    assert (changed.abs().amax(dim=(1, 2)) == 0.0).any()


def test_no_names_change_nothing():
    audio = noise(2, 1, 100)
    assert augment(audio, [], 100, chance(len(audio))) is audio


def test_every_name_of_a_preset_is_known():
    legal = get_args(get_args(RaveSize.model_fields["augmentations"].annotation)[0])
    assert sorted(legal) == sorted(NAMES)
