"""Whether the remotes answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from timbre.doctor.finding import FAULT, OK, WARNING, Finding
from timbre.errors import UserError
from timbre.sharing.remotes import check_absolute, check_installed, held

if TYPE_CHECKING:
    from dvc.repo import Repo

CONNECT_SECONDS = 2.0
PORTS = {"ssh": 22, "http": 80, "webdav": 80, "https": 443, "webdavs": 443, "s3": 443}


def remotes(repo: Repo, deep: bool) -> Iterator[Finding]:
    """A finding for each DVC remote: its folder is there, or its port answers; with `deep` it is also listed."""
    names = sorted(repo.config["remote"])
    if not names:
        yield Finding(OK, "remote", "none yet; `make share REMOTE=URL` sends results to one")
        return
    with ThreadPoolExecutor(len(names)) as pool:
        yield from pool.map(lambda name: _remote(repo, name, deep), names)


def _remote(repo: Repo, name: str, deep: bool) -> Finding:
    settings = repo.config["remote"][name]
    told = f"`{name}` {settings['url']}"
    try:
        check_absolute(repo, name)
        check_installed(settings["url"])
    except UserError as error:
        return Finding(FAULT, "remote", told, str(error))
    try:
        if deep:
            count = held(repo, name)
            return Finding(OK, "remote", f"{told} answers" + ("" if count is None else f", {len(count)} files"))
        return _answer(settings, told)
    except UserError as error:
        return Finding(WARNING, "remote", told, str(error))


def _answer(settings: dict, told: str) -> Finding:
    url = urlsplit(settings["url"])
    if not url.scheme or Path(settings["url"]).is_absolute():
        folder = Path(settings["url"])
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not os.access(there, os.W_OK):
            return Finding(WARNING, "remote", f"{told} cannot be written", f"mount its disk, or make {folder} writable")
        return Finding(OK, "remote", told + ("" if folder.exists() else ", not there yet; the first share makes it"))
    if url.scheme == "s3":
        url = urlsplit(settings.get("endpointurl") or os.environ.get("AWS_ENDPOINT_URL") or "https://s3.amazonaws.com")
    port = settings.get("port") or url.port or PORTS.get(url.scheme)
    host = settings.get("host") or url.hostname
    if port is None or host is None:
        return Finding(OK, "remote", f"{told}, not asked; --deep asks it")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        why = error.strerror or str(error)
        return Finding(
            WARNING,
            "remote",
            f"{told}: {host}:{port} does not answer ({why})",
            "check the network, and the address by `dvc remote list`; results stay here meanwhile",
        )
    return Finding(OK, "remote", f"{told} answers; --deep tries keys and rights too")
