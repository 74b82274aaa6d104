"""The whole evaluation: every item rendered, measured, written and shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from timbre.audio.io import UnreadableError
from timbre.audio.work import one_thread
from timbre.errors import UserError
from timbre.evaluation.catalogue import MODEL, ROBUSTNESS
from timbre.evaluation.cost import macs_per_second
from timbre.evaluation.exported import load_exported
from timbre.evaluation.items import RECONSTRUCTION, TRANSFER, Item, held_out_items, seconds_of, transfer_items
from timbre.evaluation.levels import silence_dbfs_after_1s
from timbre.evaluation.measure import Figures
from timbre.evaluation.metrics.variety import DEGENERATE, degeneracy
from timbre.evaluation.page.cards import Card, Sound, card_of
from timbre.evaluation.page.page import write_page
from timbre.evaluation.reconstruction import Reconstructed, kad_figures, reconstruct
from timbre.evaluation.renders import Renderer
from timbre.evaluation.response import jitter_samples, streaming_max_diff
from timbre.evaluation.robustness import robustness
from timbre.evaluation.session import Session
from timbre.evaluation.summary import metrics_of, rounded, summary_of
from timbre.evaluation.transfer import BALANCE, TargetSet, Transferred, transfer
from timbre.features.extractor import extractor_of, feature_config
from timbre.files import replaced_folder, write_csv, write_json
from timbre.params import Params
from timbre.progress import sound_progress

# How the status of an item begins that could not be read or played.
SKIPPED = "skipped: "


def run(
    params: Params, export: Path, manifest: Path, normalized: Path, reports: Path, untrained: nn.Module | None = None
) -> dict:
    """Evaluate the exported model: metrics.json, summary.json, items.csv, audio/, plots/, index.html with page/.

    Sounds are rendered and written in the model's channels; figures, pictures and the page's players are of their mean.
    Held-out recordings are rendered with every control of the model neutral. Transfers have the defaults, and where
    these adapt the input they are rendered once more with every control neutral. Where the model draws noise, figures
    are means over three draws, of which the first is heard. However long a sound is, it costs no more memory.
    export: folder of model.ts and model.json. manifest: of the cache, whose files of split "test" lie below
    `normalized`. untrained: the model before training, offline and aligned, as an anchor.
    Returns: the content of metrics.json.
    Raises: UserError where the model does not load, or none of the inputs can be read and played.
    """
    model = load_exported(export)
    held_out = held_out_items(manifest, normalized)
    inputs = transfer_items(Path(params.data.test_inputs))
    if not held_out:
        print(
            "warning: no held-out recordings, so reconstruction and the target's colour are not measured. "
            'Put some takes below a folder named "test", or raise slice.test_share in params.yaml.',
            file=sys.stderr,
        )
    told = model.contract.features
    features = told.model_dump() if told else feature_config(model.player.sample_rate_hz, params.features.model_dump())
    with replaced_folder(reports) as folder, one_thread(), sound_progress(0.0, "evaluating") as bar:

        def advance(samples: int) -> None:
            bar.update(min(samples / model.player.sample_rate_hz, bar.total - bar.n))

        renderer = Renderer(model.player, folder, params.evaluate.block_samples, advance)
        draws = renderer.draws
        renders = {RECONSTRUCTION: draws, TRANSFER: draws + model.adapts + (BALANCE in model.defaults)}
        bar.total = sum(renders[item.kind] * seconds_of(item) for item in held_out + inputs)
        session = Session(params, model, extractor_of(features), renderer, untrained, folder)
        metrics = _Evaluation(session, export).run(held_out, inputs)
        # Not every sound needs all renderings.
        bar.update(bar.total - bar.n)
        return metrics


class _Evaluation:
    """One run: the session and what the items gave so far."""

    def __init__(self, session: Session, export: Path) -> None:
        self.session, self.export = session, export
        self.rows: list[dict] = []
        self.cards: list[Card] = []
        # By the names of held-out items, what a page plays of them.
        self.originals: dict[str, Sound] = {}

    def run(self, held_out: list[Item], inputs: list[Item]) -> dict:
        recordings = []
        for index, item in enumerate(held_out):
            other = held_out[(index + 1) % len(held_out)]
            found = self._item(item, lambda item=item, other=other: reconstruct(self.session, item, other))
            if found is not None:
                self._show(found)
                recordings.append(found)
        target = TargetSet(recordings)
        for each in recordings:
            each.row |= kad_figures(each.timbres, target.bandwidth)
        transfers = []
        for item in inputs:
            found = self._item(item, lambda item=item: transfer(self.session, item, target))
            if found is not None:
                self._show(found, found.nearest)
                transfers.append(found)
        if not transfers:
            raise UserError(
                f"{self.session.params.data.test_inputs}: none of the {len(inputs)} recordings can be read. The first, "
                f"{inputs[0].file}, {self.rows[-len(inputs)]['status'].removeprefix(SKIPPED)}."
            )
        return self._write(own_figures(self.session, self.export, transfers), target.within)

    def _item(self, item: Item, measure: Callable[[], Any]) -> Any:
        """What an item gives; None for one that cannot be read or played, which is noted."""
        row: dict = {"kind": item.kind, "name": item.name, "file": item.file}
        self.rows.append(row)
        try:
            found = measure()
        except (UnreadableError, UserError) as error:
            row["status"] = f"{SKIPPED}{error}"
            return None
        finally:
            self.session.renderer.close()
        found.row = self.rows[-1] = row | {"status": "measured", "seconds": found.seconds} | found.row
        return found

    def _show(self, found: Reconstructed | Transferred, nearest: Reconstructed | None = None) -> None:
        """Make the card and the picture of an item, and let go of its sounds."""
        target = None if nearest is None else self.originals[nearest.item.name]
        card, original = card_of(self.session, found.item, found.seconds, found.shown, target)
        self.cards.append(card)
        if found.item.kind == RECONSTRUCTION:
            self.originals[found.item.name] = original
        found.shown = None

    def _write(self, own: dict[str, Figures], within: Figures) -> dict:
        """Write the files that are of all items. Returns: the content of metrics.json."""
        session, params, folder = self.session, self.session.params, self.session.folder
        measured = [row for row in self.rows if row["status"] == "measured"]
        summary = summary_of(measured, own, within, session.rate_hz, session.tolerance)
        metrics = metrics_of(summary)
        write_json(folder / "metrics.json", metrics)
        write_json(folder / "summary.json", summary)
        write_csv(folder / "items.csv", _table(self.rows))
        heading = {
            "model": params.model if params.model != "ddsp" else f"ddsp, {params.synth}",
            "size": params.size,
            "sample rate": f"{session.rate_hz} Hz",
            "rendered in blocks of": f"{params.evaluate.block_samples} samples",
            "one frame": f"{1000.0 * session.extractor.hop / session.rate_hz:.1f} ms",
        }
        page, rows = folder / "index.html", [rounded(row) for row in self.rows]
        write_page(page, summary, self.cards, rows, heading, session.rate_hz, session.tolerance)
        return metrics


def own_figures(session: Session, export: Path, transfers: list[Transferred]) -> dict[str, Figures]:
    """The figures of the model as such, by the sections of metrics.json."""
    model, block = session.model, session.params.evaluate.block_samples
    player, contract = model.player, model.contract
    audible = [each for each in transfers if each.outlines is not None]
    sound = audible[0].loudest if audible else np.zeros((player.channels, session.rate_hz), np.float32)
    outlines = zip(*(each.outlines for each in audible), strict=True) if audible else ([], [])
    differ = degeneracy(*outlines)
    own = {
        "delay_samples": player.delay_samples,
        **jitter_samples(player, block, model.neutral),
        "streaming_snr_db": contract.streaming_snr_db,
        "streaming_max_diff": streaming_max_diff(player, sound, block),
        "silence_dbfs_after_1s": silence_dbfs_after_1s(player, sound, block),
        "degeneracy": differ,
        "degenerate": None if differ is None else int(differ < DEGENERATE),
        "parameters": contract.parameters,
        "bytes": (export / "model.ts").stat().st_size,
        "macs_per_second": None if session.untrained is None else macs_per_second(session.untrained),
    }
    return {MODEL: own, ROBUSTNESS: robustness(player, block, contract.tail_samples)}


def _table(rows: list[dict]) -> pd.DataFrame:
    """One row per item, columns in the order in which they first appear; empty where a figure does not apply."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = pd.DataFrame([{key: row.get(key) for key in columns} for row in rows], columns=columns)
    texts = {"kind", "name", "file", "status"}
    return table.astype({column: "float64" for column in columns if column not in texts})
