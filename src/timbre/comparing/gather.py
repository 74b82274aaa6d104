"""What a revision's evaluation left, out of the workspace or the DVC cache."""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import yaml

from timbre.errors import UserError, reason

WORKSPACE = "workspace"
REPORTS = "reports/evaluation"
ABBREVIATED = 7


@dataclass(frozen=True)
class Evaluation:
    """One revision's evaluation.

    commit: abbreviated, empty of the workspace. metrics, items, summary: the files of these names; summary is empty
    where there is none. params, lock: the content of params.yaml and dvc.lock. open: a file below the folder of reports
    for reading, by its path there.
    """

    name: str
    commit: str
    metrics: dict
    items: pd.DataFrame
    summary: dict
    params: dict
    lock: dict
    open: Callable[[str], BinaryIO]


@contextmanager
def gathered(revisions: list[str], root: Path = Path(".")) -> Iterator[list[Evaluation]]:
    """The evaluations of experiments, branches, tags, commits and "workspace", in this order, while it is open.

    What is not in the cache is taken from the remote, where there is one.
    Raises: UserError where there is no such revision, or its evaluation is to be had nowhere.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import NoSCM

    try:
        repo = Repo(str(root))
    except NotDvcRepoError:
        raise UserError("this folder is no DVC repository. Run this from the folder that holds params.yaml.") from None
    with repo:
        if isinstance(repo.scm, NoSCM):
            raise UserError("this DVC repository is no git repository, so it has no revisions to compare.")
        yield [_workspace(Path(repo.root_dir)) if name == WORKSPACE else _committed(repo, name) for name in revisions]


def _workspace(root: Path) -> Evaluation:
    def content(path: str) -> BinaryIO:
        return open(root / path, "rb")

    return _read(WORKSPACE, "", content, "Run `dvc repro` to make it, or `dvc pull` to fetch it")


def _committed(repo, name: str) -> Evaluation:
    """The evaluation of a revision that git knows."""
    from dvc.api import DVCFileSystem
    from dvc.scm import RevError, resolve_rev

    try:
        commit = resolve_rev(repo.scm, name)
    except RevError as error:
        raise UserError(_unknown(repo, name, str(error))) from None
    # A revision is read with the settings of today: cache and remotes may be named in .dvc/config.local alone.
    settings = {section: repo.config[section] for section in ("cache", "core", "remote")}
    files = DVCFileSystem(repo.root_dir, rev=commit, config=settings)
    advice = (
        f"Fetch it with `dvc exp pull GIT_REMOTE {name}` if it is an experiment, else with `dvc fetch --all-commits "
        f"{REPORTS}`; or bring it back with `dvc exp apply {name}` or `git checkout {name}`, then `dvc repro`"
    )
    return _read(name, commit[:ABBREVIATED], lambda path: files.open(path, "rb"), advice)


def _unknown(repo, name: str, error: str) -> str:
    """What to say of a name that is no revision: the names that come near it, or all there are."""
    if "ambiguous" in error:
        return f"{name}: more than one experiment has this name. Name it by its commit; `dvc exp list -A` shows them."
    experiments = [found for pairs in repo.experiments.ls(all_commits=True).values() for found, _ in pairs]
    names = [*experiments, *repo.scm.list_branches(), *repo.scm.list_tags(), WORKSPACE, "HEAD"]
    names = list(dict.fromkeys(str(each) for each in names if each))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    told = f"Did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else f"There are: {', '.join(names)}."
    return f"{name}: no such experiment, branch, tag or commit. {told}"


def _read(name: str, commit: str, content: Callable[[str], BinaryIO], advice: str) -> Evaluation:
    """Read the small files of an evaluation; `content` opens a path below the repository."""
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError

    def read(path: str) -> bytes:
        try:
            with content(path) as file:
                return file.read()
        except (OSError, DvcException, DataIndexDirError) as error:
            raise UserError(f"{name}: {path} is not to be had ({_why(error)}). {advice}.") from None

    def optional(path: str) -> bytes:
        try:
            return read(path)
        except UserError:
            return b""

    texts = dict.fromkeys(("kind", "name", "file", "status"), str)
    table = pd.read_csv(io.BytesIO(read(f"{REPORTS}/items.csv")), dtype=texts, keep_default_na=False, na_values=[""])
    return Evaluation(
        name,
        commit,
        json.loads(read(f"{REPORTS}/metrics.json")),
        table[table["status"] == "measured"].reset_index(drop=True),
        json.loads(optional(f"{REPORTS}/summary.json") or b"{}"),
        yaml.safe_load(optional("params.yaml")) or {},
        yaml.safe_load(optional("dvc.lock")) or {},
        lambda path: content(f"{REPORTS}/{path}"),
    )


def _why(error: Exception) -> str:
    text = getattr(error, "strerror", None) or reason(error)
    # Of a file and of a folder that neither the cache nor a remote has.
    lacking = ("No storage files available", "failed to load directory")
    return "not in the DVC cache" if text.startswith(lacking) else text
