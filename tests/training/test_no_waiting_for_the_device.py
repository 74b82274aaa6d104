"""A step looks at no number of the device: on "meta", where there are none, it would fail if it did."""

import pytest
import torch

from timbre import models
from timbre.cache.crops import Crops, CropShape
from timbre.cache.store import Cache
from timbre.models.rave.quantiser import ResidualQuantiser
from timbre.params import parse
from timbre.training.step import gather_gradients

CASES = (
    ("ddsp", {"reverb_seconds": 0.1}, {}),
    ("ddsp", {}, {"synth": "noise_bands"}),
    *(("rave", {"regularisation": kind}, {}) for kind in ("variational", "wasserstein", "spherical", "discrete")),
    (
        "rave",
        {
            "discriminators": ["scales", "periods", "stft"],
            "augmentations": ["phase", "gain", "mute", "compress", "pitch", "dequantise"],
            "waveform_weight": 10.0,
            "noise": True,
        },
        {},
    ),
)


@pytest.mark.parametrize(("model", "preset", "more"), CASES, ids=range(len(CASES)))
def test_a_step_is_taken_without_a_number(raw_params, tiny_cache, model, preset, more, monkeypatch):
    monkeypatch.setattr(ResidualQuantiser, "_count", lambda self: 3)  # looked at once a run
    raw_params |= {"model": model} | more
    raw_params["sizes"]["tiny"][model] |= preset
    params, cache = parse(raw_params), Cache(tiny_cache)
    preset = params.preset.model_dump()
    config = models.describe(params.model, preset, cache.manifest, 0, params.synth)
    task = models.task_of(models.build(config), preset, config).train()
    shape = CropShape(task.crop_frames, task.lead_frames, task.delay_frames)
    batch = Crops(cache, "train", shape, torch.device("cpu")).random(2, 0, 0)
    task.to("meta")
    batch = {name: value if name == "chance" else value.to("meta") for name, value in batch.items()}
    groups = {name: list(parameters) for name, parameters in task.parameter_groups().items()}
    last = sum(phase.steps for phase in task.phases) - 1
    turns = set()
    for step in {0, last - 1, last}:
        group, figures = gather_gradients(task, groups, batch, step, 2)
        torch.nn.utils.clip_grad_norm_(groups[group], 1.0)
        turns.add(group)
        assert all(value.device.type == "meta" for value in figures.values())
    assert turns == set(groups)
