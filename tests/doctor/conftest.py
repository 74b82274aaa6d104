"""A repository that is well."""

from pathlib import Path

import pytest
from support.toy import make_toy
from support.workspace import Workspace


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A repository of one quick stage; each test leaves it well."""
    return make_toy(tmp_path_factory.mktemp("doctor") / "toy")


@pytest.fixture
def here(toy: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder, as the working directory, with its own folder of checkpoints."""
    monkeypatch.chdir(toy.folder)
    monkeypatch.setenv("TIMBRE_CHECKPOINTS", toy.environment["TIMBRE_CHECKPOINTS"])
    return toy.folder
