"""Nothing that comes from a file is unpickled as Python, which would run whatever the file says."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "stages", "tools", "benchmarks")
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
# What Dask and its workers, or one's own processes, send each other.
OF_WORKERS = {"src/timbre/audio/cluster.py": {"pickle"}, "src/timbre/audio/pools.py": {"joblib"}}
# PyYAML's safe loader in C; and a network that the export has written a moment before into a folder of its own, for a
# process of its own.
HARMLESS = {"src/timbre/sharing/history.py: yaml.load", "src/timbre/export/neutone/make.py: torch.load"}


def faults(name: str, tree: ast.Module) -> list[str]:
    """What in a source file may unpickle more than numbers, text and tensors."""
    imported, found, nodes = set(), [], [*ast.walk(tree)]
    for node in nodes:
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
            found += [f"{name}: torch.load by another name" for alias in node.names
                      if node.module == "torch" and alias.name == "load"]  # fmt: skip
    found += [f"{name}: import {module}" for module in imported & PICKLES - OF_WORKERS.get(name, set())]
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        if not isinstance(node.func, ast.Attribute):  # `load(...)`, which the imports tell of
            continue
        called = ast.unparse(node.func)
        told = {key.arg: getattr(key.value, "value", None) for key in node.keywords}
        wrong = (
            (called == "torch.load" and told.get("weights_only") is not True)
            or told.get("allow_pickle", False) is not False
            or called.split(".")[-1] in ("read_pickle", "unsafe_load", "full_load")
            or (called in ("yaml.load", "yaml.load_all") and "yaml" in imported)
        )
        if wrong:
            found.append(f"{name}: {called}")
    return [fault for fault in found if fault not in HARMLESS]


def test_nothing_unpickles_what_comes_from_elsewhere():
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 200
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    assert not [fault for name, path in names.items() for fault in faults(name, ast.parse(path.read_text("utf-8")))]


def test_the_law_finds_what_breaks_it():
    for code in (
        "torch.load('x')", "torch.load('x', weights_only=False)", "torch.load('x', weights_only=safe)",
        "np.load('x', allow_pickle=True)", "pd.read_pickle('x')", "import yaml\nyaml.load('x')", "import pickle",
        "from joblib import load", "from torch import load",
    ):  # fmt: skip
        assert len(faults("some.py", ast.parse(code))) == 1, code
    assert not faults("some.py", ast.parse("import yaml\ntorch.load('x', weights_only=True)\nyaml.safe_load('x')"))
