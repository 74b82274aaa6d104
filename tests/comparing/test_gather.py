"""Evaluations come out of the workspace, the cache or a remote, and what is missing is named."""

import shutil

import pytest

from timbre.comparing.gather import gathered
from timbre.errors import UserError


def metrics_of(repository, *names):
    with gathered(list(names), repository.folder) as evaluations:
        return [evaluation.metrics for evaluation in evaluations]


def test_experiments_branches_tags_commits_and_the_workspace(repository):
    commit = repository.good("git", "rev-parse", "HEAD").strip()
    workspace, main, tag, sha, dull, again = metrics_of(
        repository, "workspace", "main", "v1", commit[:10], "dull", "again"
    )
    assert main == tag == sha
    assert workspace == dull
    assert [each["model"]["parameters"] for each in (main, dull, again)] == [1000, 1001, 1000]
    assert dull["transfer"]["ltas_db"] > main["transfer"]["ltas_db"]


def test_it_reads_what_belongs_to_a_revision(repository):
    with gathered(["workspace", "dull", "main"], repository.folder) as (workspace, dull, main):
        assert (workspace.name, workspace.commit, workspace.params["seed"]) == ("workspace", "", 1)
        assert (main.name, main.params["seed"]) == ("main", 0)
        assert (dull.name, len(dull.commit), dull.params["seed"]) == ("dull", 7, 1)
        assert dull.lock["stages"]["evaluate"]["params"]["params.yaml"] == {"seed": 1}
        assert set(dull.items["name"]) == {"flute", "glass, cracked", "voice", "test__take_1", "test__take_2"}
        assert workspace.open("audio/transfer/voice.output.flac").read(4) == b"fLaC"
        assert dull.open("audio/transfer/voice.output.flac").read(4) == b"fLaC"


def test_the_workspace_is_what_lies_on_the_disk(copied):
    path = copied.folder / "reports/evaluation/metrics.json"
    path.chmod(0o644)
    path.unlink()
    path.write_text('{"model": {}}')
    assert metrics_of(copied, "workspace", "main")[0] == {"model": {}}


def test_the_settings_of_today_say_where_the_cache_is(copied):
    (copied.folder / ".dvc/cache").rename(copied.folder.parent / "elsewhere")
    (copied.folder / ".dvc/config.local").write_text(f"[cache]\n    dir = {copied.folder.parent / 'elsewhere'}\n")
    assert metrics_of(copied, "dull")[0]["model"]["parameters"] == 1001


def test_what_the_cache_lacks_comes_from_the_remote(copied):
    store = copied.folder.parent / "store"
    # A remote keeps its files as the cache does.
    (copied.folder / ".dvc/cache").rename(store)
    with open(copied.folder / ".dvc/config", "a") as config:
        config.write(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n")
    assert metrics_of(copied, "dull")[0]["model"]["parameters"] == 1001


def fails(repository, name, *words):
    with pytest.raises(UserError) as raised, gathered([name], repository.folder):
        pass
    for word in words:
        assert word in str(raised.value)


def test_a_misspelt_name(repository):
    fails(repository, "dul", "dul: no such experiment, branch, tag or commit", "Did you mean `dull`?")
    fails(repository, "zzzzzz", "There are:", "dull", "again", "main", "v1", "workspace")


def test_an_evaluation_that_neither_cache_nor_remote_has(copied):
    shutil.rmtree(copied.folder / ".dvc/cache")
    fails(copied, "dull", "dull: reports/evaluation/items.csv", "not in the DVC cache", "dvc exp pull", "dvc exp apply")


def test_a_single_file_that_the_cache_lacks(copied):
    digest = next(iter((copied.folder / ".dvc/cache/files/md5").rglob("*.dir")))
    for path in digest.parents[1].rglob("*"):
        if path.is_file() and path.suffix != ".dir":
            path.unlink()
    fails(copied, "dull", "not in the DVC cache")


def test_a_revision_from_before_the_evaluation(repository):
    fails(repository, "empty", "empty: reports/evaluation/items.csv", "No such file")


def test_a_workspace_without_reports(copied):
    shutil.rmtree(copied.folder / "reports")
    fails(copied, "workspace", "workspace: reports/evaluation/items.csv", "`dvc repro`", "`dvc pull`")


def test_a_folder_that_is_no_repository(tmp_path):
    with pytest.raises(UserError, match="no DVC repository"), gathered(["main"], tmp_path):
        pass
