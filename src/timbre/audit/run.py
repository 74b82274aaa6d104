"""The audit stage: every recording below a folder, measured and judged; reports/audit/."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from timbre.audio.io import as_text, find_foreign, find_recordings
from timbre.audio.parallel import for_each
from timbre.audio.table import counted, left_out, to_table, used, write_table
from timbre.audit.advice.advise import advise
from timbre.audit.checks.find import find_warnings
from timbre.audit.dataset.analyse import analyse
from timbre.audit.dataset.shelf import Shelf
from timbre.audit.exclude import leave_out_leaks, mark_duplicates, refuse
from timbre.audit.measures import measure
from timbre.audit.page.page import page
from timbre.audit.recordings import Recordings
from timbre.audit.summary import metrics, summarise
from timbre.errors import UserError, printable
from timbre.files import replaced_folder, write_json, write_text
from timbre.params import Params
from timbre.progress import progress

TOLD = 10


def run(params: Params, out: Path) -> dict:
    """Audit the recordings below `params.data.raw`: files.csv, audit.json, metrics.json and index.html in `out`.

    Returns: what audit.json holds: `summary`, `warnings`, `advice`.
    Raises: UserError where the folder is missing or empty, or nothing in it can be trained on.
    """
    raw, limits = Path(params.data.raw), params.audit.thresholds
    files = find_recordings(raw)
    work = [(file, file.relative_to(raw).as_posix(), limits.inverted_correlation) for file in files]
    rows, sketches = [], {}
    # By bytes rather than files, so that the time left is right where a few long files stand among short ones.
    sizes = [_bytes_of(file) for file in files]
    with Shelf(out.parent) as shelf:
        with progress(description="audit", unit="B", total=sum(sizes), unit_scale=True) as bar:
            for row, size in zip(for_each(measure, work), sizes, strict=True):
                if "sketch" in row:
                    sketches[row["file"]] = shelf.keep(row.pop("sketch"))
                rows.append(row)
                bar.update(size)
        refuse(rows, limits)
        mark_duplicates(rows)
        table = to_table(rows)
        _require_training(table, raw)
        facts = analyse(table, sketches, limits)
    leave_out_leaks(table, facts.similar)
    _require_training(table, raw)
    foreign = [as_text(file.relative_to(raw).as_posix()) for file in find_foreign(raw)]
    recordings = Recordings(table, facts, params, foreign)
    warnings = find_warnings(recordings)
    audit = {
        "summary": summarise(recordings, warnings),
        "warnings": warnings,
        "advice": advise(recordings, warnings),
    }
    with replaced_folder(out) as folder:
        write_table(folder / "files.csv", table)
        write_json(folder / "audit.json", audit)
        write_json(folder / "metrics.json", metrics(audit["summary"]))
        write_text(folder / "index.html", page(recordings, audit, raw))
    print("\n".join(map(printable, closing_lines(table, audit, out))))
    return audit


def closing_lines(table: pd.DataFrame, audit: dict, out: Path) -> list[str]:
    """What the terminal shows at the end: what was found, what is left out and why, advice, where to read more."""
    summary, advice = audit["summary"], audit["advice"]
    lines = [
        f"{counted(summary['files'], 'file')}: {summary['training_minutes']:.1f} minutes for training "
        f"({counted(summary['training_files'], 'file')}), {summary['held_out_minutes']:.1f} minutes held out "
        f"({counted(summary['held_out_files'], 'file')})."
    ]
    missing = left_out(table)
    lines += [f"  left out: {name} {why}" for name, why in missing[:TOLD]]
    if len(missing) > TOLD:
        lines.append(f"  and {len(missing) - TOLD} more")
    enough = {"enough": "enough of it", "more": "more of it wanted"}[advice["amount"]["choose"]]
    suits = advice["model"]["choose"] or "no model"
    lines.append(f"It suits {suits} ({enough}) and normalize.mode {advice['normalize']['choose']}.")
    found = ", ".join(counted(summary[plural], plural[:-1]) for plural in ("errors", "warnings", "notes"))
    then = "mend what is an error, or see audit.fail_on" if summary["errors"] else "then go on with `dvc repro`"
    lines.append(f"{found}. Open {Path(out) / 'index.html'} to read them, {then}.")
    return lines


def _bytes_of(path: Path) -> int:
    """Size of a file; 0 of one that cannot be read, which its row tells."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _require_training(table: pd.DataFrame, raw: Path) -> None:
    kept = used(table)
    if not kept.any():
        told = [f"{name} {why}" for name, why in left_out(table)[:3]]
        more = f"; and {len(table) - 3} more" if len(table) > 3 else ""
        raise UserError(f"{raw}: none of {counted(len(table), 'file')} can be used. {'; '.join(told)}{more}.")
    if not (kept & ~table["held_out"]).any():
        raise UserError(
            f"{raw}: nothing to train on. Every usable recording lies below a folder named `test`, and those are held "
            "out. Move some of them elsewhere below the folder."
        )
