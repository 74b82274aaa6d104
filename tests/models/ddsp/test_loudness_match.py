"""The quantile map of loudness against numpy's quantiles."""

import numpy as np
import pytest
import torch

from timbre.models.ddsp.loudness_match import QUANTILES, LoudnessMatch

TARGET_DB = [-45.0, -33.0, -27.0, -22.0, -17.0]
FPS = 100.0


def matched(match: LoudnessMatch, loudness_db: np.ndarray, heard: np.ndarray | None = None) -> np.ndarray:
    level = torch.tensor(loudness_db, dtype=torch.float32)[None]
    counts = torch.ones_like(level) if heard is None else torch.tensor(heard, dtype=torch.float32)[None]
    return match.step(level, counts, match.initial_state(1))[0][0].numpy()


def played(draw: np.random.Generator, frames: int, target_db: list[float] = TARGET_DB) -> np.ndarray:
    """Loudness whose quantiles are the target's."""
    knots = [target_db[0] - 6.0, *target_db, target_db[-1] + 2.0]
    return np.interp(draw.uniform(size=frames), [0.0, *QUANTILES, 1.0], knots)


def test_at_first_an_input_is_taken_as_it_is():
    for level in (-60.0, -40.0, -27.0, -12.0, 0.0):
        assert matched(LoudnessMatch(TARGET_DB, FPS), np.array([level]))[0] == pytest.approx(level, abs=0.15)


def test_what_is_like_the_recordings_stays_as_it_is():
    loudness_db = played(np.random.default_rng(0), 6000)
    got = matched(LoudnessMatch(TARGET_DB, FPS), loudness_db)
    assert np.abs(got - loudness_db).max() < 3.0
    assert np.abs(got - loudness_db).mean() < 0.8


@pytest.mark.parametrize("shift_db", (-30.0, -12.0, 9.0))
def test_a_quiet_or_loud_input_comes_to_the_recordings_loudness(shift_db):
    loudness_db = played(np.random.default_rng(1), 15000)
    got = matched(LoudnessMatch(TARGET_DB, FPS), loudness_db + shift_db)
    assert np.median(got[-3000:]) == pytest.approx(TARGET_DB[2], abs=1.5)
    assert np.quantile(got[-3000:], QUANTILES) == pytest.approx(TARGET_DB, abs=4.0)
    # Half of the way is gone within eight seconds.
    assert abs(np.median(got[750:850]) - TARGET_DB[2]) < 0.5 * abs(shift_db) + 1.0


def test_dynamics_are_stretched_and_squeezed_by_half_at_most():
    match = LoudnessMatch(TARGET_DB, FPS)
    for factor, wanted in ((0.75, 1 / 0.75), (0.1, 1.5), (1.4, 1 / 1.4), (6.0, 1 / 1.5)):
        levels = torch.tensor(-30.0 + factor * (np.array(TARGET_DB) - TARGET_DB[2])).float()
        inner = torch.stack([levels[2], levels[2] + 0.1])[None, :, None]
        low, high = match.mapped(inner, levels.expand(1, 2, -1))[0]
        assert float(low) == pytest.approx(TARGET_DB[2], abs=1e-4)
        assert float(high - low) / 0.1 == pytest.approx(wanted, rel=0.01), factor


def test_louder_stays_louder():
    match = LoudnessMatch(TARGET_DB, FPS)
    levels = torch.tensor([-50.0, -49.0, -30.0, -29.9, -10.0]).expand(1, 500, -1)
    mapped = match.mapped(torch.linspace(-99, 5, 500)[None, :, None], levels)[0]
    assert (mapped[1:] > mapped[:-1]).all()


def test_quantiles_followed_are_numpys():
    match = LoudnessMatch(TARGET_DB, FPS)
    loudness_db = np.random.default_rng(3).normal(-35, 7, 20_000)
    _, state = match.step(torch.tensor(loudness_db).float()[None], torch.ones(1, 20_000), match.initial_state(1))
    assert state[0][0].numpy() == pytest.approx(np.quantile(loudness_db, QUANTILES), abs=1.0)


def test_what_is_not_heard_changes_nothing():
    match = LoudnessMatch(TARGET_DB, FPS)
    heard = np.zeros(300)
    state = match.initial_state(1)
    _, after = match.step(torch.full((1, 300), -80.0), torch.tensor(heard)[None].float(), state)
    assert torch.equal(after[0], state[0]) and torch.equal(after[1], state[1])


def test_any_blocks_equal_the_whole(random_blocks):
    match = LoudnessMatch(TARGET_DB, FPS)
    level = torch.tensor(played(np.random.default_rng(4), 400) - 15.0).float()[None]
    heard = (torch.arange(400)[None] % 7 > 1).float()
    whole, _ = match.step(level, heard, match.initial_state(1))
    state, pieces, at = match.initial_state(1), [], 0
    for size in random_blocks(400, 0):
        y, state = match.step(level[:, at : at + size], heard[:, at : at + size], state)
        pieces.append(y)
        at += size
    assert torch.allclose(whole, torch.cat(pieces, dim=1), atol=1e-4)


def test_without_statistics_nothing_is_mapped():
    loudness_db = np.linspace(-90, 0, 50).astype("f4")
    assert np.array_equal(matched(LoudnessMatch(None, FPS), loudness_db), loudness_db)
