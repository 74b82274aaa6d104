"""`timbre fetch`: what others have shared, into this clone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from timbre.errors import UserError, reason
from timbre.sharing.amounts import gained, sizes
from timbre.sharing.history import PIPELINE, experiments, is_whole, missing_untold
from timbre.sharing.remotes import address_of, chosen
from timbre.sharing.repository import branch, git, git_remote, opened, settings_of

if TYPE_CHECKING:
    from dvc.repo import Repo

AGAIN = "What has arrived is kept; run the same command again when that is mended."


def fetch(revisions: list[str], root: Path = Path(".")) -> None:
    """Bring commits and experiments, then files and run records, and say how much came.

    revisions: branches, tags or commits whose files are to come as well as those of the commit that is checked out.
    Raises: UserError where the branch has gone another way than the remote's, or a server refuses.
    """
    with opened(root) as repo:
        folder = Path(repo.root_dir)
        from_git = git_remote(folder)
        _pull_commits(folder, from_git)
    # The commits may have brought another remote.
    with opened(root) as repo:
        name = chosen(repo, None)
        settings = settings_of(repo)
    commits = [git(folder, "rev-parse", "--verify", f"{each}^{{commit}}").strip() for each in revisions]
    with opened(root, settings) as repo:
        before = _cached(repo)
        new = _pull_experiments(repo, from_git)
        _pull_files(repo, name, [*commits, *experiments(folder).values()])
        print(f"fetch: {gained(before, _cached(repo))} came from {address_of(repo, name)}; {new}.")
        print("fetch: `dvc repro` runs only what nobody has run; `dvc exp apply NAME` brings an experiment here.")


def _pull_commits(folder: Path, from_git: str) -> None:
    if not branch(folder):
        print("fetch: HEAD is at a commit and on no branch, so it stays where it is")
        return
    print(f"fetch: git pull --ff-only {from_git} {branch(folder)}")
    git(folder, "pull", "--quiet", "--ff-only", from_git, branch(folder))


def _pull_experiments(repo: Repo, from_git: str) -> str:
    """Pull the references of all experiments; says in words which are new."""
    print(f"fetch: dvc exp pull {from_git} --all-commits --no-cache")
    before = experiments(Path(repo.root_dir))
    try:
        repo.experiments.pull(from_git, all_commits=True, pull_cache=False)
    except Exception as error:  # each protocol has its own
        raise UserError(f"`dvc exp pull {from_git}` failed: {reason(error)}. {AGAIN}") from None
    new = sorted(each.rpartition("/")[2] for each in experiments(Path(repo.root_dir)).keys() - before.keys())
    return f"new experiments: {', '.join(new)}" if new else "no new experiments"


def _pull_files(repo: Repo, name: str, commits: list[str]) -> None:
    from dvc.exceptions import DvcException

    print(f"fetch: dvc pull --run-cache, from {address_of(repo, name)}")
    try:
        with missing_untold():
            repo.fetch(remote=name, run_cache=True, revs=commits)
    except Exception as error:  # each protocol has its own
        raise UserError(f"`dvc fetch` from {address_of(repo, name)} failed: {reason(error)}. {AGAIN}") from None
    folder, cache = Path(repo.root_dir), Path(repo.cache.local.path)
    lacking = [commit for commit in commits if not is_whole(folder, commit, cache)]
    if lacking:
        print(f"fetch: {address_of(repo, name)} lacks files of {', '.join(each[:7] for each in lacking)}")
    if not is_whole(folder, "HEAD", cache):
        raise UserError(
            f"{address_of(repo, name)} lacks files of the commit that is checked out. "
            "Whoever made it has them: `make share` there; or `dvc repro` makes them again here."
        )
    try:
        repo.checkout(targets=[PIPELINE], with_deps=True)
    except DvcException as error:
        raise UserError(
            f"all has arrived, but `dvc checkout` keeps what was changed here: {' '.join(str(error).split())} "
            "`dvc status` names it; `dvc checkout --force dvc.yaml` gives it up."
        ) from None


def _cached(repo: Repo) -> dict[str, int]:
    """Bytes of every file and run record in the cache by its path."""
    return sizes(repo.cache.local.path, os.path.join(repo.cache.legacy.path, "runs"))
