"""A whole training: from the cache to weights, curves and figures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from timbre import models
from timbre.cache.crops import Crops, CropShape
from timbre.cache.store import Cache
from timbre.files import replaced_folder, write_csv, write_json
from timbre.params import Params
from timbre.training.checkpoint import checkpoint_folder, delete_checkpoint, fingerprint
from timbre.training.device import describe_device, launch_fabric, resident_bytes
from timbre.training.loop import Outcome, Settings, run_loop


def train_model(params: Params, cache_folder: Path, models_folder: Path, reports_folder: Path) -> Outcome:
    """Train the model of `params` on a cache.

    Writes weights.pt and config.json to `models_folder`; loss.csv, validation.csv (as it goes) and metrics.json to
    `reports_folder`. A run stopped before is taken up where its last checkpoint left it.
    """
    cache = Cache(cache_folder)
    preset = params.preset.model_dump()
    config = models.describe(params.model, preset, cache.manifest["features"], params.seed)
    network = models.build(config)
    task = models.task_of(network, preset)
    settings = Settings(
        seed=params.seed,
        **{key: preset[key] for key in ("steps", "batch", "learning_rate")},
        **params.train.model_dump(),
    )
    fabric = launch_fabric()
    folder = checkpoint_folder(
        fingerprint({"config": config, "preset": preset, "train": vars(settings), "data": cache.manifest["data_sha256"],
                     "files": cache.manifest["files"], "device": fabric.device.type})
    )  # fmt: skip
    shape = CropShape(task.crop_frames, task.lead_frames, task.delay_frames)
    free_bytes = resident_bytes(fabric)
    training = Crops(cache, "train", shape, fabric.device, free_bytes)
    validation = Crops(cache, "validation", shape, fabric.device, free_bytes / 4)
    minutes = cache.manifest["seconds"]["train"] / 60
    parameters = sum(parameter.numel() for parameter in network.parameters())
    print(
        f"train: {params.model} {params.size}, {parameters:,} parameters, {settings.steps} steps of {settings.batch} "
        f"crops of {preset['crop_seconds']:g} s, on {describe_device(fabric)}; "
        f"{minutes:.1f} minutes {'held in memory' if training.resident else 'read from disk'}",
        flush=True,
    )

    def write_curves(outcome: Outcome) -> None:
        write_csv(reports_folder / "loss.csv", pd.DataFrame(outcome.training_rows))
        write_csv(reports_folder / "validation.csv", pd.DataFrame(outcome.validation_rows))

    torch.manual_seed(params.seed)
    outcome = run_loop(fabric, task, training, validation, settings, folder, write_curves)
    with replaced_folder(models_folder) as temporary:
        models.save(temporary, config, {name: value.cpu() for name, value in outcome.best.items()})
    write_json(
        reports_folder / "metrics.json",
        {
            "loss": round(outcome.training_rows[-1]["loss"], 6),
            "validation_loss": round(outcome.best_loss, 6),
            "best_step": outcome.best_step,
            "steps": outcome.step,
            "parameters": parameters,
        },
    )
    delete_checkpoint(folder)
    return outcome
