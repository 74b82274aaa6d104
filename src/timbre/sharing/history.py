"""The commits and experiments of a repository, and whether the cache has all that they need."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from timbre.sharing.repository import git

# With what it depends on: the demo corpus, say, is not needed where it is not what the pipeline takes.
PIPELINE = "dvc.yaml"
LOCK = "dvc.lock"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class History:
    """Commits of this branch and experiments by what the cache holds of them.

    whole: those of which it has all that they need, whose MD5 they are told with. lacking: the others.
    """

    whole: dict[str, set[str]]
    lacking: list[str]


def experiments(folder: Path) -> dict[str, str]:
    """Commits of the experiments by their references, each of which ends in a name."""
    # refs/exps/<two digits>/<the other digits of the commit that it starts from>/<name>
    listed = git(folder, "for-each-ref", "--format=%(refname) %(objectname)", "refs/exps/*/*/*").splitlines()
    return dict(line.rsplit(" ", 1) for line in listed)


def history_of(folder: Path, cache: Path) -> History:
    """What this branch and the experiments have made, newest first; commits that change nothing of it are passed by.

    The lock of a project that was cloned may speak of files which were never here; DVC would warn of each.
    """
    commits = git(folder, "log", "--format=%H", "--", LOCK, ":(glob)**/*.dvc").split()
    whole, lacking = {}, []
    for commit in dict.fromkeys([*commits, *experiments(folder).values()]):
        digests = needed(folder, commit)
        if _holds(cache, digests):
            whole[commit] = digests
        else:
            lacking.append(commit)
    return History(whole, lacking)


def is_whole(folder: Path, commit: str, cache: Path) -> bool:
    """Whether the cache has all that a commit needs."""
    return _holds(cache, needed(folder, commit))


@contextmanager
def missing_untold() -> Iterator[None]:
    """Keep DVC from listing each file that is neither here nor there.

    That is all that DVC does of it, and in a project that does not use the demo corpus it does so each time. Whether
    something is missing that is needed, `is_whole` tells.
    """
    logger = logging.getLogger("dvc_data.index.fetch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def needed(folder: Path, commit: str) -> set[str]:
    """MD5 of all that DVC keeps for the pipeline of a commit: what it has made, and what it was made of."""
    lock = _content(folder, commit, LOCK)
    stages = lock.get("stages", {}).values()
    used = {dep.get("md5") for stage in stages for dep in stage.get("deps", [])}
    paths = git(folder, "ls-tree", "-r", "--name-only", commit).splitlines()
    others = [path for path in paths if path.endswith(("/dvc.lock", ".dvc"))]
    tracked = {md5 for path in others for md5 in _outs(_content(folder, commit, path))}
    return _outs(lock) | (used & tracked)


def _holds(cache: Path, digests: set[str]) -> bool:
    return all((cache / digest[:2] / digest[2:]).exists() for digest in digests)


def _outs(content: dict) -> set[str]:
    """MD5 of the outs of a dvc.lock or a .dvc file."""
    outs = [out for stage in (content, *content.get("stages", {}).values()) for out in stage.get("outs", [])]
    return {out["md5"] for out in outs if out.get("md5") and out.get("cache", True)}


def _content(folder: Path, commit: str, path: str) -> dict:
    """A YAML file of a commit; empty where it is not there, or is no such file."""
    done = subprocess.run(["git", "show", f"{commit}:./{path}"], cwd=folder, capture_output=True)
    try:
        content = yaml.load(done.stdout, Loader=LOADER) if done.returncode == 0 else None
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}
