"""Export folders of modules of known answer."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from timbre.export.archive import described


def write_export(folder: Path, module: nn.Module, **told: object) -> Path:
    """Write the module as model.ts and a model.json that describes it; keywords change what that tells."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.jit.script(module).save(str(folder / "model.ts"))
    description = {
        "model": "ddsp",
        "sample_rate_hz": module.sample_rate,
        "channels": module.channels,
        "block_samples": module.hop,
        "delay_samples": module.delay_samples,
        "tail_samples": 0,
        "parameters": 12,
        "latent_dimensions": None,
        "controls": [],
        "features": None,
        "streaming_snr_db": 123.4,
        "silence_dbfs": -200.0,
        "targets": {"torchscript": described(folder / "model.ts", module.delay_samples)},
        "versions": {"timbre": "0.1.0", "torch": "2.13.0"},
    }
    (folder / "model.json").write_text(json.dumps(description | told))
    return folder


def exchange_model(folder: Path, module: nn.Module, **told: object) -> None:
    """Put another module into an export folder, whose model.json tells the same of it but for keywords."""
    description = json.loads((folder / "model.json").read_text())
    own = ("channels", "block_samples", "delay_samples", "targets")
    write_export(folder, module, **{key: value for key, value in description.items() if key not in own} | told)
