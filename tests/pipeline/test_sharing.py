"""A second clone runs nothing that the first one has run, whatever kind of remote lies between them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support import servers
from support.workspace import Workspace, several, stages_run

KINDS = ("folder", "ssh", "s3", "webdav")
# Of the extra packages: DVC's own, and a server to try it with.
NEEDED = {"ssh": ["dvc_ssh"], "s3": ["dvc_s3", "moto", "flask"], "webdav": ["dvc_webdav", "wsgidav"]}
UP_TO_DATE = "Data and pipelines are up to date."


def timbre(workspace: Workspace, *command: str, **environment: str) -> str:
    return workspace.good("python", "-m", "timbre", *command, PYTHONPATH="src", **environment)


def settled(workspace: Workspace) -> Workspace:
    """The workspace with a name for git to commit by."""
    workspace.environment |= {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return workspace


@pytest.fixture(scope="module")
def first(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A clone with two commits and an experiment of different results; `shared` puts it back."""
    folder = tmp_path_factory.mktemp("first") / "workspace"
    shutil.copytree(built.folder, folder, symlinks=True)
    first = settled(Workspace(folder, folder.parent / "checkpoints"))
    # Another warning about the set, with the limit in its words, and no file that is taken otherwise.
    first.edit(audit__thresholds__ddsp_minutes=20.0)
    assert first.repro() == ["audit", "gate"]
    first.commit()
    several(
        first,
        "dvc exp run -q -n thirty -S audit.thresholds.ddsp_minutes=30.0",
        "git checkout -q --force HEAD",
        "dvc checkout -q --force dvc.yaml",
    )
    return first


@contextlib.contextmanager
def store_of(kind: str, work: Path):
    """A store of a kind on a server of its own."""
    for needed in NEEDED.get(kind, ()):
        if not importlib.util.find_spec(needed):
            pytest.skip(f"{needed} is not installed")
    work.mkdir()
    with getattr(servers, kind)(work) as store:
        yield store


@contextlib.contextmanager
def shared(first: Workspace, work: Path, store: servers.Store):
    """What `timbre share` says, while a bare repository is where both clones push to."""
    bare = work / "bare.git"
    base = first.good("git", "rev-parse", "HEAD").strip()
    first.good("git", "init", "-q", "--bare", str(bare))
    first.good("git", "remote", "add", "origin", str(bare))
    try:
        if store.settings:
            # What must be told before the server lets anybody in is told to a remote that is there already.
            first.good("dvc", "remote", "add", "-q", "-d", "shared", store.address)
            store.tell(first.folder)
        remote = [] if store.settings else [store.address]
        yield timbre(first, "share", *remote, **store.environment)
    finally:
        first.good("git", "remote", "remove", "origin")
        first.good("git", "reset", "-q", "--hard", base)
        (first.folder / ".dvc/config.local").unlink(missing_ok=True)


def clone(work: Path, name: str = "second") -> Workspace:
    subprocess.run(["git", "clone", "-q", work / "bare.git", work / name], check=True)
    return Workspace(work / name, work / f"{name}-checkpoints")


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_clone_runs_no_stage_of_any_commit_or_experiment(kind, first, tmp_path):
    work = tmp_path / "work"
    with store_of(kind, work) as store, shared(first, work, store) as said:
        sent = re.search(r"share: (\d+) files, [\d.]+ [kM]B went to (\S+); experiments thirty\.", said)
        assert sent and sent[2] == store.address
        second = clone(work)
        store.tell(second.folder)
        # An older commit's files come when asked for.
        said = timbre(second, "fetch", "HEAD~2", **store.environment)
        came = re.search(r"fetch: (\d+) files, [\d.]+ [kM]B came from \S+; new experiments: thirty\.", said)
        assert came and came[1] == sent[1]
        if store.folder:
            assert int(sent[1]) == sum(path.is_file() for path in store.folder.rglob("*"))
        # Each commit and the experiment; without its files, a stage would run.
        (thirty,) = second.good("git", "for-each-ref", "--format=%(objectname)", "refs/exps/*/*/*").split()
        said = several(
            second,
            "dvc repro",
            *(
                line
                for commit in (thirty, "origin/HEAD~2")
                for line in (f"git checkout -q --force {commit}", "dvc checkout -q --force dvc.yaml", "dvc repro")
            ),
        )
        assert [stages_run(each) for each in said] == [[]] * len(said)
        assert [UP_TO_DATE in each for each in said].count(True) == 3
        assert (second.folder / "models/export/model.ts").exists()


def test_two_clones_of_a_lab_box_work_from_one_cache(first, tmp_path):
    cache = tmp_path / "cache"
    # As if the first clone had been set up so before it ran.
    shutil.copytree(first.folder / ".dvc" / "cache", cache)
    subprocess.run(["git", "clone", "-q", first.folder, tmp_path / "second"], check=True)
    second = Workspace(tmp_path / "second", tmp_path / "checkpoints")
    said = several(
        second,
        f"dvc cache dir --local {cache}",
        "dvc config --local cache.shared group",
        "dvc config --local cache.type reflink,symlink,copy",
        "dvc checkout -q dvc.yaml",
        "dvc repro",
    )
    assert UP_TO_DATE in said[-1]
    assert (second.folder / "models" / "train" / "weights.pt").resolve().is_relative_to(cache)
    # What the first clone tried in an experiment that it has not committed.
    second.edit(audit__thresholds__ddsp_minutes=30.0)
    said = second.good("dvc", "repro")
    assert "Stage 'audit' is cached - skipping run" in said
    assert "Running stage" not in said
    # What this one adds, in a folder of the cache that was not there before, others of the group may write beside.
    objects = cache / "files" / "md5"
    digests = ((text, hashlib.md5(text).hexdigest()) for text in (b"note %d" % number for number in itertools.count()))
    note, digest = next(each for each in digests if not (objects / each[1][:2]).exists())
    (second.folder / "note.txt").write_bytes(note)
    second.good("dvc", "add", "-q", "note.txt")
    added = objects / digest[:2] / digest[2:]
    assert added.stat().st_mode & 0o777 == 0o444
    assert added.parent.stat().st_mode & 0o020
