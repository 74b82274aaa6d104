"""What a check has found, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

OK, WARNING, FAULT = "ok", "warning", "fault"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: how it stands (ok, warning, fault), what it is, and how to mend it."""

    state: str
    subject: str
    text: str
    mend: str = ""


def lines(findings: list[Finding]) -> Iterator[str]:
    """The findings as a table, each mend below what it mends."""
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        yield f"{finding.state:<8} {finding.subject:<{width}}  {finding.text}"
        if finding.mend:
            yield f"{'':<8} {'':<{width}}  -> {finding.mend}"
