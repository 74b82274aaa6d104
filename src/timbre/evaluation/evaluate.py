"""The whole evaluation: every item rendered, measured, written and shown."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from timbre.audio.io import UnreadableError, write_flac
from timbre.audio.loudness import integrated_lufs
from timbre.audio.work import one_thread
from timbre.errors import UserError
from timbre.evaluation.excerpts import Excerpt, cut_of, excerpt_of
from timbre.evaluation.exported import ExportedModel, load_exported
from timbre.evaluation.items import (
    RECONSTRUCTION,
    TRANSFER,
    Item,
    held_out_items,
    read_item,
    seconds_of,
    transfer_items,
)
from timbre.evaluation.levels import level_dbfs, silence_dbfs_after_1s
from timbre.evaluation.measure import (
    Heard,
    hear,
    reconstruction_figures,
    rounded,
    summary,
    transfer_figures,
    untrained_render,
)
from timbre.evaluation.metrics.artefacts import buzz_db, can_buzz
from timbre.evaluation.metrics.ltas import band_powers, ltas_db_within, mean_powers
from timbre.evaluation.page import Card, Sound, write_page
from timbre.evaluation.plots import Panel, picture
from timbre.features.extractor import FeatureExtractor, extractor_of, feature_config
from timbre.files import replaced_folder, write_csv, write_json
from timbre.params import Params
from timbre.playing.player import Player
from timbre.playing.render import render
from timbre.progress import sound_progress

# Highest peak written to a file; a sound with more is turned down, and its row says by how much.
LARGEST_PEAK = 0.999
# RMS over which an input can excite the model before the silence that is measured after it.
AUDIBLE_DBFS = -60.0
# The control whose 1 lets only the harmonics through.
BALANCE = "harmonic_noise_balance"


@dataclass
class Target:
    """What is kept of a held-out recording for the transfers: its spectrum, pitch and excerpt."""

    powers: np.ndarray
    seconds: float
    median_f0_hz: float | None
    sound: Sound


def run(
    params: Params, export: Path, manifest: Path, normalized: Path, reports: Path, untrained: nn.Module | None = None
) -> dict:
    """Evaluate the exported model and write metrics.json, items.csv, audio/, plots/ and index.html below `reports`.

    Sounds are rendered and written in the model's channels; figures, pictures and the page's players are of their mean.
    Held-out recordings are rendered with every control of the model neutral. Transfers have the defaults, and where
    these adapt the input they are rendered once more with every control neutral.
    export: folder of model.ts and model.json. manifest: of the cache, whose files of split "test" lie below
    `normalized`. untrained: the model before training, offline and aligned, as the anchor of reconstruction.
    Returns: the content of metrics.json.
    Raises: UserError where the model does not load or no input can be read.
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
    renders = {RECONSTRUCTION: 1, TRANSFER: 1 + model.adapts + (BALANCE in model.defaults)}
    total = sum(renders[item.kind] * seconds_of(item) for item in held_out + inputs)
    with (
        replaced_folder(reports) as folder,
        one_thread(),
        sound_progress(total, "evaluating") as bar,
    ):
        metrics = _Evaluation(params, model, untrained, folder, bar).run(held_out, inputs)
    return metrics


