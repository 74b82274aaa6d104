"""The split of the files, and of a recording in time."""

import itertools

import pytest

from timbre.cache.split import GUARD_SECONDS, LEAST_SECONDS, PART_SECONDS, is_held_out, split_files, split_recordings
from timbre.errors import UserError

RATE = 1000
FILES = {f"take_{n:02}.flac": 1000 + 37 * n for n in range(40)}


def shares(split: dict[str, str], samples: dict[str, int]) -> dict[str, float]:
    return {
        name: sum(samples[file] for file, where in split.items() if where == name) / sum(samples.values())
        for name in ("train", "validation", "test")
    }


def test_every_file_is_in_one_split_of_about_the_share_asked_for():
    split = split_files(FILES, 0.2, 0.3, 0)
    assert sorted(split) == sorted(FILES)
    got = shares(split, FILES)
    assert got["test"] == pytest.approx(0.3, abs=0.06)
    assert got["validation"] == pytest.approx(0.2 * 0.7, abs=0.06)


def test_the_seed_alone_decides():
    assert split_files(FILES, 0.1, 0.1, 5) == split_files(dict(reversed(FILES.items())), 0.1, 0.1, 5)
    assert split_files(FILES, 0.1, 0.1, 5) != split_files(FILES, 0.1, 0.1, 6)


def test_files_in_a_test_folder_are_the_test_files():
    held_out = {"Test/x.wav": 10, "deep/test/y.wav": 20}
    split = split_files(FILES | held_out, 0.1, 0.5, 0)
    assert {file for file, where in split.items() if where == "test"} == set(held_out)


@pytest.mark.parametrize("file", ("test.wav", "latest/a.wav", "testing/a.wav", "a_test/b.wav"))
def test_only_a_folder_named_test_is_held_out(file):
    assert not is_held_out(file)


@pytest.mark.parametrize("share", (0.01, 0.5))
@pytest.mark.parametrize("files", (3, 4))
def test_no_split_is_empty(files, share):
    few = {f"{n}.wav": 10**n for n in range(files)}
    for seed in range(10):
        assert set(split_files(few, share, share, seed).values()) == {"train", "validation", "test"}


def parts(samples: dict[str, int], validation_share: float = 0.1, test_share: float = 0.1) -> list[tuple]:
    """(file, start, end, split) of every segment."""
    segments = split_recordings(samples, RATE, validation_share, test_share, 0)
    return [(each.file, each.start_samples, each.start_samples + each.samples, each.split) for each in segments]


def test_where_files_are_enough_they_stay_whole():
    split = split_files(FILES, 0.1, 0.2, 3)
    assert [(each.file, each.start_samples, each.samples, each.split)
            for each in split_recordings(FILES, RATE, 0.1, 0.2, 3)] == [
        (file, 0, FILES[file], split[file]) for file in sorted(FILES)
    ]  # fmt: skip


def test_one_recording_is_divided_in_time_by_the_shares():
    # Of 60 s two guards of 0.5 s are left out; a tenth of 59 s is for the test, a tenth of the rest validates.
    assert parts({"take": 60000}) == [
        ("take", 0, 47790, "train"), ("take", 48290, 53600, "validation"), ("take", 54100, 60000, "test"),
    ]  # fmt: skip


def test_of_two_recordings_each_long_one_is_divided():
    assert [(file, split) for file, _, _, split in parts({"b": 60000, "a": 4000})] == [
        ("a", "train"), ("a", "validation"), ("a", "test"), ("b", "train"), ("b", "validation"), ("b", "test"),
    ]  # fmt: skip
    assert [(file, split) for file, _, _, split in parts({"b": 60000, "a": 2999})] == [
        ("a", "train"), ("b", "train"), ("b", "validation"), ("b", "test"),
    ]  # fmt: skip


def test_beside_a_test_folder_a_lone_recording_gives_train_and_validation():
    assert parts({"test/x": 700, "a": 60500}) == [
        ("a", 0, 54000, "train"), ("a", 54500, 60500, "validation"), ("test/x", 0, 700, "test"),
    ]  # fmt: skip


@pytest.mark.parametrize("held_out", ({}, {"test/x": 10}))
@pytest.mark.parametrize("share", (0.01, 0.1, 0.5))
@pytest.mark.parametrize("length", (0, 1, 777, 10_000, 3_600_000))
def test_parts_keep_their_distance_and_reach_both_ends(held_out, share, length):
    length += round(RATE * LEAST_SECONDS[2 if held_out else 3])
    found = [part for part in parts({"a": length} | held_out, share, share) if part[0] == "a"]
    assert [split for *_, split in found] == ["train", "validation", "test"][: len(found)]
    assert len(found) == (2 if held_out else 3)
    assert found[0][1] == 0 and found[-1][2] == length
    assert all(end - start >= PART_SECONDS * RATE for _, start, end, _ in found)
    for before, after in itertools.pairwise(found):
        assert after[1] - before[2] == GUARD_SECONDS * RATE


@pytest.mark.parametrize(
    ("files", "told"),
    (
        ({}, "0 usable recordings to train on, under 3 s each; 3 are needed"),
        ({"a": 2999}, "1 usable recording to train on, under 3 s each; 3 are needed"),
        ({"a": 1, "b": 1}, "2 usable recordings to train on, under 3 s each; 3 are needed"),
        ({"test/a": 60000}, "0 usable recordings to train on, under 2 s each; 2 are needed"),
        ({"test/a": 60000, "b": 1999}, "1 usable recording to train on, under 2 s each; 2 are needed"),
    ),
)
def test_too_little_is_told_in_one_line(files, told):
    with pytest.raises(UserError, match=f"^data.raw: {told}.*$"):
        split_recordings(files, RATE, 0.1, 0.1, 0)
