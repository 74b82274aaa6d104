"""Every public function, class and method of the package says in its first line what it is for."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src/timbre"
# Methods that many classes of a room have and one file describes: room, names, file.
DESCRIBED = [
    ("nn/", {"forward", "step", "initial_state"}, "nn/__init__.py"),
    ("nn/", {"inputs_for"}, "nn/conv.py"),
    ("models/", {"forward", "step", "initial_state"}, "nn/__init__.py"),
    ("models/rave/latent", {"mean", "spread"}, "models/rave/latent.py"),
    ("export/", {"forward"}, "export/effect.py"),
    ("audio/", {"window", "submit", "result", "close"}, "audio/pools.py"),
    ("audit/meters/", {"add", "result"}, "audit/meters/meter.py"),
    ("playing/", {"delay_samples", "set_block", "reset"}, "playing/player.py"),
]
# Overrides methods of neutone_sdk, which describes them.
FOREIGN = {"export/neutone/plugin_model.py"}
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def public(tree: ast.AST, prefix: str = "") -> list[tuple[str, ast.AST]]:
    """Public functions, classes and their methods below a module or class, with their names."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            found.append((prefix + node.name, node))
            if isinstance(node, ast.ClassDef):
                found += public(node, f"{prefix}{node.name}.")
    return found


def described_elsewhere(file: str, name: str) -> bool:
    if "." not in name:
        return False
    if file in FOREIGN:
        return True
    return any(file.startswith(room) and name.split(".")[-1] in names for room, names, _ in DESCRIBED)


def faults() -> tuple[set[str], set[str]]:
    """What has no docstring, and what has one that begins with more than a line."""
    missing, too_long = set(), set()
    for file, path in FILES.items():
        for name, node in public(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node)
            if text is None and not described_elsewhere(file, name):
                missing.add(f"{file}: {name}")
            if text is not None and [*text.splitlines(), ""][1].strip():
                too_long.add(f"{file}: {name}")
    return missing, too_long


def test_everything_public_has_a_docstring():
    missing, _ = faults()
    assert missing == set(), "write a docstring: one line that says what it is for"


def test_docstrings_begin_with_one_line():
    _, too_long = faults()
    assert too_long == set(), "say it in one line first, the rest after an empty one"


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("names, place", [entry[1:] for entry in DESCRIBED], ids=[entry[0] for entry in DESCRIBED])
def test_what_is_described_elsewhere_is_described_there(names, place):
    text = (PACKAGE / place).read_text(encoding="utf-8")
    assert all(name in text for name in names)