class _Evaluation:
    """One run: the model, the settings and what the items gave so far."""

    def __init__(self, params: Params, model: ExportedModel, untrained: nn.Module | None, folder: Path, bar) -> None:
        self.params, self.model, self.untrained, self.folder, self.bar = params, model, untrained, folder, bar
        self.player: Player = model.player
        self.rate: int = model.player.sample_rate_hz
        self.tolerance: float = params.evaluate.f0_tolerance_cents
        self.extractor: FeatureExtractor = extractor_of(
            model.contract.get("features") or feature_config(self.rate, params.features.model_dump())
        )
        self.rows: list[dict] = []
        self.cards: list[Card] = []
        self.skipped: list[dict] = []
        self.targets: list[Target] = []
        self.target_powers: np.ndarray | None = None
        self.silence_dbfs: float | None = None

    def run(self, held_out: list[Item], inputs: list[Item]) -> dict:
        for item in held_out:
            self._item(item)
        within = None
        if self.targets:
            powers, seconds = [t.powers for t in self.targets], [t.seconds for t in self.targets]
            self.target_powers, within = mean_powers(powers, seconds), ltas_db_within(powers, seconds)
        for item in inputs:
            self._item(item)
        measured = [row for row in self.rows if row["status"] == "measured"]
        if not any(row["kind"] == TRANSFER for row in measured):
            raise UserError(
                f"{self.params.data.test_inputs}: none of the {len(inputs)} recordings can be read. The first, "
                f"{inputs[0].file}, {self.skipped[-len(inputs)]['reason']}."
            )
        if self.silence_dbfs is None:
            self.silence_dbfs = silence_dbfs_after_1s(
                self.player, np.zeros((self.player.channels, self.rate), np.float32), self.params.evaluate.block_samples
            )
        contract = self.model.contract
        own = {
            "delay_samples": self.player.delay_samples,
            "parameters": contract.get("parameters"),
            "streaming_snr_db": contract.get("streaming_snr_db"),
            "silence_dbfs_after_1s": self.silence_dbfs,
        }
        metrics = summary(measured, own, within, self.rate, self.tolerance)
        write_json(self.folder / "metrics.json", metrics)
        write_csv(self.folder / "items.csv", _table(self.rows))
        heading = {
            "model": self.params.model if self.params.model != "ddsp" else f"ddsp, {self.params.synth}",
            "size": self.params.size,
            "sample rate": f"{self.rate} Hz",
            "rendered in blocks of": f"{self.params.evaluate.block_samples} samples",
            "one frame": f"{1000.0 * self.extractor.hop / self.rate:.1f} ms",
        }
        write_page(self.folder / "index.html", metrics, self.cards, self.skipped, heading, self.rate, self.tolerance)
        return metrics

    def _item(self, item: Item) -> None:
        """Render, measure, write and show one item; one that cannot be read is noted."""
        row: dict = {"kind": item.kind, "name": item.name, "file": item.file}
        self.rows.append(row)
        try:
            audio = read_item(item, self.rate, self.player.channels)
        except UnreadableError as error:
            row["status"] = f"skipped: {error}"
            self.skipped.append({"kind": item.kind, "file": item.file, "reason": str(error)})
            return
        output = self._render(audio, self.model.neutral if item.kind == RECONSTRUCTION else {})
        heard_input, heard_output, heard_unadapted = hear(audio, self.extractor), hear(output, self.extractor), None
        row |= {
            "status": "measured",
            "seconds": audio.shape[1] / self.rate,
            "input_lufs": _lufs(heard_input.audio, self.rate),
            "output_lufs": _lufs(heard_output.audio, self.rate),
            "output_dbfs": level_dbfs(heard_output.audio),
            "input_file_gain_db": self._write(item, "input", audio),
            "output_file_gain_db": self._write(item, "output", output),
        }
        if item.kind == RECONSTRUCTION:
            before = None
            if self.untrained is not None:
                before = hear(untrained_render(self.untrained, audio, self.rate), self.extractor)
            row |= reconstruction_figures(heard_input, heard_output, before, self.extractor, self.tolerance)
        else:
            if self.model.adapts:
                unadapted = self._render(audio, self.model.neutral)
                heard_unadapted = hear(unadapted, self.extractor)
                row["unadapted_file_gain_db"] = self._write(item, "unadapted", unadapted)
            row |= transfer_figures(
                heard_input, heard_output, heard_unadapted, self.rate, self.target_powers, self.tolerance
            )
            row["buzz_db"] = self._buzz_db(audio, heard_input)
            if self.silence_dbfs is None and level_dbfs(audio) > AUDIBLE_DBFS:
                self.silence_dbfs = silence_dbfs_after_1s(self.player, audio, self.params.evaluate.block_samples)
        self._show(item, heard_input, heard_output, heard_unadapted, row)

    def _render(self, audio: np.ndarray, controls: dict[str, float]) -> np.ndarray:
        return render(self.player, audio, self.params.evaluate.block_samples, self._advance, controls)

    def _buzz_db(self, audio: np.ndarray, heard: Heard) -> float | None:
        """What the model's harmonics alone make of the input where it has no pitch; None where they cannot be had."""
        if BALANCE not in self.model.defaults:
            return None
        if not can_buzz(heard.tracks):
            self._advance(audio.shape[1])
            return None
        harmonics = self._render(audio, {BALANCE: 1.0}).mean(axis=0)
        return buzz_db(heard.audio, harmonics, heard.tracks, self.extractor.hop, self.extractor.window)

    def _advance(self, samples: int) -> None:
        self.bar.update(min(samples / self.rate, self.bar.total - self.bar.n))

    def _write(self, item: Item, label: str, audio: np.ndarray) -> float:
        """Write one side of an item; returns the gain in dB that keeps it from clipping, 0 for nearly all."""
        peak = float(np.abs(audio).max(initial=0.0))
        gain = min(1.0, LARGEST_PEAK / peak) if peak > 0.0 else 1.0
        write_flac(self.folder / "audio" / item.kind / f"{item.name}.{label}.flac", audio.T * gain, self.rate)
        return float(20.0 * np.log10(gain))

    def _show(self, item: Item, heard_input: Heard, heard_output: Heard, unadapted: Heard | None, row: dict) -> None:
        """Make the card and the picture of an item, and keep what the transfers need of a held-out one."""
        cut = cut_of(heard_input.audio, self.rate, self.params.evaluate.page_seconds)
        key, label = f"{item.kind}/{item.name}", "Original" if item.kind == RECONSTRUCTION else "Input"
        original = self._sound(f"{key}/input", label, heard_input, cut)
        rendered = self._sound(f"{key}/output", "Output", heard_output, cut)
        sounds = [original, rendered]
        if unadapted is not None:
            sounds.append(self._sound(f"{key}/unadapted", "Without adaptation", unadapted, cut))
        if item.kind == RECONSTRUCTION:
            powers = band_powers(heard_input.audio, self.rate)
            self.targets.append(Target(powers, row["seconds"], heard_input.tracks.median_f0_hz, original))
        elif self.targets:
            nearest = nearest_target(self.targets, heard_input.tracks.median_f0_hz)
            sounds.append(Sound(nearest.sound.key, "Target", nearest.sound.excerpt))
        png = picture(item.file, [_panel(sound) for sound in sounds], self.rate)
        plot = self.folder / "plots" / f"{item.kind}_{item.name}.png"
        plot.parent.mkdir(exist_ok=True)
        plot.write_bytes(png)
        excerpt_seconds = (cut[0] / self.rate, cut[1] / self.rate, row["seconds"])
        files = ["input", "output"] if unadapted is None else ["input", "output", "unadapted"]
        self.cards.append(
            Card(item.kind, item.name, item.file, rounded(row), sounds, files, excerpt_seconds, png, _notes(row))
        )

    def _sound(self, key: str, label: str, heard: Heard, cut: tuple[int, int]) -> Sound:
        excerpt: Excerpt = excerpt_of(
            heard.audio, heard.tracks, cut, self.rate, self.extractor.hop, self.extractor.window
        )
        return Sound(key, label, excerpt)


