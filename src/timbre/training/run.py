"""A whole training: from the cache to weights, curves and figures."""

from __future__ import annotations

from pathlib import Path

import torch

from timbre import models
from timbre.cache.crops import Crops, CropShape
from timbre.cache.store import Cache
from timbre.errors import UserError
from timbre.files import replaced_folder, write_json
from timbre.params import Params
from timbre.training.board import board
from timbre.training.checkpoint import checkpoint_folder, delete_checkpoint, fingerprint, held
from timbre.training.curves import write_curves
from timbre.training.device import describe_device, launch_fabric, resident_bytes
from timbre.training.dry_run import require_room
from timbre.training.listening import Listening
from timbre.training.loop import Settings, run_loop
from timbre.training.outcome import Outcome
from timbre.training.page import Heading, write_page
from timbre.training.start import start_from


def train_model(params: Params, cache_folder: Path, models_folder: Path, reports_folder: Path) -> Outcome:
    """Train the model of `params` on a cache.

    Writes weights.pt and config.json to `models_folder`; loss.csv, validation.csv, curves/, index.html (as it
    goes) and metrics.json to `reports_folder`. A run stopped before, or ended by its hours and given more, is taken up
    where its last checkpoint left it.

    Raises: UserError, before the first step, where recordings or memory are too little for the preset, or
    `train.init_from` does not fit, or another process trains this very run; KeyboardInterrupt where the run is stopped.
    """
    cache = Cache(cache_folder)
    preset = params.preset.model_dump()
    config = models.describe(params.model, preset, cache.manifest, params.seed, params.synth)
    fabric = launch_fabric()
    with torch.device("meta"):  # takes no memory, of which there may be too little
        planned = models.task_of(models.build(config), preset, config)
    _require_material(planned, cache, f"params.yaml: sizes.{params.size}.{params.model}")
    require_room(planned, fabric.device)
    network = models.build(config)
    begun = {}
    if params.train.init_from != "none":
        begun = {"init": start_from(Path(params.train.init_from), network, config, models_folder)}
    task = models.task_of(network, preset, config)
    settings = Settings(
        seed=params.seed,
        batch=preset["batch"],
        **params.train.model_dump(exclude={"init_from"}),
    )
    folder = checkpoint_folder(
        fingerprint({"config": config, "preset": preset, "train": vars(settings) | {"max_hours": 0.0},
                     "data": cache.manifest["shards"], "files": cache.manifest["files"],
                     "device": fabric.device.type, **begun})
    )  # fmt: skip
    shape = CropShape(task.crop_frames, task.lead_frames, task.delay_frames)
    free_bytes = resident_bytes(fabric)
    training = Crops(cache, "train", shape, fabric.device, free_bytes)
    validation = Crops(cache, "validation", shape, fabric.device, free_bytes / 4)
    listening = Listening(cache, task, fabric.device)
    minutes = cache.manifest["seconds"]["train"] / 60
    parameters = sum(parameter.numel() for parameter in network.parameters())
    heading = Heading(params.model, params.size, parameters, minutes)
    steps = sum(phase.steps for phase in task.phases)
    features = cache.manifest["features"]
    crop_seconds = task.crop_frames * features["hop_samples"] / features["sample_rate"]
    print(
        f"train: {params.model} {params.size}, {parameters:,} parameters, {steps} steps of {settings.batch} crops of "
        f"{crop_seconds:.3g} s, on {describe_device(fabric)}; "
        f"{minutes:.1f} minutes {'held in memory' if training.resident else 'read from disk'}"
        + (f"; starts from {params.train.init_from}" if begun else ""),
        flush=True,
    )

    def write_reports(outcome: Outcome) -> None:
        write_curves(reports_folder, outcome)
        write_page(reports_folder / "index.html", heading, task.phases, outcome, listening.sample_rate)

    torch.manual_seed(params.seed)
    shown_name = f"{params.model}-{params.size}-{folder.name[:8]}"
    with held(folder):
        with board(shown_name, listening, [cache_folder, models_folder, reports_folder]) as show:
            outcome = run_loop(fabric, task, training, validation, listening, settings, folder, write_reports, show)
        with replaced_folder(models_folder) as temporary:
            models.save(temporary, config, {name: value.cpu() for name, value in outcome.kept.items()})
        write_json(
            reports_folder / "metrics.json",
            {
                "loss": round(next(row["loss"] for row in reversed(outcome.training_rows) if "loss" in row), 6),
                "validation_loss": round(outcome.kept_loss, 6),
                "best_step": outcome.kept_step,
                "steps": outcome.step,
                "parameters": parameters,
                **{name: round(value, 6) for name, value in outcome.final.items()},
            },
        )
        if outcome.step == steps:
            delete_checkpoint(folder)
    return outcome


def _require_material(task: torch.nn.Module, cache: Cache, place: str) -> None:
    """Raise a UserError where the preset at `place` asks for more than the recordings to train on."""
    hop = cache.manifest["features"]["hop_samples"]
    unmet = task.unmet(sum(-(-file["samples"] // hop) for file in cache.files("train")))
    if unmet:
        raise UserError("\n       ".join(f"{place}.{line}" for line in unmet))
