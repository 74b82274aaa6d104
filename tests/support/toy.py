"""A DVC repository of one stage that takes no time."""

from __future__ import annotations

from pathlib import Path

from support.workspace import Workspace

PIPELINE = """
stages:
  make:
    cmd: python make.py
    deps: [make.py, sounds]
    params: [seed]
    outs: [made]
"""
STAGE = """
import pathlib, yaml
seed = yaml.safe_load(open("params.yaml"))["seed"]
made = pathlib.Path("made")
made.mkdir()
for name in ("one", "two"):
    (made / f"{name}.txt").write_text(f"{name} {seed}\\n" * 100)
"""
CONFIG = "[core]\n    analytics = false\n[cache]\n    type = hardlink,copy\n"


def make_toy(folder: Path) -> Workspace:
    """The repository, its stage run and committed on branch `main`, at a folder that is made."""
    (folder / "sounds").mkdir(parents=True)
    texts = {"dvc.yaml": PIPELINE, "make.py": STAGE, "params.yaml": "seed: 0\n", "sounds/a.txt": "a"}
    for name, text in texts.items():
        (folder / name).write_text(text)
    toy = Workspace(folder, folder.parent / f"{folder.name}-checkpoints")
    toy.environment |= {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    toy.good("git", "init", "-q", "-b", "main")
    toy.good("dvc", "init", "-q")
    (folder / ".dvc" / "config").write_text(CONFIG)
    toy.good("dvc", "repro", "-q")
    toy.commit()
    return toy
