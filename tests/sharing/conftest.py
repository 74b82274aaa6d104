"""A repository to share from."""

import pytest
from support.toy import make_toy
from support.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A repository of one quick stage with a bare repository beside it as its git remote."""
    folder = tmp_path_factory.mktemp("sharing")
    toy = make_toy(folder / "toy")
    toy.good("git", "init", "-q", "--bare", "-b", "main", str(folder / "bare.git"))
    toy.good("git", "remote", "add", "origin", str(folder / "bare.git"))
    return toy


@pytest.fixture
def toy(made: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The repository as the working directory, put back as it was after the test."""
    monkeypatch.chdir(made.folder)
    for name in ("NAME", "EMAIL"):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", "t")
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", "t")
    base = made.good("git", "rev-parse", "HEAD").strip()
    yield made
    made.good("git", "checkout", "-q", "--force", "-B", "main", base)
    made.good("git", "clean", "-fdq")
    (made.folder / ".dvc" / "config.local").unlink(missing_ok=True)
