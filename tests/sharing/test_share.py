"""What is not fit to be shared is refused before anything is sent, and every failure says what to do."""

import re
import shutil
import subprocess

import pytest
from support.workspace import Workspace

from timbre.errors import UserError
from timbre.sharing.amounts import gained, in_bytes
from timbre.sharing.fetch import fetch
from timbre.sharing.history import history_of
from timbre.sharing.remotes import checked_address
from timbre.sharing.repository import git_remote
from timbre.sharing.share import share


@pytest.mark.parametrize(
    ("address", "told"),
    (
        ("../store", "is a relative path.*/store perhaps"),
        ("store", "is a relative path"),
        ("./a b", "is a relative path"),
        ("s3:bucket", "is a relative path"),
        ("file:///srv/store", "give the path alone, /srv/store"),
        ("ssh://me:secret@host/path", "its password would be committed"),
    ),
)
def test_addresses_that_other_clones_could_not_use_are_refused(tmp_path, address, told):
    with pytest.raises(UserError, match=told) as raised:
        checked_address(address, tmp_path)
    assert "secret" not in str(raised.value)


def test_an_address_within_the_repository_is_refused(tmp_path):
    with pytest.raises(UserError, match="lies within this repository"):
        checked_address(str(tmp_path / "store"), tmp_path)


@pytest.mark.parametrize(
    "address",
    ("/srv/store", "ssh://me@host:22/srv/store", "s3://bucket", "webdav://host/path", r"D:\store", "//server/store"),
)
def test_good_addresses_stay_as_they_are(tmp_path, address):
    assert checked_address(address, tmp_path) == address


def test_amounts_in_words():
    assert [in_bytes(count) for count in (1, 999, 1000, 12_345_678, 5 * 10**12)] == [
        "1 bytes",
        "999 bytes",
        "1.0 kB",
        "12.3 MB",
        "5000.0 GB",
    ]
    assert gained({"a": 1}, {"a": 1, "b": 2000, "c": 1}) == "2 files, 2.0 kB"
    assert gained({"a": 1}, {"a": 9, "b": 2}) == "1 file, 2 bytes"
    assert gained({"a": 1}, {"a": 1}) == "nothing new"
    assert "not known" in gained(None, {})


def refused(toy: Workspace, remote: str | None, told: str) -> None:
    """`share` ends in an error, and has neither written a remote nor pushed a commit."""
    config, commits = (toy.folder / ".dvc/config").read_text(), toy.good("git", "ls-remote", "origin")
    with pytest.raises(UserError, match=told):
        share(remote)
    assert (toy.folder / ".dvc/config").read_text() == config
    assert toy.good("git", "ls-remote", "origin") == commits


def test_a_relative_path_is_refused(toy):
    refused(toy, "../store", "relative path")
    # One that somebody else has configured, too.
    (toy.folder / ".dvc/config.local").write_text(
        "['remote \"old\"']\n    url = ../../store\n[core]\n    remote = old\n"
    )
    refused(toy, None, "`old` has a relative path")


def test_no_remote_is_told(toy):
    refused(toy, None, "make share REMOTE=URL")
    toy.good("git", "push", "-q", "origin", "main")
    with pytest.raises(UserError, match="make share REMOTE=URL"):
        fetch([])


def test_what_is_not_committed_is_named(toy, tmp_path):
    (toy.folder / "params.yaml").write_text("seed: 3\n")
    refused(toy, str(tmp_path / "store"), r"^params.yaml: changed but not committed")


def test_recordings_that_no_clone_would_get_are_named(toy, tmp_path):
    toy.good("git", "rm", "-rq", "--cached", "sounds")
    (toy.folder / ".gitignore").write_text("/made\n/sounds\n")
    toy.commit()
    refused(toy, str(tmp_path / "store"), r"^sounds is tracked neither by DVC nor by git.*`dvc add sounds`")


def test_a_package_that_lacks_and_a_protocol_that_is_none_are_told(toy, monkeypatch):
    from dvc_objects.fs import known_implementations

    lacking = {"class": "no_such_package.FileSystem", "err": "lacks"}
    monkeypatch.setitem(known_implementations, "ssh", lacking)
    refused(toy, "ssh://host/path", r'pip install -e "\.\[ssh\]" -c constraints\.txt')
    refused(toy, "ftp2://host/path", "DVC knows no ftp2://")


