"""`timbre table`: the experiments of this branch, a line each, by the figures that the project has chosen."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from timbre.comparing.parameters import ABSENT, differing, flat, with_preset
from timbre.errors import UserError, reason

if TYPE_CHECKING:
    from dvc.repo import Repo

COLUMNS = Path(".dvc/columns.yaml")
WIDTH = 120
GAP = "  "
DIGITS = 4
COMMIT_DIGITS, ABBREVIATED = 40, 7
DONE = "done"


@dataclass(frozen=True)
class Experiment:
    """A row: the workspace, a commit, or an experiment that started from it.

    state: done, queued, running or failed. metrics: figures by name, sections joined by dots.
    """

    name: str
    state: str
    params: dict
    metrics: dict[str, object]


def table(root: Path = Path(".")) -> None:
    """Print the workspace, the commit that is checked out, and those before it that have experiments, with these.

    Parameters that differ come first, figures of .dvc/columns.yaml after them, within 120 columns.
    Raises: UserError where this is no repository of DVC and git, or the file of columns is not as it must be.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    columns = chosen_columns(root / COLUMNS)
    try:
        with Repo(str(root)) as repo:
            shown = [state.dumpd() for state in repo.experiments.show(revs=_baselines(repo))]
    except DvcException as error:
        raise UserError(f"`dvc exp show` failed: {reason(error)}") from None
    print("\n".join(rendered(experiments(shown), columns)))


def chosen_columns(path: Path) -> dict[str, str]:
    """Names of figures by their headings. Raises: UserError where the file is no such list."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing. Write `heading: name in metrics.json`, a figure a line.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {reason(error)}") from None
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise UserError(f"{path}: write `heading: name in metrics.json`, a figure a line.")
    return {str(heading): name for heading, name in content.items()}


def experiments(shown: list[dict]) -> list[Experiment]:
    """Rows from what `dvc exp show --json` prints."""
    rows = []
    for commit in shown:
        rows.append(_row(commit["name"] or _short(commit["rev"]), commit, DONE))
        for experiment in commit.get("experiments") or []:
            revision = experiment["revs"][0]
            executor = experiment.get("executor") or {}
            name = experiment.get("name") or revision.get("name") or _short(revision["rev"])
            rows.append(_row(name, revision, str(executor.get("state") or DONE).replace("success", DONE)))
    return rows


def rendered(rows: list[Experiment], columns: dict[str, str]) -> list[str]:
    """The lines of the table; parameters that do not fit are named below it."""
    params = differing([with_preset(row.params) for row in rows])
    presets = [(row.params.get("model"), row.params.get("size")) for row in rows]
    # What the names of model and size already say comes last.
    params.sort(key=lambda column: column[0] not in ("model", "size") and _follows(column[1], presets))
    params = _shortened(params)
    figures = [(heading, [_number(row.metrics.get(name)) for row in rows]) for heading, name in columns.items()]
    kept = [("experiment", [row.name for row in rows])]
    if any(row.state != DONE for row in rows):
        kept.append(("state", [row.state for row in rows]))
    room = WIDTH - _width(kept + figures)
    left = []
    for column in params:
        if _width([column]) + len(GAP) <= room:
            room -= _width([column]) + len(GAP)
            kept.append(column)
        else:
            left.append(column[0])
    lines = _lines(kept + figures)
    if left:
        lines += textwrap.wrap(f"These differ too (`dvc exp show --only-changed`): {', '.join(left)}", WIDTH)
    return lines


def _baselines(repo: Repo) -> list[str]:
    """HEAD, and the commits before it that experiments have started from, newest first."""
    from dvc.repo.experiments.utils import exp_refs
    from dvc.scm import NoSCM

    if isinstance(repo.scm, NoSCM):
        raise UserError("this DVC repository is no git repository, so it has no experiments.")
    started = {ref.baseline_sha for ref in exp_refs(repo.scm)}
    head, *before = repo.scm.branch_revs("HEAD")
    return [head, *(commit for commit in before if commit in started)]


def _row(name: str, revision: dict, state: str) -> Experiment:
    data = revision.get("data") or {}
    params, metrics = {}, {}
    for file in (data.get("params") or {}).values():
        params |= file.get("data") or {}
    # Of what has not run yet, DVC shows the figures of the commit that it starts from.
    for file in (data.get("metrics") or {}).values() if state == DONE else ():
        metrics |= dict(flat(file.get("data") or {}))
    return Experiment(name, state, params, metrics)


def _follows(values: list[str], names: list[tuple]) -> bool:
    """Whether rows of the same names have the same values."""
    return len(set(names)) == len(set(zip(names, values, strict=True)))


def _short(revision: str) -> str:
    """A commit's digits as people write them; other names whole."""
    return revision[:ABBREVIATED] if len(revision) == COMMIT_DIGITS else revision


def _shortened(columns: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The columns by the last part of their keys, where no two are then the same."""
    ends = [key.rpartition(".")[2] for key, _ in columns]
    return [(end if ends.count(end) == 1 else key, values) for end, (key, values) in zip(ends, columns, strict=True)]


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return ABSENT
    return str(value) if isinstance(value, int) else f"{value:.{DIGITS}g}"


def _width(columns: list[tuple[str, list[str]]]) -> int:
    widths = [max(map(len, (heading, *values))) for heading, values in columns]
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _lines(columns: list[tuple[str, list[str]]]) -> list[str]:
    texts = []
    for number, (heading, values) in enumerate(columns):
        width = max(map(len, (heading, *values)))
        texts.append([f"{text:<{width}}" if number == 0 else f"{text:>{width}}" for text in (heading, *values)])
    return [GAP.join(cells).rstrip() for cells in zip(*texts, strict=True)]
