"""`timbre doctor`: looks at everything that a run needs, and says how to mend what is not right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from timbre.doctor import cache, leftovers, machine, servers
from timbre.doctor.finding import FAULT, WARNING, Finding, lines
from timbre.errors import UserError, reason
from timbre.files import checkpoints_root


def doctor(deep: bool, root: Path = Path(".")) -> bool:
    """Print the findings; returns whether timbre can be used. `deep` reads the whole cache and lists the remotes."""
    findings = examined(deep, root.resolve())
    print("\n".join(lines(findings)))
    faults = sum(finding.state == FAULT for finding in findings)
    warnings = sum(finding.state == WARNING for finding in findings)
    told = f"doctor: {_counted(faults, 'fault')}, {_counted(warnings, 'warning')}."
    print(told + (" Mend the faults first." if faults else ""))
    return not faults


def examined(deep: bool, root: Path) -> list[Finding]:
    """The findings of all checks; one that fails is a warning of its own."""
    checkpoints = checkpoints_root()
    places = {"the workspace": root, "checkpoints": checkpoints}
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("Python", machine.python),
        ("packages", lambda: machine.packages(root)),
        ("torch", machine.torch_build),
        ("memory", machine.memory),
    ]
    findings = [finding for name, check in checks for finding in _tried(name, check)]
    findings += _tried("DVC", lambda: _repository(deep, root, places))
    findings += _tried("disk", lambda: machine.disk(places))
    findings += _tried("checkpoints", lambda: [leftovers.checkpoints(checkpoints)])
    return findings


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _repository(deep: bool, root: Path, places: dict[str, Path]) -> Iterable[Finding]:
    from timbre.sharing.repository import opened

    try:
        with opened(root) as repo:
            folder = Path(repo.cache.local_cache_dir)
            places["the cache"] = folder
            wanted = repo.config["cache"].get("type") or ["reflink", "copy"]
            workspace, hidden = Path(repo.root_dir), Path(repo.dvc_dir)
            yield cache.link_type(folder, workspace, wanted)
            yield from cache.integrity(folder, hidden / "tmp", workspace, deep)
            yield from servers.remotes(repo, deep)
            yield leftovers.copies(hidden)
    except UserError as error:
        yield Finding(FAULT, "DVC", reason(error))


def _tried(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    found = []
    try:
        found.extend(check())
    except Exception as error:  # whatever is broken here is what a doctor is asked about
        found.append(
            Finding(
                WARNING,
                name,
                f"could not be checked ({type(error).__name__}: {reason(error)})",
                "run again; if it stays, report these words",
            )
        )
    return found