def test_a_server_that_is_not_there_is_told(toy):
    pytest.importorskip("dvc_webdav")
    refused(toy, "webdav://127.0.0.1:9", r"webdav://127\.0\.0\.1:9\) cannot be reached")


def test_no_git_remote_and_too_many_are_told(toy):
    toy.good("git", "remote", "rename", "origin", "one")
    try:
        assert git_remote(toy.folder) == "one"
        toy.good("git", "remote", "add", "two", "nowhere")
        with pytest.raises(UserError, match=r"several git remotes \(one, two\)"):
            git_remote(toy.folder)
        toy.good("git", "config", "branch.main.remote", "two")
        assert git_remote(toy.folder) == "two"
        toy.good("git", "config", "--unset", "branch.main.remote")
        toy.good("git", "remote", "remove", "two")
        toy.good("git", "remote", "rename", "one", "old")
        toy.good("git", "config", "--rename-section", "remote.old", "kept.old")
        with pytest.raises(UserError, match="there is no git remote"):
            git_remote(toy.folder)
        toy.good("git", "config", "--rename-section", "kept.old", "remote.old")
        toy.good("git", "remote", "rename", "old", "one")
    finally:
        toy.good("git", "remote", "rename", "one", "origin")


def test_commits_whose_files_are_gone_are_left_out(toy):
    first = toy.good("git", "rev-parse", "HEAD").strip()
    toy.edit(seed=1)
    toy.good("dvc", "repro", "-q")
    toy.commit()
    second = toy.good("git", "rev-parse", "HEAD").strip()
    cache = toy.folder / ".dvc/cache/files/md5"
    assert list(history_of(toy.folder, cache).whole) == [second, first]
    lock = toy.good("git", "show", f"{first}:dvc.lock")
    digest = re.findall(r"md5: (\w{32}\.dir)", lock)[-1]
    (cache / digest[:2] / digest[2:]).rename(toy.folder / ".dvc/tmp/kept")
    assert history_of(toy.folder, cache).lacking == [first]
    (toy.folder / ".dvc/tmp/kept").rename(cache / digest[:2] / digest[2:])


def test_a_second_share_sends_what_is_new_and_a_fetch_keeps_what_was_changed_here(toy, tmp_path, capsys):
    store = str(tmp_path / "store")
    toy.good("dvc", "exp", "run", "-q", "-n", "eight", "-S", "seed=8")
    toy.good("git", "checkout", "-q", "--force", "HEAD")
    share(store)
    assert re.search(r"share: \d+ files, [\d.]+ kB went to", capsys.readouterr().out)
    share(None)
    assert "share: nothing new went to" in capsys.readouterr().out
    subprocess.run(["git", "clone", "-q", toy.folder.parent / "bare.git", tmp_path / "second"], check=True)
    fetch([], tmp_path / "second")
    assert re.search(r"fetch: \d+ files, [\d.]+ kB came from", capsys.readouterr().out)
    fetch([], tmp_path / "second")
    said = capsys.readouterr()
    assert "fetch: nothing new came from" in said.out
    assert "lacks files" not in said.out + said.err
    # Made before there was a remote, which DVC's own `exp push` passes over.
    second = Workspace(tmp_path / "second", tmp_path / "checkpoints")
    second.good("dvc", "exp", "apply", "eight")
    assert second.repro() == []
    assert (second.folder / "made/one.txt").read_text().startswith("one 8")
    second.good("git", "checkout", "-q", "--force", "HEAD")
    second.good("dvc", "checkout", "-q", "--force")
    changed = tmp_path / "second" / "made" / "one.txt"
    changed.unlink()
    changed.write_text("mine")
    with pytest.raises(UserError, match=r"`dvc checkout --force dvc\.yaml` gives it up"):
        fetch([], tmp_path / "second")
    assert changed.read_text() == "mine"
    shutil.rmtree(store)
    shutil.rmtree(tmp_path / "second" / ".dvc" / "cache")
    with pytest.raises(UserError, match=f"^{store} lacks files of the commit that is checked out"):
        fetch([], tmp_path / "second")
