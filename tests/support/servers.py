"""Servers on loopback that a DVC remote can be at, each ended after use."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.processes import end, free_port

PATIENCE_SECONDS = 30.0
# What asyncssh, which DVC's own client is made of, needs to be a server with the same keys.
SSH_SERVER = """
import asyncio, sys
import asyncssh

async def serve(port, host_key, authorized):
    await asyncssh.listen("127.0.0.1", int(port), server_host_keys=[host_key], authorized_client_keys=authorized,
                          sftp_factory=True, process_factory=None)
    await asyncio.Event().wait()

asyncio.run(serve(*sys.argv[1:]))
"""


@dataclass(frozen=True)
class Store:
    """Where a remote lies: its address, its folder on this disk if it has one, and what each clone must be told."""

    address: str
    folder: Path | None = None
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def tell(self, clone: Path, name: str = "shared") -> None:
        """Note the settings where git does not see them, as `dvc remote modify --local` does."""
        if self.settings:
            lines = [f"['remote \"{name}\"']", *(f"    {key} = {value}" for key, value in self.settings.items())]
            (clone / ".dvc" / "config.local").write_text("\n".join(lines) + "\n")


@contextlib.contextmanager
def folder(work: Path) -> Iterator[Store]:
    """A folder on this disk."""
    yield Store(str(work / "store"), work / "store")


@contextlib.contextmanager
def ssh(work: Path) -> Iterator[Store]:
    """OpenSSH's own server where there is one, else asyncssh's; with a key, below a folder."""
    work.mkdir(exist_ok=True)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / name], check=True)
    port, sshd = free_port(), shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    # Root's needs a folder, and a user, that only an installation makes.
    if sshd and (os.geteuid() != 0 or Path("/run/sshd").is_dir()):
        settings = {
            "HostKey": work / "host",
            "AuthorizedKeysFile": work / "client.pub",
            "ListenAddress": "127.0.0.1",
            "Port": port,
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "yes",
            "Subsystem": "sftp internal-sftp",
        }
        (work / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
        command = [sshd, "-D", "-e", "-f", str(work / "sshd_config")]
    else:
        command = [sys.executable, "-c", SSH_SERVER, str(port), str(work / "host"), str(work / "client.pub")]
    with serving(command, port, work):
        store = work / "store"
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{store}"
        yield Store(address, store, {"keyfile": str(work / "client")})


@contextlib.contextmanager
def webdav(work: Path) -> Iterator[Store]:
    """WsgiDAV over a folder, open to everybody."""
    store, port = work / "store", free_port()
    store.mkdir(parents=True)
    run = "from wsgidav.server.server_cli import run; run()"
    command = [sys.executable, "-c", run, "--host", "127.0.0.1", "--port", str(port), "--root", str(store)]
    with serving([*command, "--auth", "anonymous", "--no-config"], port, work):
        yield Store(f"webdav://127.0.0.1:{port}", store)


@contextlib.contextmanager
def s3(work: Path) -> Iterator[Store]:
    """Moto's server with one empty bucket."""
    work.mkdir(exist_ok=True)
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port, work):
        urllib.request.urlopen(urllib.request.Request(f"{here}/recordings", method="PUT"), timeout=PATIENCE_SECONDS)
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        yield Store("s3://recordings/timbre", None, {"endpointurl": here}, keys)


@contextlib.contextmanager
def serving(command: list[str], port: int, work: Path) -> Iterator[None]:
    """A server while it is needed, once it listens."""
    with open(work / "server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=work, stdout=log, stderr=log)
    try:
        patient_until = time.monotonic() + PATIENCE_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                break
            if process.poll() is not None or time.monotonic() > patient_until:
                raise RuntimeError(f"{command[0]} does not listen:\n{(work / 'server.log').read_text()}")
            time.sleep(0.05)
        yield
    finally:
        end(process)
