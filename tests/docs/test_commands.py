"""Commands in README.md and docs/ exist: programs, sub-commands, options, targets, scripts and parameters.

Here they are read; support/documented.py says of each which test executes it, or why none does.
"""

import argparse
import ast
import copy
import importlib.util
import itertools
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from support.documented import ELSEWHERE, NOT_RUN, OTHERS, STEPS
from support.documents import PAGES, ROOT, commands, other_lines

from timbre.errors import UserError
from timbre.params import parse

ALL = [command for page in PAGES for command in commands(page)]
# Commands that are to fail, or that hold in another tree.
NOT_LEGAL = {
    "sizes.fast.ddsp.batch=0": "shows what a failed task says",
    "model=squeeze": "the model that docs/extending.md adds",
}
# Placeholders for a reader's own words.
STAND_IN = re.compile(r"[A-Z]{2,}|…|\.\.\.")


def of(program: str) -> list:
    return [command for command in ALL if command.words[0] == program]


def options(words: tuple[str, ...]) -> list[str]:
    return [word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)]


def sub_parser(parser: argparse.ArgumentParser, words: tuple[str, ...], told: object) -> argparse.ArgumentParser:
    """The parser of the sub-command that words begin with."""
    for word in words:
        choices = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        if not choices or STAND_IN.fullmatch(word) or word.startswith("-"):
            break
        assert word in choices[0], f"{told}: no command {word}"
        parser = choices[0][word]
    return parser


def check(parser: argparse.ArgumentParser, command) -> None:
    known = {name for action in parser._actions for name in action.option_strings}
    for option in options(command.words[1:]):
        taken = known | {"--help", "-h", "--version"}
        assert option in taken or (option[:2] in taken and option[1] != "-"), f"{command}: no option {option}"


@cache
def dvc_parser() -> argparse.ArgumentParser:
    from dvc.cli.parser import get_main_parser

    return get_main_parser()


def test_every_command_is_executed_or_has_a_reason():
    executed = {words for words, _ in STEPS if words}
    texts = {command.text for command in ALL}
    known = executed | ELSEWHERE.keys() | NOT_RUN.keys()
    assert texts - known == set(), "add these to support/documented.py: executed, elsewhere, or the reason why not"
    assert known - texts == set(), "no page has these any more"
    assert len(known) == len(executed) + len(ELSEWHERE) + len(NOT_RUN), "one of these is listed twice"


def test_every_other_line_has_a_reason():
    used = {line.split()[0] for page in PAGES for line in other_lines(page)}
    assert used == OTHERS.keys()


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_the_tests_that_execute_them_exist(place):
    file, _, name = place.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_there_is_something_to_check():
    assert len(of("timbre")) > 5 and len(of("dvc")) > 30 and len(of("make")) > 5 and len(of("python")) > 5


@pytest.mark.parametrize("command", of("timbre"), ids=str)
def test_timbre(command):
    from timbre.__main__ import _parser

    check(sub_parser(_parser(), command.words[1:2], command), command)


@pytest.mark.parametrize("command", of("dvc"), ids=str)
def test_dvc(command):
    words = command.words[1:]
    check(sub_parser(dvc_parser(), words, command), command)
    if words[0] == "repro":
        stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
        assert all(word in stages for word in words[1:] if not word.startswith("-")), f"{command}: no such stage"


@pytest.mark.parametrize("command", [command for command in of("dvc") if "-S" in command.words], ids=str)
def test_what_is_set_is_legal(command):
    words = command.words
    settings = [after for word, after in itertools.pairwise(words) if word == "-S"]
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for combination in grid([setting for setting in settings if "=" in setting and not STAND_IN.search(setting)]):
        if any(setting in NOT_LEGAL for setting in combination):
            continue
        changed = copy.deepcopy(raw)
        for setting in combination:
            name, _, value = setting.partition("=")
            *sections, key = name.split(".")
            place = changed
            for section in sections:
                place = place[section]
            assert key in place, f"{command}: no parameter {name}"
            read = yaml.safe_load(value)
            place[key] = float(read) if isinstance(place[key], float) and isinstance(read, int) else read
        try:
            parse(changed)
        except UserError as error:
            pytest.fail(f"{command}: {error}")


def grid(settings: list[str]) -> list[list[str]]:
    """Every combination of a grid's values, of which `a=1,2` has two."""
    combinations: list[list[str]] = [[]]
    for setting in settings:
        name, _, value = setting.partition("=")
        values = [value] if value.startswith("[") else value.split(",")
        combinations = [[*others, f"{name}={each}"] for others in combinations for each in values]
    return combinations


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_make(command):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for word in command.words[1:]:
        assert "=" in word or word in targets, f"{command}: no target {word}"
        assert "=" not in word or word.partition("=")[0] in ("REMOTE", "PYTHON"), f"{command}: no variable {word}"


@pytest.mark.parametrize("command", of("python"), ids=str)
def test_python(command):
    first, *rest = command.words[1:]
    if first == "-m":
        assert importlib.util.find_spec(rest[0]), f"{command}: no module {rest[0]}"
        return
    if first == "-c":
        return
    script = ROOT / first
    assert script.is_file(), f"{command}: no script {first}"
    text = script.read_text(encoding="utf-8")
    for option in options(tuple(rest)):
        assert f'"{option}"' in text, f"{command}: {first} has no option {option}"


@pytest.mark.parametrize("command", of("pip"), ids=str)
def test_extras_exist_in_pyproject(command):
    import tomllib

    extras = tomllib.loads(Path(ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in command.words:
        if match := re.fullmatch(r"\.\[(.*)\]", word):
            assert set(match[1].split(",")) <= extras.keys(), f"{command}: no such extra"
