"""bfloat16 in the learned parts, single precision around them."""

import pytest
import torch

from timbre import models
from timbre.params import parse
from timbre.training.mixed import use_bf16

CPU = torch.device("cpu")


class Part(torch.nn.Module):
    """Puts out what it is given, a product, and both in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(64, 64)
        self.seen: list[torch.dtype] = []

    def forward(self, x):
        y = self.linear(x)
        self.seen.append(y.dtype)
        return x, [y, (y + 1.0,)]


def test_products_are_in_bf16_and_what_comes_out_in_fp32():
    part, x = Part(), torch.randn(8, 64)
    wanted = part(x)[1][0]
    use_bf16([part], CPU)
    same, [y, (z,)] = part(x)
    assert part.seen == [torch.float32, torch.bfloat16]
    assert same.dtype == y.dtype == z.dtype == torch.float32
    assert 0 < float((y - wanted).abs().max()) < 0.05
    z.sum().backward()
    assert part.linear.weight.grad.dtype == torch.float32


def test_a_part_in_evaluation_is_in_fp32_to_the_bit():
    part, x = Part(), torch.randn(8, 64)
    wanted = part(x)[1][0]
    use_bf16([part], CPU)
    part.eval()
    assert torch.equal(part(x)[1][0], wanted)


def test_the_weights_keep_their_names():
    part = Part()
    names = list(part.state_dict())
    use_bf16([part], CPU)
    assert list(part.state_dict()) == names


@pytest.mark.parametrize(
    ("model", "synth"), (("ddsp", "harmonic_noise"), ("ddsp", "noise_bands"), ("rave", "harmonic_noise"))
)
def test_a_step_of_every_model_is_near_that_in_fp32(raw_params, tiny_cache, model, synth):
    from timbre.cache.crops import Crops, CropShape
    from timbre.cache.store import Cache

    raw_params |= {"model": model, "synth": synth}
    params, cache = parse(raw_params), Cache(tiny_cache)
    preset = params.preset.model_dump()
    config = models.describe(model, preset, cache.manifest, 0, synth)
    tasks = [models.task_of(models.build(config), preset, config).train() for _ in range(2)]
    use_bf16(tasks[1].learned_parts(), CPU)
    shape = CropShape(tasks[0].crop_frames, tasks[0].lead_frames, tasks[0].delay_frames)
    batch = Crops(cache, "train", shape, CPU).random(2, 0, 0)
    last = sum(phase.steps for phase in tasks[0].phases) - 1
    for step in {0, last - 1, last}:
        (_, loss, figures), (_, other, others) = (task.training_step(batch, step) for task in tasks)
        loss.backward()
        other.backward()
        assert other.dtype == torch.float32 and all(value.dtype == torch.float32 for value in others.values())
        assert float(other) != float(loss)
        assert float(other) == pytest.approx(float(loss), rel=0.05, abs=0.02)
        assert figures.keys() == others.keys()