def nearest_target(targets: list[Target], median_f0_hz: float | None) -> Target:
    """The held-out recording whose median pitch in Hz lies nearest; the first where either side has none."""
    pitched = [target for target in targets if target.median_f0_hz is not None]
    if median_f0_hz is None or not pitched:
        return targets[0]
    return min(pitched, key=lambda target: abs(np.log2(target.median_f0_hz / median_f0_hz)))


def _notes(row: dict) -> list[str]:
    """What a listener should know about an item besides its figures."""
    notes = ["The output is silent."] if row["output_lufs"] is None else []
    for label, name in (("input", "input"), ("output", "output"), ("unadapted", "output without adaptation")):
        gain_db = row.get(f"{label}_file_gain_db", 0.0)
        if gain_db < 0.0:
            notes.append(f"The {name} peaks over full scale: its file is turned down by {-gain_db:.1f} dB.")
    return notes


def _panel(sound: Sound) -> Panel:
    excerpt = sound.excerpt
    return Panel(sound.label.lower(), excerpt.mel_db, excerpt.seconds, excerpt.f0_seconds, excerpt.f0_hz)


def _lufs(audio: np.ndarray, rate_hz: int) -> float | None:
    loudness = integrated_lufs(audio, rate_hz)
    return loudness if np.isfinite(loudness) else None


def _table(rows: list[dict]) -> pd.DataFrame:
    """One row per item, columns in the order in which they first appear; empty where a figure does not apply."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = pd.DataFrame([{key: row.get(key) for key in columns} for row in rows], columns=columns)
    texts = {"kind", "name", "file", "status"}
    return table.astype({column: "float64" for column in columns if column not in texts})
