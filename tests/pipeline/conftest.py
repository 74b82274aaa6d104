"""Workspaces for the tests of the whole line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from support.workspace import Workspace, make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh workspace in which nothing has run."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return make_workspace(folder)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace brought up to date; who changes it must bring it back with `restored`.

    One is made for all processes that run tests, each of which has a copy.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    first, ran = base / "built" / "workspace", base / "built" / "ran.json"
    with FileLock(base / "built.lock"):
        if not ran.exists():
            first.mkdir(parents=True)
            workspace = make_workspace(first)
            names = workspace.repro()
            workspace.commit()
            ran.write_text(json.dumps(names))
    folder = tmp_path_factory.mktemp("built") / "workspace"
    shutil.copytree(first, folder, symlinks=True)
    built = Workspace(folder, folder.parent / "checkpoints")
    built.first_run = json.loads(ran.read_text())
    return built


@pytest.fixture
def restored(built: Workspace) -> Iterator[Workspace]:
    """The workspace that has run; put back as it was after the test."""
    yield built
    built.good("git", "checkout", "-q", "--force", "HEAD")
    built.good("dvc", "checkout", "--force", "dvc.yaml")
