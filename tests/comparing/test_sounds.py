"""The same stretch of every model's sound, at one loudness; inputs of one name but different sound stay apart."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
import soundfile

from timbre.audio.loudness import integrated_lufs
from timbre.comparing.gather import Evaluation
from timbre.comparing.sounds import comparisons, spread_db, within_page
from timbre.errors import UserError
from timbre.evaluation.excerpts import gains

RATE = 16000


def sound(seconds: float, f0_hz: float = 330.0, rate: int = RATE, loud: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """A tone with a hiss, ten times as loud between two moments."""
    time = np.arange(round(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * n * f0_hz * time) / n for n in range(1, 6))
    return 0.02 * tone * np.where((time >= loud[0]) & (time < loud[1]), 10.0, 1.0)


@pytest.fixture
def evaluation(tmp_path):
    """Make an evaluation of pairs (input, output) by kind and name."""

    def make(name: str, pairs: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]], rate: int = RATE) -> Evaluation:
        rows = []
        for (kind, item), sides in pairs.items():
            for side, audio in zip(("input", "output"), sides, strict=True):
                path = tmp_path / name / f"audio/{kind}/{item}.{side}.flac"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, audio, rate, subtype="PCM_24")
            rows.append({"kind": kind, "name": item, "file": f"{item}.wav", "status": "measured"})
        return Evaluation(name, "", {}, pd.DataFrame(rows), {}, {}, {}, lambda path: open(tmp_path / name / path, "rb"))

    return make


def decoded(clip) -> np.ndarray:
    return soundfile.read(io.BytesIO(base64.b64decode(clip.flac_base64)))[0]


def test_all_models_are_cut_where_the_input_is_loudest_and_brought_to_one_loudness(evaluation):
    heard = sound(16.0, loud=(5.0, 15.0))
    marked = [heard * gain for gain in (0.5, 0.1)]
    for audio in marked:
        audio[round(7.0 * RATE) : round(7.1 * RATE)] = 0.0
    one = evaluation("one", {("transfer", "x"): (heard, marked[0])})
    two = evaluation("two", {("transfer", "x"): (heard, marked[1])})
    (found,) = comparisons([one, two])
    assert (found.start_seconds, found.seconds, found.whole_seconds) == (5.0, 10.0, 16.0)
    clips = [decoded(clip) for clip in (found.original, *found.outputs)]
    assert [len(clip) for clip in clips] == [10 * RATE] * 3
    for clip, below in zip(clips, (found.original, *found.outputs), strict=True):
        assert integrated_lufs(clip, RATE) == pytest.approx(-20.0 - below.below_target_db, abs=0.05)
    gap = slice(round(2.02 * RATE), round(2.08 * RATE))
    assert [np.abs(clip[gap]).max() < 1e-4 for clip in clips] == [False, True, True]
    assert found.spread_db == pytest.approx(0.0, abs=0.1)


def test_level_rate_and_channels_do_not_make_another_input(evaluation):
    at_48k = sound(3.0, rate=48000)
    one = evaluation("one", {("transfer", "x"): (sound(3.0), sound(3.0))})
    two = evaluation("two", {("transfer", "x"): (0.3 * at_48k, at_48k)}, rate=48000)
    three = evaluation("three", {("transfer", "x"): (np.stack([sound(3.0)] * 2, axis=1), sound(3.0, 500.0))})
    (found,) = comparisons([one, two, three])
    assert all(found.outputs)
    assert found.file == "x.wav"
    assert found.spread_db > 3.0
    assert found.outputs[0].mel.shape == found.outputs[1].mel.shape, "pictures have one scale"


def test_another_sound_under_the_same_name_is_another_input(evaluation):
    one = evaluation("one", {("transfer", "x"): (sound(3.0), sound(3.0))})
    two = evaluation("two", {("transfer", "x"): (sound(3.0, 400.0), sound(3.0))})
    three = evaluation("three", {("transfer", "x"): (sound(2.0), sound(2.0))})
    found = list(comparisons([one, two, three]))
    assert [each.file for each in found] == ["x.wav (one)", "x.wav (two)", "x.wav (three)"]
    assert [[clip is not None for clip in each.outputs] for each in found] == np.eye(3, dtype=bool).tolist()
    assert [each.spread_db for each in found] == [None] * 3


def test_silence_is_silence_and_an_output_that_is_too_short_ends_in_silence(evaluation):
    one = evaluation("one", {("transfer", "x"): (np.zeros(RATE), np.zeros(RATE))})
    two = evaluation("two", {("transfer", "x"): (np.zeros(RATE), sound(0.5))})
    (found,) = comparisons([one, two])
    assert [found.original.silent, found.outputs[0].silent, found.outputs[1].silent] == [True, True, False]
    assert not np.any(decoded(found.outputs[1])[round(0.6 * RATE) :])


def test_transfers_come_first_and_each_model_keeps_its_place(evaluation):
    pair = (sound(1.0), sound(1.0))
    one = evaluation("one", {("reconstruction", "r"): pair, ("transfer", "a"): pair})
    two = evaluation("two", {("transfer", "b"): pair, ("reconstruction", "r"): pair})
    found = list(comparisons([one, two]))
    assert [(each.kind, each.name) for each in found] == [("transfer", "a"), ("transfer", "b"), ("reconstruction", "r")]
    assert [[clip is not None for clip in each.outputs] for each in found] == [[True, False], [False, True], [True] * 2]


def test_a_sound_that_is_missing_is_named(evaluation, tmp_path):
    one = evaluation("one", {("transfer", "x"): (sound(1.0), sound(1.0))})
    (tmp_path / "one/audio/transfer/x.output.flac").write_bytes(b"no flac")
    with pytest.raises(UserError, match=r"one: audio/transfer/x.output.flac of its evaluation cannot be read"):
        list(comparisons([one]))


def test_a_row_is_turned_down_to_its_least_loud_sound(evaluation):
    clicks = np.zeros(RATE)
    clicks[:: RATE // 4] = 0.9
    one = evaluation("one", {("transfer", "x"): (sound(1.0), clicks)})
    (found,) = comparisons([one])
    clips = [found.original, *found.outputs]
    assert clips[1].below_target_db > 3.0
    quieter, same = gains([clip.below_target_db for clip in clips])
    assert same == 1.0
    assert 20 * np.log10(quieter) == pytest.approx(-clips[1].below_target_db, abs=0.01)


def test_the_page_takes_in_whole_rows_while_there_is_room(evaluation):
    pair = (sound(1.0), sound(1.0))
    found = list(comparisons([evaluation("one", {("transfer", name): pair for name in "abc"})]))
    room = 2 * sum(len(clip.flac_base64) for clip in (found[0].original, *found[0].outputs))
    kept = within_page(found, room)
    assert [each.playable for each in kept] == [True, True, False]
    assert kept[2].original.flac_base64 == kept[2].outputs[0].flac_base64 == ""
    assert kept[2].outputs[0].mel is found[2].outputs[0].mel


def test_spread_is_the_distance_of_the_two_that_are_furthest_apart():
    quiet = np.full((4, 6), -300.0)
    assert spread_db([quiet]) is None
    assert spread_db([np.zeros((4, 6)), np.full((4, 7), -6.0), np.full((4, 6), -10.0)]) == 10.0
    assert spread_db([np.zeros((4, 6)), quiet]) == 80.0, "what lies 80 dB down is silence"
