"""The git and DVC repository that a command works on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from timbre.errors import UserError, reason

if TYPE_CHECKING:
    from dvc.repo import Repo


@contextmanager
def opened(root: Path, settings: dict | None = None) -> Iterator[Repo]:
    """The DVC repository of a folder, with `settings` (as `settings_of` has them) in every one of its commits.

    Its root is the working directory meanwhile: DVC takes targets from there, in older commits too.

    Raises: UserError where there is none, or none that is a git repository with a commit.
    """
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import NoSCM

    try:
        repo = Repo(str(root), config=settings)
    except NotDvcRepoError:
        raise UserError("this folder is no DVC repository. Run this from the folder that holds params.yaml.") from None
    except DvcException as error:
        raise UserError(f".dvc/config: {reason(error)}") from None
    with repo, chdir(repo.root_dir):
        if isinstance(repo.scm, NoSCM):
            raise UserError(
                "this DVC repository is no git repository, and commits and experiments travel by git. "
                "Run `git init`, and commit what is here."
            )
        yield repo


def settings_of(repo: Repo) -> dict:
    """Cache and remotes of today, for older commits too.

    DVC reads a commit with the settings of its time: `dvc push --all-commits` and `dvc exp push` pass over whatever is
    older than the remote, with a warning at most.
    """
    return {section: repo.config[section] for section in ("cache", "core", "remote")}


def git(root: Path, *arguments: str) -> str:
    """What a git command prints. Raises: UserError with git's own words where it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise UserError(f"`git {' '.join(arguments)}` failed: {said}")
    return done.stdout


def branch(root: Path) -> str:
    """The branch that is checked out, empty where it is none but a commit."""
    done = subprocess.run(["git", "symbolic-ref", "-q", "--short", "HEAD"], cwd=root, capture_output=True, text=True)
    return done.stdout.strip()


def git_remote(root: Path) -> str:
    """The git remote that the branch follows, else the only one, else `origin`.

    Raises: UserError where none is clear.
    """
    names = git(root, "remote").split()
    if not names:
        raise UserError(
            "there is no git remote for commits and experiments to travel by. "
            "Make an empty repository on a server, or with `git init --bare` on a shared disk, and then "
            "`git remote add origin URL`."
        )
    followed = subprocess.run(
        ["git", "config", f"branch.{branch(root)}.remote"], cwd=root, capture_output=True, text=True
    ).stdout.strip()
    for name in (followed, names[0] if len(names) == 1 else "origin"):
        if name in names:
            return name
    raise UserError(
        f"there are several git remotes ({', '.join(names)}), and none is the branch's own. "
        "Choose one with `git push -u NAME HEAD`, then run the same command again."
    )
