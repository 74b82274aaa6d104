"""Imports point one way."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src/timbre"
TOP = {"params", "errors", "files", "progress", "schema"}
STAGES = {"audit", "normalize", "cache", "training", "export", "evaluation"}
LOWER = {"audio", "features", "dsp", "nn", "models", "pages"}
# What each room may import besides itself and the modules at the top of the package.
LEGAL = {
    "audio": set(),
    "features": {"audio"},
    "dsp": {"audio"},
    "nn": {"audio", "features", "dsp"},
    "models": {"audio", "features", "dsp", "nn"},
    "demo": {"audio"},
    "pages": set(),
    "playing": {"audio"},
    **{room: LOWER for room in STAGES},
    "training": LOWER | {"cache"},
    "export": LOWER | {"playing"},
    "evaluation": LOWER | {"playing"},
    "comparing": {"audio", "evaluation", "pages"},
    "sharing": set(),
    "doctor": {"sharing"},
    "__main__": {"playing", "comparing", "sharing", "doctor"},
}
WITHOUT_TORCH = (
    "audio",
    "audit",
    "normalize",
    "pages",
    "sharing",
    "doctor",
    "params.py",
    "files.py",
    "schema.py",
    "errors.py",
    "__main__.py",
)
FORBIDDEN = {"lightning", "pytorch_lightning", "rave", "acids_rave", "cached_conv", "parselmouth", "essentia"}

SOURCES = sorted(PACKAGE.rglob("*.py"))


def imports(tree: ast.AST, module: str) -> set[str]:
    """Full names of all that is imported anywhere below a node of `module`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module.split(".")[: -node.level]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def at_import(tree: ast.Module, module: str) -> set[str]:
    """What is imported when the module is: not within functions, and not for the eyes of a type checker only."""
    found = set()
    for node in tree.body:
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) and not for_types:
            found |= imports(node, module)
    return found


def name_of(path: Path) -> str:
    parts = ["timbre", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    names = imports(ast.parse(path.read_text()), name_of(path))
    own = [name.split(".")[1] for name in names if name.startswith("timbre.")]
    return {name for name in own if name != "__version__"}


def test_every_room_has_its_place():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms <= LEGAL.keys()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_point_down(path):
    room = room_of(path)
    legal = TOP | LEGAL[room] | {room} if room in LEGAL else TOP
    assert rooms_imported(path) <= legal


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.relative_to(PACKAGE).parts[0] in WITHOUT_TORCH], ids=name_of
)
def test_what_works_without_torch_does_not_load_it(path):
    names = at_import(ast.parse(path.read_text()), name_of(path))
    assert not [name for name in names if name.split(".")[0] in ("torch", "torchaudio", "lightning_fabric")]


def test_what_works_without_torch_does_not_load_it_by_way_of_others():
    import os
    import subprocess
    import sys

    modules = [name_of(path) for path in SOURCES if path.relative_to(PACKAGE).parts[0] in WITHOUT_TORCH]
    script = "".join(f"import {name.removesuffix('.__init__')}\n" for name in modules)
    script += "import sys; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_of_another_licence_or_style_is_imported(path):
    names = imports(ast.parse(path.read_text()), name_of(path))
    assert not {name.split(".")[0] for name in names} & FORBIDDEN


@pytest.mark.parametrize("path", sorted((PACKAGE / "training").glob("*.py")), ids=name_of)
def test_training_knows_no_model_by_name(path):
    source = path.read_text().lower()
    assert "ddsp" not in source
    # "rave" must not stand alone as a word or a part of a name
    words = source.replace("_", " ").replace(".", " ").split()
    assert "rave" not in words
