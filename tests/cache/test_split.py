"""The split of the files."""

import pytest

from timbre.cache.split import is_held_out, split_files
from timbre.errors import UserError

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


@pytest.mark.parametrize(
    ("files", "needed"),
    (({}, 3), ({"a": 1}, 3), ({"a": 1, "b": 1}, 3), ({"test/a": 1}, 2), ({"test/a": 1, "b": 1}, 2)),
)
def test_too_few_files_are_told(files, needed):
    with pytest.raises(UserError, match=f"data.raw: .* usable recordings? to train on, but {needed} are needed"):
        split_files(files, 0.1, 0.1, 0)
