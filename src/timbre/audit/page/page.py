"""index.html: the verdict, advice, findings worst first with what shows them, and all files; nothing from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

from markupsafe import Markup, escape

from timbre.audio.table import counted
from timbre.audit.checks.catalogue import CHECKS, FILE_CHECKS
from timbre.audit.checks.check import Check
from timbre.audit.checks.find import by_check
from timbre.audit.page.evidence import WORST, Evidence, gather
from timbre.audit.page.pictures import MINUS, OF_SET
from timbre.audit.page.rows import table_data
from timbre.audit.recordings import Recordings
from timbre.pages.templates import environment

TEMPLATES = Path(__file__).parent / "templates"
# Findings of one check that are listed; the table has all of them.
LISTED = 40
SEVERITY_WORDS = {"error": "problem", "warning": "warning", "info": "note"}
SUBJECTS = {
    "model": "Model", "amount": "Amount", "normalize": "Level", "files": "Files", "groups": "Places",
    "variety": "Variety", "rates": "Sample rate", "held_out": "Evaluation",
}  # fmt: skip
# How a choice reads; what is not here reads as it is.
CHOICES = {
    "ddsp harmonic_noise": "DDSP, harmonics", "ddsp noise_bands": "DDSP, noise bands", "rave": "RAVE",
    "dataset": "one gain", "group": "gain by folder", "file": "gain by file",
    "folder": "own test folder", "drawn": "drawn", "unknown": "not known", None: "none",
}  # fmt: skip
# Subject: choices that are good news.
GOOD = {"amount": ("enough",), "variety": ("fine",), "groups": ("together",), "rates": ("keep",)}


def page(recordings: Recordings, audit: dict, raw: Path) -> str:
    """The page, from what audit.json holds; raw is the folder of the recordings, for excerpts and pictures."""
    templates = environment(TEMPLATES)
    templates.filters["typeset"] = typeset
    warnings = audit["warnings"]
    groups = _groups(warnings, gather(warnings, recordings, raw), recordings)
    data = table_data(recordings, warnings)
    return templates.get_template("page.html.j2").render(
        verdict=verdict(groups, audit["summary"]),
        tiles=_tiles(audit["summary"]),
        advice=[_advice(subject, audit["advice"][subject]) for subject in SUBJECTS],
        groups=groups,
        listed=LISTED,
        data=_embedded(data),
        shown=len(data["rows"]),
        more=data["more"],
        checks=[(data["names"].index(check.name), check.title) for check in _fired(groups)],
    )


def verdict(groups: list[dict], summary: dict) -> dict[str, str]:
    """The page's first sentence with its colour, and the second."""
    errors, warnings = (sum(group["severity"] == severity for group in groups) for severity in ("error", "warning"))
    left = summary["files"] - summary["used_files"]
    used = f"{summary['used_files']} of {counted(summary['files'], 'file')} are used"
    if left:
        used += f", {left} {'is' if left == 1 else 'are'} left out"
    if errors:
        words = f"Not ready: {counted(errors, 'problem')} to solve before you train."
        more = f"{used}. The line stops after the audit at such problems, unless `audit.fail_on` is `[never]`."
        return {"severity": "error", "words": words, "more": f"{more} No recording was changed."}
    if warnings:
        words = f"Ready to train, with {counted(warnings, 'thing')} worth a look first."
        return {"severity": "warning", "words": words, "more": f"{used}. No recording was changed."}
    return {"severity": "good", "words": "Ready to train.", "more": f"{used}. No recording was changed."}


def typeset(text: str) -> Markup:
    """Text with `code` set as code and true minus signs before figures with a unit."""
    text = re.sub(r"(?<![\w.])-(?=\d+(\.\d+)?\s(LUFS|dBFS|dBTP|dB)\b)", MINUS, text)
    pieces = str(escape(text)).split("`")
    if len(pieces) % 2 == 0:
        return Markup("`".join(pieces))
    return Markup("".join(f"<code>{piece}</code>" if odd % 2 else piece for odd, piece in enumerate(pieces)))


def _groups(warnings: list[dict], evidence: dict[tuple[str, str], Evidence], recordings: Recordings) -> list[dict]:
    """The findings of each check together, the check with the worst first."""
    checks = {check.name: check for check in CHECKS}
    groups = []
    for name, found in by_check(warnings):
        check = checks[name]
        picture = getattr(check, "picture", "")
        files = [_finding(check, one, evidence.get((name, one["file"]))) for one in found[: WORST + LISTED]]
        groups.append(
            {
                "name": name,
                "check": check,
                "severity": check.severity,
                "word": SEVERITY_WORDS[check.severity],
                "of_set": not found[0]["file"],
                "files": files,
                # What shows more than one thing, or is as bad as can be, takes the page's whole width.
                "full": sum(bool(one["picture"]) for one in files) > 1
                or picture in OF_SET
                or check.severity == "error",
                "count": len(found),
                "picture": Markup(OF_SET[picture](recordings)) if picture in OF_SET else "",
            }
        )
    return groups


def _finding(check: Check, warning: dict, shown: Evidence | None) -> dict:
    """What the template needs of one finding: what the advice says of this file alone stands beside its name."""
    return {
        "file": warning["file"],
        "figure": check.shown(warning["value"], warning["limit"]).replace("-", MINUS),
        "own": warning["advice"].removesuffix(check.advice).strip(),
        "at": warning["at_seconds"],
        "picture": Markup(shown.picture) if shown else "",
        "flac": shown.flac if shown else "",
        "from": f"{shown.start_seconds:.1f} to {shown.start_seconds + shown.seconds:.1f} s" if shown else "",
    }


def _fired(groups: list[dict]) -> list[Check]:
    names = {group["name"] for group in groups}
    return [check for check in FILE_CHECKS if check.name in names]


def _advice(subject: str, advice: dict) -> dict[str, str]:
    choose = advice["choose"]
    if subject == "files":
        # The lists themselves are in audit.json.
        choose = "all fit" if not any(choose.values()) else "some to look at" if not choose["redo"] else "some to redo"
        kind = {"all fit": "good", "some to look at": "", "some to redo": "fair"}[choose]
    else:
        kind = "" if subject not in GOOD or choose == "unknown" else "good" if choose in GOOD[subject] else "fair"
    return {
        "subject": SUBJECTS[subject], "choice": CHOICES.get(choose, choose), "kind": kind, "text": advice["text"],
        "command": advice.get("command", ""),
    }  # fmt: skip


def _tiles(summary: dict) -> list[tuple[str, str, str]]:
    """Figures at a glance: value, unit, what it is."""

    def shown(key: str, digits: int) -> str:
        value = summary[key]
        return "\N{EN DASH}" if value is None else f"{value:.{digits}f}".replace("-", MINUS)

    def length(key: str) -> tuple[str, str]:
        hours = summary[key]
        return (f"{hours:.1f}", "h") if hours >= 1.5 else (f"{60.0 * hours:.1f}", "min")

    return [
        (*length("usable_hours"), "to train on"),
        (*length("held_out_hours"), "held out"),
        (shown("lost_percent", 1), "%", "left out"),
        (shown("pitched_percent", 0), "%", "with a clear pitch"),
        (shown("loudness_spread_lu", 1), "LU", "apart in level"),
        (shown("snr_median_db", 0), "dB", "over its noise"),
        (shown("vendi", 1), "", "variety"),
        (shown("environments", 0), "", "place" if summary["environments"] == 1 else "places"),
    ]


def _embedded(data: dict) -> Markup:
    """JSON that can stand in a script element whatever the names hold."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
