"""Which files to drop, to redo, or to listen to, and why."""

from __future__ import annotations

from timbre.audio.table import counted
from timbre.audit.advice.entry import entry, length, listed
from timbre.audit.checks.catalogue import FILE_CHECKS
from timbre.audit.recordings import Recordings


def advise_on_files(recordings: Recordings, warnings: list[dict]) -> dict:
    """What is left out, what to record or export anew, what to listen to; each with its checks, worst first.

    warnings: as `find_warnings` gives them.
    """
    checks = {check.name: check for check in FILE_CHECKS}
    lists: dict[str, dict[str, list[str]]] = {"left_out": {}, "redo": {}, "listen": {}}
    for warning in warnings:
        check = checks.get(warning["check"])
        if check is None:
            continue
        kind = "left_out" if check.of_left_out else check.remedy
        if kind in lists:
            lists[kind].setdefault(warning["file"], []).append(check.name)
    # A file that is to be redone need not be listened to, but may have more wrong with it.
    for file, names in lists["redo"].items():
        names += lists["listen"].pop(file, [])
    training = recordings.training
    redone = float(training.loc[training["file"].isin(lists["redo"]), "duration_seconds"].sum() / 60.0)
    titles = {check.name: check.title.lower() for check in FILE_CHECKS}
    parts = []
    if lists["left_out"]:
        parts.append(
            f"{counted(len(lists['left_out']), 'file')} left out ({recordings.lost_percent:.1f} % of all minutes): "
            f"{_named(lists['left_out'], titles)}."
        )
    if lists["redo"]:
        parts.append(
            f"{counted(len(lists['redo']), 'file')} to redo or to drop: {_named(lists['redo'], titles)}. "
            f"Without them {length(recordings.minutes - redone)} are left."
        )
    if lists["listen"]:
        parts.append(f"{counted(len(lists['listen']), 'file')} to listen to: {_named(lists['listen'], titles)}.")
    choose = {kind: [{"file": file, "why": names} for file, names in found.items()] for kind, found in lists.items()}
    return entry(
        choose, " ".join(parts) or "Every file can be used as it is.",
        left_out=len(lists["left_out"]), redo=len(lists["redo"]), listen=len(lists["listen"]), redo_minutes=redone,
        lost_percent=recordings.lost_percent,
    )  # fmt: skip


def _named(found: dict[str, list[str]], titles: dict[str, str]) -> str:
    return listed(f"{file} ({titles[names[0]]})" for file, names in found.items())
