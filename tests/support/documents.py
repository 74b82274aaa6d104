"""README.md and docs/*.md taken apart: links, headings, code and the commands in it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = ("timbre", "dvc", "make", "python", "pip", "gto", "git")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Command:
    """A command as a page has it: its words, without variables before it and what is piped after it."""

    page: str
    text: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def prose(path: Path) -> str:
    """A page without its fenced code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def spans(path: Path) -> list[str]:
    """What stands between single backticks on a page, line breaks as blanks."""
    return [" ".join(span.split()) for span in SPAN.findall(prose(path))]


def links(path: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    return LINK.findall(SPAN.sub("", prose(path)))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        number = 0
        while slug + (f"-{number}" if number else "") in found:
            number += 1
        found.add(slug + (f"-{number}" if number else ""))
    return found


def commands(path: Path) -> list[Command]:
    """The commands on a page: of fenced sh, of the prompts in fenced console, of indented code and of inline code."""
    lines: list[str] = []
    text = path.read_text(encoding="utf-8")
    for _, language, code in FENCE.findall(text):
        code = code.replace("\\\n", " ")
        if language == "sh":
            lines += code.splitlines()
        elif language == "console":
            lines += [line[2:] for line in code.splitlines() if line.startswith("$ ")]
    lines += [line.strip() for line in prose(path).splitlines() if line.startswith("    ")]
    lines += spans(path)
    found = []
    for line in lines:
        for part in re.split(r"&&|;| \|\s", line.partition(" #")[0]):
            if words := _words(part):
                found.append(Command(path.name, part.strip(), tuple(words)))
    return found


def other_lines(path: Path) -> list[str]:
    """What fenced sh has besides: commands of other programs, and what is the shell's own."""
    found = []
    for _, language, code in FENCE.findall(path.read_text(encoding="utf-8")):
        for line in code.replace("\\\n", " ").splitlines() if language == "sh" else []:
            parts = re.split(r"&&|;| \|\s", re.split(r"(?:^|\s)#", line)[0])
            found += [part.strip() for part in parts if part.strip() and not _words(part)]
    return found


def _words(part: str) -> list[str]:
    """The words of a command of one of the programs; none where it is something else, or a program's name alone."""
    try:
        words = shlex.split(part)
    except ValueError:
        return []
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    if words:
        words[0] = words[0].removeprefix(".venv/bin/")
    if len(words) < 2 or words[0] not in PROGRAMS:
        return []
    return words
