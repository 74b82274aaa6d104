"""A whole training: from the cache to weights, curves and figures."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import torch

from timbre import models
from timbre.cache.crops import Crops, CropShape
from timbre.cache.feed import Feed
from timbre.cache.resident import resident_bytes
from timbre.cache.store import Cache
from timbre.errors import UserError
from timbre.files import replaced_folder, write_json
from timbre.params import Params
from timbre.training.board import board
from timbre.training.checkpoint import checkpoint_folder, delete_checkpoint, fingerprint, held
from timbre.training.curves import write_curves
from timbre.training.device import describe_device, launch_fabric, room_bytes
from timbre.training.dry_run import require_room
from timbre.training.listening import Listening
from timbre.training.loop import Settings, run_loop
from timbre.training.memory import freed_memory_kept
from timbre.training.outcome import Outcome
from timbre.training.page import Heading, write_page
from timbre.training.start import start_from
from timbre.training.team import Team


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
    with torch.device("meta"):  # takes no memory, of which there may be too little
        planned = models.task_of(models.build(config), preset, config)
    _require_material(planned, cache, f"params.yaml: sizes.{params.size}.{params.model}")
    fabric = launch_fabric()
    team = Team(fabric)
    share = team.share(preset["batch"])
    require_room(planned, team.device)
    network = models.build(config)
    begun = {}
    if params.train.init_from != "none":
        begun = {"init": start_from(Path(params.train.init_from), network, config, models_folder)}
    task = models.task_of(network, preset, config).to(team.device)
    settings = Settings(
        seed=params.seed,
        batch=preset["batch"],
        **params.train.model_dump(exclude={"init_from"}),
    )
    # Not how many devices, since they share out the same steps: a run may go on with others.
    folder = checkpoint_folder(
        fingerprint({"config": config, "preset": preset, "train": vars(settings) | {"max_hours": 0.0},
                     "data": cache.manifest["shards"], "files": cache.manifest["files"],
                     "device": team.device.type, **begun})
    )  # fmt: skip
    shape = CropShape(task.crop_frames, task.lead_frames, task.delay_frames)
    training, validation = (Crops(cache, split, shape, team.device) for split in ("train", "validation"))
    fits = resident_bytes(training) <= room_bytes(team.device)
    feed = Feed(training, settings.batch, settings.seed, share, resident=fits)
    listening = Listening(cache, task, team.device)
    minutes = cache.manifest["seconds"]["train"] / 60
    parameters = sum(parameter.numel() for parameter in network.parameters())
    heading = Heading(params.model, params.size, parameters, minutes)
    features = cache.manifest["features"]
    crop_seconds = task.crop_frames * features["hop_samples"] / features["sample_rate"]
    steps = sum(phase.steps for phase in task.phases)
    print(
        f"train: {params.model} {params.size}, {parameters:,} parameters, {steps} steps of {settings.batch} crops of "
        f"{crop_seconds:.3g} s, on {describe_device(fabric)}; "
        f"{minutes:.1f} minutes {'held in its memory' if fits else 'read from disk'}"
        + (f"; starts from {params.train.init_from}" if begun else ""),
        flush=True,
    )

    def write_reports(outcome: Outcome) -> None:
        if team.leads:
            write_curves(reports_folder, outcome)
            write_page(reports_folder / "index.html", heading, task.phases, outcome, listening.sample_rate)

    torch.manual_seed(params.seed)
    shown_name = f"{params.model}-{params.size}-{folder.name[:8]}"
    with held(folder) if team.leads else nullcontext(), freed_memory_kept():
        taken = [cache_folder, models_folder, reports_folder]
        with board(shown_name, listening, taken) if team.leads else nullcontext(lambda outcome: None) as show:
            outcome = run_loop(team, task, feed, validation, listening, settings, folder, write_reports, show)
        team.close()
        if team.leads:
            told = {
                "size": params.size,
                "minutes": round(minutes, 1),
                "steps": outcome.step,
                "kept_step": outcome.kept_step,
            }
            told["validation_loss"] = round(outcome.kept_loss, 6)
            _write_results(models_folder, reports_folder, config | {"training": told}, outcome, parameters)
            if outcome.step == steps:
                delete_checkpoint(folder)
    return outcome


def _write_results(models_folder: Path, reports_folder: Path, config: dict, outcome: Outcome, parameters: int) -> None:
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


def _require_material(task: torch.nn.Module, cache: Cache, place: str) -> None:
    """Raise a UserError where the preset at `place` asks for more than the recordings to train on."""
    hop = cache.manifest["features"]["hop_samples"]
    unmet = task.unmet(sum(-(-file["samples"] // hop) for file in cache.files("train")))
    if unmet:
        raise UserError("\n       ".join(f"{place}.{line}" for line in unmet))
