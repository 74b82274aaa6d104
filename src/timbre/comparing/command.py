"""`timbre compare`: the evaluations of several revisions on one page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from timbre.audio.table import counted
from timbre.audio.work import one_thread
from timbre.comparing.gather import WORKSPACE, Evaluation, gathered
from timbre.errors import UserError
from timbre.progress import sound_progress

if TYPE_CHECKING:
    from timbre.comparing.sounds import Comparison


def compare(revisions: list[str], output: Path) -> None:
    """Write one page on the evaluations of revisions, the first of which the others are measured against.

    One revision alone is compared with the workspace, as `dvc metrics diff` does; a folder as `output` gets index.html.
    Raises: UserError as `gathered` does, and where there is nothing to compare.
    """
    names = list(dict.fromkeys(revisions if len(revisions) > 1 else [*revisions, WORKSPACE]))
    if len(names) < 2:
        raise UserError(f"{names[0]} alone is nothing to compare. Name another experiment, branch or tag.")
    path = output / "index.html" if output.is_dir() or not output.suffix else output
    with gathered(names) as evaluations:
        for evaluation in evaluations:
            if not len(evaluation.items):
                raise UserError(f"{evaluation.name}: its evaluation holds no item, so there is nothing to compare.")
        found = _page(path, evaluations)
    silent = sum(not each.playable for each in found)
    left = f" {counted(silent, 'input')} without players, since the page would grow too large." if silent else ""
    print(
        f"compare: {', '.join(names)}, {counted(len(found), 'input')}: "
        f"{path} ({path.stat().st_size / 1e6:.1f} MB).{left}"
    )


def _page(path: Path, evaluations: list[Evaluation]) -> list[Comparison]:
    from timbre.comparing.page import write_page  # after the check of the names, which takes no torch
    from timbre.comparing.sounds import comparisons, rate_of, within_page

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"-o {path} cannot be written ({error.strerror}). Name another.") from None
    total = float(sum(evaluation.items["seconds"].sum() for evaluation in evaluations))

    def told() -> Iterator[Comparison]:
        with sound_progress(total, "comparing") as bar:
            for each in comparisons(evaluations):
                done = each.whole_seconds * sum(clip is not None for clip in each.outputs)
                bar.update(min(done, bar.total - bar.n))
                yield each

    with one_thread():
        found = within_page(told())
        write_page(path, evaluations, found, max(rate_of(evaluation) for evaluation in evaluations))
    return found
