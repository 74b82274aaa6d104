"""The gate after the audit: it stops the line before hours of training go into recordings that are not fit for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from timbre.audio.table import counted
from timbre.errors import UserError
from timbre.files import read_json, write_json
from timbre.params import Params
from timbre.schema import Told, checked

OVERRIDE = (
    "To go on all the same: `dvc exp run -S 'audit.fail_on=[never]'`, or write `fail_on: [never]` under `audit` in "
    "params.yaml."
)
TOLD = 8


class _Warning(Told):
    """What the gate reads of a finding."""

    check: str
    severity: Literal["error", "warning", "info"]
    file: str | None
    value: float | None
    limit: float | None
    advice: str


class _Audit(Told):
    """What the gate reads of audit.json."""

    warnings: list[_Warning]


def run(params: Params, audit: Path, out: Path) -> None:
    """Let the line go on where nothing in `audit` (audit.json) is what `audit.fail_on` stops at; write `out` then.

    What it writes is the same whenever it lets the line go on, so that nothing after it runs again.
    Raises: UserError with each finding and how to override it.
    """
    fail_on = params.audit.fail_on
    told = checked(_Audit, read_json(audit), audit, "Delete it and run `dvc repro audit`.")
    warnings = [warning.model_dump() for warning in told.warnings]
    stopping = stops(warnings, fail_on)
    if stopping:
        raise UserError("\n".join(message(stopping, fail_on, audit.with_name("index.html"))))
    write_json(out, {"passed": True})
    print(closing_line(warnings, fail_on, audit.with_name("index.html")))


def stops(warnings: list[dict], fail_on: Sequence[str]) -> list[dict]:
    """The warnings that stop the line, worst first: every `error`, and those of checks that are named."""
    if "never" in fail_on:
        return []
    return [one for one in warnings if one["check"] in fail_on or ("error" in fail_on and one["severity"] == "error")]


def message(stopping: list[dict], fail_on: Sequence[str], page: Path) -> list[str]:
    """What is said where the line stops: each finding in a line, where to see it, how to go on all the same."""
    names = ", ".join(fail_on)
    lines = [f"the audit found what stops the line (audit.fail_on: [{names}]). {page} shows it."]
    for one in stopping[:TOLD]:
        limit = "" if one["limit"] is None else f", limit {one['limit']:g}"
        figure = "" if one["value"] is None else f" ({one['value']:g}{limit})"
        where = f" in {one['file']}" if one["file"] else ""
        lines.append(f"  {one['check']}{where}{figure}: {one['advice']}")
    if len(stopping) > TOLD:
        lines.append(f"  and {counted(len(stopping) - TOLD, 'finding')} more")
    return [*lines, OVERRIDE]


def closing_line(warnings: list[dict], fail_on: Sequence[str], page: Path) -> str:
    """What is said where the line goes on."""
    if "never" in fail_on:
        errors = [one for one in warnings if one["severity"] == "error"]
        if errors:
            names = ", ".join(dict.fromkeys(one["check"] for one in errors))
            return f"gate: open, since audit.fail_on is [never], though the audit found {names}. See {page}."
        return "gate: open, since audit.fail_on is [never]."
    found = sum(one["severity"] == "warning" for one in warnings)
    told = f"; {counted(found, 'warning')} in {page}" if found else ""
    return f"gate: nothing stops the line (audit.fail_on: [{', '.join(fail_on)}]){told}. Next: normalize."
