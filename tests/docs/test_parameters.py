"""The reference of params.yaml: up to date, whole, and true to what the schema takes."""

import copy
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from timbre.errors import UserError
from timbre.params import parse

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tool():
    found = importlib.util.spec_from_file_location("parameters", ROOT / "tools/parameters.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def rows() -> dict[str, list[str]]:
    """The cells of each key by its full name, outside the presets."""
    section, found = "", {}
    for line in PAGE.partition("\n## sizes\n")[0].splitlines():
        if line.startswith("## "):
            section = "" if line == "## At the top" else line.removeprefix("## ") + "."
        elif match := re.match(r"\| `(\w+)` \|(.*)\|$", line):
            found[section + match[1]] = [cell.strip() for cell in re.split(r"(?<!\\)\|", match[2])]
    return found


def keys(values: dict, prefix: str = "") -> set[str]:
    found = set()
    for name, value in values.items():
        found |= keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def faults(raw: dict, name: str, value: object) -> list[str]:
    """What is said against a value of a key, and not against others."""
    changed = copy.deepcopy(raw)
    *sections, key = name.split(".")
    place = changed
    for section in sections:
        place = place[section]
    place[key] = value
    try:
        parse(changed)
    except UserError as error:
        return re.findall(rf"params\.yaml: {re.escape(name)}: .*not legal.*", str(error))
    return []


def test_the_page_is_what_the_command_writes(tool):
    assert tool.page() == PAGE, f"docs/parameters.md is stale: run `{tool.COMMAND}` and commit it"


def test_it_has_every_key():
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    sizes = raw.pop("sizes")
    assert rows().keys() == keys(raw)
    for model in ("ddsp", "rave"):
        table = PAGE.partition(f"### sizes: {model}\n")[2].partition("\n#")[0]
        assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == sizes["tiny"][model].keys()


def test_every_meaning_and_limit_is_told():
    for name, (_, _, legal, meaning, _) in rows().items():
        assert legal and meaning, name


def test_the_meaning_repeats_neither_unit_nor_limits(tool):
    without = tool.without
    assert without("dB, 0 to 60: the most that it lifts", "dB", "0 to 60") == "the most that it lifts"
    assert without("percent, over which it is refused", "%", "0 to 100") == "over which it is refused"
    assert without("of the model, 1 to 30 characters", "", "text, 1 to 30 characters") == "of the model"
    assert without("samples a frame: 64 | 128", "samples", "64, 128") == "samples a frame"
    # A limit or a choice with a meaning of its own stays.
    for comment, legal in (
        ("hours; 0 (no limit) to 10000", "0 to 10,000"),
        ("fp32 | int8: a second file", "fp32, int8"),
    ):
        assert without(comment, "", legal) == comment
    for name, (_, unit, legal, meaning, _) in rows().items():
        assert not unit or not meaning.startswith(f"{unit}, "), name
        assert legal not in meaning, name


def test_it_tells_what_it_does_and_does_nothing(tool, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["parameters.py", "--help"])
    monkeypatch.setattr(tool, "PAGE", None)
    with pytest.raises(SystemExit):
        tool.main()
    assert "docs/parameters.md" in capsys.readouterr().out


def test_limits_are_those_of_the_schema():
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tried = 0
    for name, (default, _, legal, _, _) in rows().items():
        match = re.fullmatch(r"(whole, )?(over )?(-?[\d.,]+) to (-?[\d.,]+)", legal)
        if match is None or default.startswith("`["):
            continue
        kind = int if match[1] else float
        least, most = (kind(part.replace(",", "")) for part in match.group(3, 4))
        assert faults(raw, name, most) == [] and len(faults(raw, name, most + 1)) == 1, name
        assert len(faults(raw, name, least - 1)) == 1 and len(faults(raw, name, least)) == bool(match[2]), name
        tried += 1
    assert tried > 40


def test_choices_are_those_of_the_schema():
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for name in ("size", "normalize.mode", "features.f0_method", "export.precision", "slice.cross_check"):
        choices = rows()[name][2].split(", ")
        assert all(not faults(raw, name, choice) for choice in choices)
        told = faults(raw, name, "no such thing")[0]
        assert all(choice in told for choice in choices)
