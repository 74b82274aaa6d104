"""The catalogue: names that params.yaml knows, words for everybody, pictures that exist, limits that exist."""

from pathlib import Path

import pytest

from timbre.audit.checks.catalogue import CHECKS, FILE_CHECKS, SET_CHECKS
from timbre.audit.checks.check import FileCheck
from timbre.audit.page.pictures import OF_SET, OF_STRETCH
from timbre.params import CHECK_NAMES, Thresholds

DOCS = Path(__file__).parents[3] / "docs/audit.md"


def test_params_knows_every_check_by_name():
    assert sorted(check.name for check in CHECKS) == sorted(CHECK_NAMES)
    assert len(set(CHECK_NAMES)) == len(CHECK_NAMES)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_check_has_words_and_a_limit_that_exists(check):
    assert check.title and check.advice.endswith(".")
    if isinstance(check.limit, str):
        assert check.limit in Thresholds.model_fields
    if check.limit is not None:
        assert check.figure.format(value=1.0, limit=2.0)


def test_each_picture_can_be_drawn():
    assert {check.picture for check in FILE_CHECKS} - {""} == set(OF_STRETCH)
    assert {check.picture for check in SET_CHECKS} - {""} == set(OF_SET)


def test_a_check_that_gives_way_comes_after_what_it_gives_way_to():
    names = [check.name for check in FILE_CHECKS]
    for check in FILE_CHECKS:
        assert set(check.unless) <= set(names[: names.index(check.name)])


def test_only_the_set_as_a_whole_can_be_unfit():
    assert {check.name for check in CHECKS if check.severity == "error"} == {"too_little", "mostly_lost", "faulty"}
    assert not any(check.severity == "error" for check in CHECKS if isinstance(check, FileCheck))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_check_is_in_the_docs_with_its_limit(check):
    lines = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{check.name}`")]
    assert len(lines) == 1
    if isinstance(check.limit, str):
        assert f"`{check.limit}`" in lines[0]
