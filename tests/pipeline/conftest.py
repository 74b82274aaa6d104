"""Workspaces for the tests of the whole line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.workspace import Workspace, make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh workspace in which nothing has run."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return make_workspace(folder)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace brought up to date once; who changes it must bring it back with `restored`."""
    folder = tmp_path_factory.mktemp("built") / "workspace"
    folder.mkdir()
    built = make_workspace(folder)
    built.first_run = built.repro()
    built.commit()
    return built


@pytest.fixture
def restored(built: Workspace) -> Iterator[Workspace]:
    """The workspace that has run; put back as it was after the test."""
    yield built
    built.good("git", "checkout", "-q", "--force", "HEAD")
    built.good("dvc", "checkout", "--force", "dvc.yaml")
