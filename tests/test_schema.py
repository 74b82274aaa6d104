"""The check of files against a schema, and what messages show of them."""

from typing import Literal

import pytest
from pydantic import Field

from timbre.errors import LONGEST_SHOWN, UserError, shown, shown_name
from timbre.schema import Below, Told, checked, is_below


class Some(Told):
    name: str
    parts: list[float] = Field(max_length=10)
    file: Below = "a"


def test_every_fault_is_named_and_the_remedy_told(tmp_path):
    with pytest.raises(UserError) as told:
        checked(Some, {"parts": [1.0, "x"], "file": "../a"}, tmp_path / "some.json", "Make it anew.")
    lines = [line.strip() for line in str(told.value).splitlines()]
    assert lines == [
        f"{tmp_path}/some.json: name is missing.",
        f"{tmp_path}/some.json: parts.1: 'x' is not legal. Input should be a valid number.",
        f"{tmp_path}/some.json: file: '../a' is not legal. Value error, it leads out of its folder.",
        "Make it anew.",
    ]


def test_many_faults_are_counted(tmp_path):
    with pytest.raises(UserError, match="and 5 more"):
        checked(Some, {"name": "a", "parts": ["x"] * 10}, tmp_path, "")


def test_whole_numbers_are_numbers_and_other_keys_no_fault(tmp_path):
    assert checked(Some, {"name": "a", "parts": [1], "mood": 3}, tmp_path, "").parts == [1.0]


class Sides(Told):
    channels: list[Literal[1, 2]]


def test_a_whole_number_with_a_point_is_told(tmp_path):
    assert checked(Sides, {"channels": [1, 2]}, tmp_path, "").channels == [1, 2]
    with pytest.raises(UserError, match=r"channels\.1 is a whole number with a point"):
        checked(Sides, {"channels": [1, 2.0]}, tmp_path, "")


@pytest.mark.parametrize("name", ["a", "a/b c.wav", "...", "é/..b"])
def test_names_below_a_folder(name):
    assert is_below(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "/a", "//a", "a\0b"])
def test_names_that_lead_elsewhere(name):
    assert not is_below(name)


def test_what_is_shown_is_short_and_printable():
    bomb = ["x"]
    for _ in range(60):
        bomb = [bomb] * 9
    itself = []
    itself.append(itself)
    for value in (bomb, itself, 16**9000, -(10**5000), "x" * 10**6, b"\0" * 10**6, {"\ud800": "\x1b[2J"}, float("nan")):
        for text in (shown(value), shown_name(value)):
            assert text.isprintable() and len(text) <= 5 * LONGEST_SHOWN
            text.encode()
    assert shown("tiyn") == "'tiyn'" and shown([1, 2.5, None]) == "[1, 2.5, None]"
    assert shown_name("data.raw") == "data.raw" and shown_name("a\nb") == r"'a\nb'"
