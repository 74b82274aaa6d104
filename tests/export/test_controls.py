"""The controls of an exported DDSP model, turned while it plays."""

import numpy as np
import pytest
import torch

from timbre.export.effect import StreamingEffect

HOP, RATE = 128, 16000


@pytest.fixture(scope="module")
def effect(tiny_network):
    return torch.jit.script(StreamingEffect(tiny_network(reverb_seconds=0.1)).eval())


@pytest.fixture(scope="module")
def tone(harmonic_tone) -> torch.Tensor:
    return torch.from_numpy(harmonic_tone(300.0, 3.0, RATE))[None, None]


def neutral(effect) -> None:
    for name in effect.control_names:
        effect.set_control(name, 1.0 if name == "reverb_mix" else 0.0 if name != "gate_dbfs" else -100.0)
    effect.reset()


def play(effect, audio: torch.Tensor, changes: dict[int, dict[str, float]], block: int) -> np.ndarray:
    """Output with controls set before the given samples, which are multiples of the block."""
    pieces = []
    for at in range(0, audio.shape[2], block):
        for name, value in changes.get(at, {}).items():
            effect.set_control(name, value)
        pieces.append(effect(audio[:, :, at : at + block]))
    return torch.cat(pieces, dim=2)[0, 0].numpy()


def level_db(audio: np.ndarray) -> float:
    return 10 * np.log10(np.square(audio).mean() + 1e-20)


def pitch_hz(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18))
    peaks = np.flatnonzero(spectrum > 0.3 * spectrum.max())
    return peaks[0] * RATE / (1 << 18)


def test_values_are_kept_within_their_limits_and_survive_a_reset(effect):
    neutral(effect)
    effect.set_control("pitch_shift_semitones", 1000.0)
    effect.reset()
    assert effect.get_control("pitch_shift_semitones") == 48.0
    neutral(effect)
    assert effect.get_control("pitch_shift_semitones") == 0.0


def test_a_value_that_is_no_number_is_refused(effect):
    neutral(effect)
    with pytest.raises(torch.jit.Error, match="must be a number"):
        effect.set_control("pitch_shift_semitones", float("nan"))
    assert effect.get_control("pitch_shift_semitones") == 0.0


def test_an_unknown_control_is_refused_and_the_known_are_named(effect):
    with pytest.raises(torch.jit.Error, match="pitch_shift_semitones"):
        effect.set_control("pitch", 1.0)
    with pytest.raises(torch.jit.Error, match="reverb_mix"):
        effect.get_control("")


def test_pitch_shift_shifts_the_pitch(effect, tone):
    neutral(effect)
    changes = {24064: {"pitch_shift_semitones": 7.0}}
    played = play(effect, tone, changes, HOP)
    before, after = pitch_hz(played[12000:24000]), pitch_hz(played[32000:])
    assert 12 * np.log2(after / before) == pytest.approx(7.0, abs=0.1)


def test_balance_takes_either_part_away(effect, tone):
    parts = {}
    for balance in (-1.0, 0.0, 1.0):
        neutral(effect)
        effect.set_control("reverb_mix", 0.0)
        parts[balance] = play(effect, tone, {0: {"harmonic_noise_balance": balance}}, HOP)[8000:]
    assert np.abs(parts[-1.0] + parts[1.0] - parts[0.0]).max() < 1e-5
    assert level_db(parts[1.0]) > level_db(parts[-1.0]) + 10


def test_loudness_offset_makes_it_louder_by_as_much(effect, tone):
    levels = []
    for offset_db in (-12.0, 0.0):
        neutral(effect)
        levels.append(level_db(play(effect, tone, {0: {"loudness_offset_db": offset_db}}, HOP)[8000:]))
    assert levels[1] - levels[0] == pytest.approx(12.0, abs=1.5)


def test_a_dry_mix_has_no_room(effect, tone):
    neutral(effect)
    wet = play(effect, tone, {}, HOP)
    neutral(effect)
    dry = play(effect, tone, {0: {"reverb_mix": 0.0}}, HOP)
    neutral(effect)
    double = play(effect, tone, {0: {"reverb_mix": 2.0}}, HOP)
    assert np.abs(wet - dry).max() > 1e-4
    assert (double - dry)[4000:] == pytest.approx(2.0 * (wet - dry)[4000:], abs=1e-5)


TURNS = [
    ("pitch_shift_semitones", 5.0),
    ("harmonic_noise_balance", -1.0),
    ("reverb_mix", 0.0),
    ("loudness_offset_db", -20.0),
    ("input_gain_db", -20.0),
    ("gate_dbfs", -10.0),
    ("loudness_match", 1.0),
    ("octave_match", 1.0),
]


@pytest.mark.parametrize(("name", "value"), TURNS)
def test_a_turned_knob_does_not_click(effect, name, value):
    # A pure low tone: what is rougher while the knob is turned than before and after is a click.
    time = np.arange(4 * RATE) / RATE
    audio = torch.tensor(0.1 * np.sin(2 * np.pi * 150 * time), dtype=torch.float32)[None, None]
    neutral(effect)
    effect.set_control("harmonic_noise_balance", 1.0)
    turned = 24064
    rough = np.abs(np.diff(play(effect, audio, {turned: {name: value}}, HOP), 3))
    steady = max(rough[turned - 64 * HOP : turned - 4 * HOP].max(), rough[-64 * HOP :].max())
    assert rough[turned - 4 * HOP : -64 * HOP].max() < 1.5 * steady + 1e-5


def test_any_blocks_play_the_same_while_knobs_are_turned(effect, tone, snr_db):
    changes = {
        8 * HOP: {"pitch_shift_semitones": 4.0, "loudness_match": 1.0},
        96 * HOP: {"harmonic_noise_balance": -0.5, "reverb_mix": 0.2},
        200 * HOP: {"octave_match": 1.0, "gate_dbfs": -40.0, "input_gain_db": 6.0, "loudness_offset_db": -6.0},
    }
    runs = []
    for block in (HOP, 4 * HOP, 8 * HOP):
        neutral(effect)
        runs.append(play(effect, tone, changes, block))
    assert snr_db(runs[0], runs[1]) > 100
    assert snr_db(runs[0], runs[2]) > 100
