"""Sounds on disk, read back in parts."""

import numpy as np
import pytest
import soundfile

from timbre.evaluation.scratch import LARGEST_PEAK, Stored


@pytest.fixture
def sides(noise) -> np.ndarray:
    return np.stack([noise(2.0), noise(2.0, seed=1)])


def test_parts_of_what_came_in_pieces(tmp_path, sides):
    sound = Stored(tmp_path, np.split(sides, [5, 5, 20_000], axis=1), 2)
    assert sound.samples == sides.shape[1] and sound.peak == np.abs(sides).max()
    assert np.array_equal(sound.part(3, 25_000), sides[:, 3:25_000])
    assert np.array_equal(sound.part(31_000, 99_000), sides[:, 31_000:])
    assert np.array_equal(np.concatenate(list(sound.blocks()), axis=1), sides)


def test_a_loop_begins_again(tmp_path, sides):
    sound = Stored(tmp_path, [sides[:, :100]], 2)
    assert np.array_equal(sound.looped(130, 250), np.tile(sides[:, :100], 5)[:, 130:380])


def test_a_file_is_written_without_clipping(tmp_path, sides, rate):
    path = tmp_path / "a" / "x.flac"
    assert Stored(tmp_path, [sides], 2).write_flac(path, rate) == 0.0
    assert soundfile.read(path)[0].transpose() == pytest.approx(sides, abs=2**-23)
    loud = 10 * sides
    gain_db = Stored(tmp_path, [loud], 2).write_flac(path, rate)
    written = soundfile.read(path)[0].transpose()
    assert np.abs(written).max() == pytest.approx(LARGEST_PEAK, abs=1e-4)
    assert written == pytest.approx(loud * 10 ** (gain_db / 20), abs=1e-5)
    assert Stored(tmp_path, [0 * sides], 2).write_flac(path, rate) == 0.0


def test_long_sounds_have_stretches_of_half_a_minute_and_short_ones_one(tmp_path):
    for seconds, count in ((1, 1), (59, 1), (60, 2), (100, 3)):
        sound = Stored(tmp_path, [np.zeros((1, 1000 * seconds), np.float32)], 1)
        stretches = sound.stretches(1000)
        assert len(stretches) == count and stretches[0][0] == 0 and stretches[-1][1] == 1000 * seconds
