"""The DVC remote: which one, whether its address can be shared, and what it holds."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from timbre.errors import UserError, reason
from timbre.sharing.amounts import sizes

if TYPE_CHECKING:
    from dvc.repo import Repo

NAME = "shared"
# What pip installs for an address, by its scheme; pyproject.toml has an extra of the same name.
EXTRAS = {"s3": "s3", "ssh": "ssh", "webdav": "webdav", "webdavs": "webdav"}
# They can neither be listed nor keep a run cache.
PLAIN = ("http", "https")


def checked_address(address: str, root: Path) -> str:
    """An address fit for a remote that several clones use: a URL, or an absolute path outside the repository.

    A relative path is refused: `dvc push` takes it from .dvc, `dvc exp push` from the root of the disk, and neither
    says so. Raises: UserError that says what to give instead.
    """
    path = Path(address).expanduser()
    if path.is_absolute():
        if path.resolve().is_relative_to(root.resolve()):
            raise UserError(
                f"REMOTE={address} lies within this repository, where no other clone looks. "
                "Name a folder outside of it, on a disk that all share."
            )
        return str(path)
    url = urlsplit(address)
    if PureWindowsPath(address).is_absolute() or (url.scheme and url.netloc):
        if url.password:
            raise UserError(
                f"REMOTE={url.scheme}://…: its password would be committed. Leave it out, and keep it in "
                f"this clone alone: `dvc remote modify --local {NAME} password …`."
            )
        return address
    if url.scheme == "file":
        raise UserError(f"REMOTE={address}: give the path alone, {url.path}.")
    raise UserError(
        f"REMOTE={address} is a relative path, which `dvc push` and `dvc exp push` would look for in different places. "
        f"Give it from the root of the disk, {path.resolve()} perhaps, or a URL such as ssh://host/path or "
        "s3://bucket/path."
    )


def chosen(repo: Repo, wanted: str | None) -> str:
    """Name of the remote to use: the default one, one by its name, or one of that address, added where it is new.

    A new one goes to .dvc/config as the default. Raises: UserError where there is none or its address is unfit.
    """
    root = Path(repo.root_dir)
    remotes = repo.config["remote"]
    default = repo.config["core"].get("remote")
    if wanted is None:
        if not default:
            raise UserError(
                "there is no DVC remote yet. Say where files go: `make share REMOTE=URL`, an absolute path "
                "or a URL such as ssh://host/path or s3://bucket/path. "
                "If somebody else has shared already, `git pull` brings the remote."
            )
        name = default
    elif wanted in remotes:
        name = wanted
    else:
        address = checked_address(wanted, root)
        known = [each for each, settings in remotes.items() if settings["url"] == address]
        name = known[0] if known else NAME
        if not known and NAME in remotes:
            raise UserError(
                f"the DVC remote `{NAME}` is {remotes[NAME]['url']}. To use {address} instead, first "
                f"`dvc remote modify {NAME} url {address}`, or `dvc remote remove {NAME}`."
            )
        check_installed(address)
        if name != default:
            with repo.config.edit("repo") as config:
                config["remote"].setdefault(name, {"url": address})
                config["core"]["remote"] = name
    check_absolute(repo, name)
    check_installed(address_of(repo, name))
    _complete(repo, name)
    return name


def address_of(repo: Repo, name: str) -> str:
    """The address of a remote."""
    return repo.config["remote"][name]["url"]


def held(repo: Repo, name: str) -> dict[str, int] | None:
    """Bytes of every file that a remote holds by its path, None where it cannot be listed.

    Raises: UserError where it cannot be reached.
    """
    address = address_of(repo, name)
    if urlsplit(address).scheme in PLAIN:
        return None
    try:
        remote = repo.cloud.get_remote(name)
        folders = [remote.fs.join(remote.path, folder) for folder in ("files", "runs")]
        if remote.fs.protocol == "local":
            return sizes(*folders)
        files, found = remote.fs.fs, {}
        files.invalidate_cache()
        for folder in folders:
            with suppress(FileNotFoundError):
                found |= files.find(folder, detail=True)
    except Exception as error:  # each protocol has its own
        raise UserError(
            f"the DVC remote `{name}` ({address}) cannot be reached: {reason(error)}. "
            "Its server, the path and your access must be right; `dvc remote modify --local` keeps "
            "user, key file, password or endpointurl."
        ) from None
    return {path: int(info.get("size") or 0) for path, info in found.items()}


def _complete(repo: Repo, name: str) -> None:
    """Note the address beside this clone's own settings of a remote, if it has any.

    In commits older than the remote these would stand alone, and DVC refuses a remote without an address.
    """
    local = repo.config.load_one("local")["remote"].get(name)
    if local and "url" not in local:
        with repo.config.edit("local") as config:
            config["remote"][name]["url"] = address_of(repo, name)


def check_absolute(repo: Repo, name: str) -> None:
    """Raises: UserError where a remote's address is a relative path in the configuration."""
    from dvc.config_schema import RelPath

    for level in ("local", "repo"):
        address = repo.config.load_one(level)["remote"].get(name, {}).get("url")
        if isinstance(address, RelPath):
            raise UserError(
                f"the DVC remote `{name}` has a relative path, which `dvc push` and `dvc exp push` look for in "
                f"different places. Put it right: `dvc remote modify {name} url {Path(address).resolve()}`."
            )


def check_installed(address: str) -> None:
    """Raises: UserError where DVC does not know an address's protocol, or lacks the package for it."""
    from dvc_objects.fs import registry

    scheme = urlsplit(address).scheme
    if not scheme or PureWindowsPath(address).drive:
        return
    if scheme not in registry:
        raise UserError(f"{address}: DVC knows no {scheme}://. It knows {', '.join(sorted(registry))} and paths.")
    try:
        registry[scheme]
    except ImportError:
        extra = EXTRAS.get(scheme)
        how = f'pip install -e ".[{extra}]" -c constraints.txt' if extra else f"pip install dvc-{scheme}"
        raise UserError(f"{address}: {scheme} needs a package that is not installed: `{how}`.") from None
