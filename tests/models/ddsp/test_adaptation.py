"""The adaptation of an input: neutral, gate, pitch held."""

import numpy as np
import pytest
import torch

from timbre.models.ddsp.adaptation import Adaptation
from timbre.models.ddsp.controls import LEVEL_CONTROLS, PITCH_CONTROLS, Glide

STATISTICS = {"f0_hz": [150.0, 190.0, 220.0, 300.0, 400.0], "loudness_db": [-45.0, -33.0, -27.0, -22.0, -17.0]}
CONTROLS = LEVEL_CONTROLS + PITCH_CONTROLS


def settings(**changes: float) -> torch.Tensor:
    return torch.tensor([changes.get(control.name, control.neutral) for control in CONTROLS])


def adapt(features: list[np.ndarray], values: torch.Tensor) -> list[np.ndarray]:
    adaptation = Adaptation(STATISTICS, 93.75, 300.0)
    given = [torch.tensor(feature).float()[None] for feature in features]
    frames = values.expand(1, len(features[0]), -1) if values.dim() == 1 else values[None]
    return [feature[0].numpy() for feature in adaptation.step(given, frames, adaptation.initial_state(1))[0]]


def some_features(frames: int = 200) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    f0_hz = 440.0 * 2 ** draw.normal(0, 1, frames)
    voiced = (draw.uniform(size=frames) > 0.3).astype("f4")
    loudness_db = draw.uniform(-99, -3, frames)
    loudness_db[:5], f0_hz[:5] = -100.0, 300.0
    voiced[loudness_db == -100.0] = 0.0
    return [f0_hz.astype("f4"), voiced, loudness_db.astype("f4")]


def test_neutral_settings_change_not_a_bit():
    features = some_features()
    for given, got in zip(features, adapt(features, settings()), strict=True):
        assert np.array_equal(given, got)


@pytest.mark.parametrize("name", [control.name for control in CONTROLS if control.neutral != control.default])
def test_every_adaptation_changes_something_by_default(name):
    control = next(control for control in CONTROLS if control.name == name)
    features = some_features()
    got = adapt(features, settings(**{name: control.default}))
    assert any(not np.array_equal(a, b) for a, b in zip(features, got, strict=True))


def test_silence_stays_silence_whatever_is_set():
    features = [np.full(50, 300.0), np.zeros(50), np.full(50, -100.0)]
    got = adapt(features, settings(input_gain_db=40.0, loudness_match=1.0, loudness_offset_db=40.0))
    assert (got[2] == -100.0).all()


def test_the_gate_opens_at_its_threshold_and_closes_6_db_under_it():
    loudness_db = np.array([-55.0, -45.0, -39.0, -45.0, -45.9, -46.1, -45.0, -40.0, -60.0])
    features = [np.full(9, 300.0), np.ones(9), loudness_db]
    _, voiced, level = adapt(features, settings(gate_dbfs=-40.0))
    wanted = np.array([0, 0, 1, 1, 1, 0, 0, 1, 0], dtype=bool)
    assert ((level > -100.0) == wanted).all()
    assert (voiced > 0.5).tolist() == wanted.tolist()
    assert np.array_equal(level[wanted], loudness_db[wanted].astype("f4"))


def test_the_pitch_is_held_while_the_gate_is_shut():
    f0_hz = np.array([700.0, 300.0, 310.0, 900.0, 1900.0, 80.0, 320.0])
    loudness_db = np.array([-90.0, -30.0, -30.0, -90.0, -90.0, -90.0, -30.0])
    got, _, _ = adapt([f0_hz, np.ones(7), loudness_db], settings(gate_dbfs=-60.0))
    # Before it first opens, the pitch is what the extractor begins with.
    assert got.tolist() == [300.0, 300.0, 310.0, 310.0, 310.0, 310.0, 320.0]


def test_gain_counts_before_the_gate_and_offset_after_it():
    features = [np.full(20, 300.0), np.ones(20), np.full(20, -50.0)]
    assert (adapt(features, settings(gate_dbfs=-40.0, input_gain_db=12.0))[2] == -38.0).all()
    assert (adapt(features, settings(gate_dbfs=-40.0, loudness_offset_db=12.0))[2] == -100.0).all()
    assert (adapt(features, settings(loudness_offset_db=12.0))[2] == -38.0).all()


@pytest.mark.parametrize("semitones", (-12.0, 0.0, 7.0))
def test_pitch_shift_is_by_semitones(semitones):
    f0_hz, _, _ = adapt(some_features(), settings(pitch_shift_semitones=semitones))
    assert 12 * np.log2(f0_hz / some_features()[0]) == pytest.approx(semitones, abs=1e-4)


@pytest.mark.parametrize("semitones", [-13.0, 0.3, 7.0])
def test_a_frame_alone_is_shifted_to_the_bit_as_among_many(semitones):
    # The phase sums up pitches: a difference in the last bit would grow as long as the stream runs.
    features, values = some_features(), settings(pitch_shift_semitones=semitones)
    alone = [adapt([feature[frame : frame + 1] for feature in features], values)[0] for frame in range(20)]
    gated = [feature[:20] for feature in features]
    assert np.array_equal(adapt(gated, values)[0], np.concatenate(alone))


def test_octave_match_moves_whole_octaves_towards_the_recordings():
    features = [np.full(60, 1600.0), np.ones(60), np.full(60, -20.0)]
    assert adapt(features, settings(octave_match=1.0))[0] == pytest.approx(400.0, rel=1e-5)


def test_any_blocks_equal_the_whole(random_blocks):
    adaptation, features = Adaptation(STATISTICS, 93.75, 300.0), [torch.tensor(f)[None] for f in some_features(300)]
    values = torch.tensor([control.default for control in CONTROLS]).expand(1, 300, -1)
    whole, _ = adaptation.step(features, values, adaptation.initial_state(1))
    state, pieces, at = adaptation.initial_state(1), [], 0
    for size in random_blocks(300, 0):
        part = slice(at, at + size)
        y, state = adaptation.step([feature[:, part] for feature in features], values[:, part], state)
        pieces.append(y)
        at += size
    for index in range(3):
        assert torch.allclose(whole[index], torch.cat([piece[index] for piece in pieces], dim=1), rtol=1e-5, atol=1e-4)


def test_settings_glide_and_the_first_frame_takes_them_as_they_are(random_blocks):
    glide = Glide(93.75)
    first, state = glide.step(torch.tensor([1.0, -5.0]), 3, glide.initial_state(2, 2, torch.device("cpu")))
    assert torch.equal(first, torch.tensor([1.0, -5.0]).expand(2, 3, 2))
    whole, _ = glide.step(torch.tensor([2.0, 5.0]), 40, state)
    assert (whole[:, 1:] > whole[:, :-1]).all() or (whole[:, -1] == torch.tensor([2.0, 5.0])).all()
    assert whole[0, 0, 0] < 1.5 and whole[0, 7, 0] > 1.95
    pieces = []
    for size in random_blocks(40, 0):
        y, state = glide.step(torch.tensor([2.0, 5.0]), size, state)
        pieces.append(y)
    assert torch.allclose(whole, torch.cat(pieces, dim=1), atol=1e-5)
