"""`timbre share`: everything a colleague's clone needs so as not to run a stage again."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from timbre.errors import UserError, reason
from timbre.sharing.amounts import gained
from timbre.sharing.history import History, experiments, history_of, missing_untold
from timbre.sharing.remotes import address_of, chosen, held
from timbre.sharing.repository import branch, git, git_remote, opened, settings_of

if TYPE_CHECKING:
    from dvc.repo import Repo

CONFIG = Path(".dvc/config")
AGAIN = "Nothing is lost; run the same command again when that is mended."


def share(remote: str | None, root: Path = Path(".")) -> None:
    """Send files and run records, then experiments, then commits, and say how much went.

    Files go first, so that nobody can get a commit or an experiment whose files are not there yet.
    Raises: UserError where something that colleagues need is not committed or tracked, or a server refuses.
    """
    with opened(root) as repo:
        folder = Path(repo.root_dir)
        to_git = git_remote(folder)
        _check_committed(folder)
        _check_tracked(repo, folder)
        name, before = _reached(repo, folder, remote)
        settings = settings_of(repo)
    with opened(root, settings) as repo:
        if git(folder, "status", "--porcelain", "--", str(CONFIG)):
            git(folder, "commit", "--quiet", "--message", f"Share files by {address_of(repo, name)}", "--", str(CONFIG))
            print(f"share: git commit {CONFIG}: the DVC remote `{name}` is {address_of(repo, name)}")
        after = _push_files(repo, name, history_of(folder, Path(repo.cache.local.path)))
        pushed = _push_experiments(repo, to_git)
        _push_commits(folder, to_git)
        print(f"share: {gained(before, after)} went to {address_of(repo, name)}; {pushed}.")
        print("share: a colleague now runs `make fetch` in a clone, where `dvc repro` has nothing left to run.")


def _check_committed(folder: Path) -> None:
    changed = git(folder, "status", "--porcelain", "--", "params.yaml", "*dvc.yaml", "*dvc.lock", "*.dvc").splitlines()
    if changed:
        names = ", ".join(line[3:] for line in changed)
        raise UserError(
            f"{names}: changed but not committed, so it would not travel. "
            "`git add -A && git commit` first, or `git stash` to leave it out."
        )


def _check_tracked(repo: Repo, folder: Path) -> None:
    """Refuse to share what is made of files that neither DVC nor git brings to another clone."""
    outs = [Path(out.fs_path) for out in repo.index.outs]
    for path in dict.fromkeys(Path(dep.fs_path) for dep in repo.index.deps if dep.protocol == "local"):
        if any(path.is_relative_to(out) or out.is_relative_to(path) for out in outs):
            continue
        if path.is_relative_to(folder):
            shown = path.relative_to(folder).as_posix()
            if not git(folder, "ls-files", "--", f":(literal){shown}"):
                raise UserError(
                    f"{shown} is tracked neither by DVC nor by git, so other clones would lack it: "
                    f"`dvc add {shown}`, then commit."
                )


def _reached(repo: Repo, folder: Path, remote: str | None) -> tuple[str, dict[str, int] | None]:
    """Name of the remote and what it holds; a new one that cannot be reached is not noted."""
    noted = (folder / CONFIG).read_bytes()
    try:
        name = chosen(repo, remote)
        return name, held(repo, name)
    except UserError:
        (folder / CONFIG).write_bytes(noted)
        raise


def _push_files(repo: Repo, name: str, history: History) -> dict[str, int] | None:
    """Push files and run records; returns what the remote then holds."""
    print(f"share: dvc push --run-cache: files of {len(history.whole)} commits and experiments")
    if history.lacking:
        print(f"share: {len(history.lacking)} are left out, as not all of their files are in this cache any more")
    try:
        with missing_untold():
            repo.push(remote=name, run_cache=True, revs=list(history.whole))
    except Exception as error:  # each protocol has its own
        raise UserError(f"`dvc push` to {address_of(repo, name)} failed: {reason(error)}. {AGAIN}") from None
    after = held(repo, name)
    if after is not None:
        # DVC passes over commits that it cannot read, and ends well.
        there = {"".join(PurePath(path).parts[-2:]) for path in after}
        absent = [commit for commit, digests in history.whole.items() if digests - there]
        if absent:
            raise UserError(
                f"`dvc push` has ended, but {address_of(repo, name)} lacks files of "
                f"{', '.join(commit[:7] for commit in absent)}. {AGAIN}"
            )
    return after


def _push_experiments(repo: Repo, to_git: str) -> str:
    """Push the references of all experiments; says in words which."""
    if not experiments(Path(repo.root_dir)):
        return "no experiments"
    print(f"share: dvc exp push {to_git} --all-commits --no-cache")
    try:
        pushed = repo.experiments.push(to_git, all_commits=True, push_cache=False)
    except Exception as error:  # each protocol has its own
        raise UserError(f"`dvc exp push {to_git}` failed: {reason(error)}. {AGAIN}") from None
    diverged = pushed.get("diverged", [])
    if diverged:
        print(
            f"share: {to_git} has other experiments named {', '.join(diverged)}, which stay. "
            f"`dvc exp rename` yours, or `dvc exp push --force {to_git} NAME`."
        )
    names = sorted([*pushed.get("success", []), *pushed.get("up_to_date", [])])
    return f"experiments {', '.join(names)}"


def _push_commits(folder: Path, to_git: str) -> None:
    if not branch(folder):
        raise UserError(
            "HEAD is at a commit and on no branch, so there is nothing for `git push` to move. "
            "`git switch -c NAME`, then run the same command again; files and experiments are there."
        )
    print(f"share: git push {to_git} {branch(folder)}")
    git(folder, "push", "--quiet", "--follow-tags", "--set-upstream", to_git, "HEAD")
