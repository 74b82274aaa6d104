"""The loop over several phases with several optimisers."""

import errno
import json
import os
import signal

import pandas as pd
import pytest
import torch

from timbre.cache.crops import Crops, CropShape
from timbre.cache.store import Cache
from timbre.errors import UserError
from timbre.training.schedule import learning_rate


@pytest.mark.parametrize("step", (0, 1, 3, 4, 6))  # 3 is the last step of the first phase
def test_a_run_stopped_in_any_phase_goes_on_to_the_same_bits(
    train_duel, make_duel, outputs, monkeypatch, before_step, step
):
    train_duel("whole", make_duel((4, 4)))
    with monkeypatch.context() as patch:
        before_step(patch, step, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt, match=f"Step {step + 1} of 8"):
            train_duel("parts", make_duel((4, 4)))
    torch.rand(3)
    train_duel("parts", make_duel((4, 4)))
    assert outputs("whole") == outputs("parts")


def test_a_run_killed_in_a_phase_goes_on_in_it(scarce, train_duel, make_duel, outputs, monkeypatch, before_step):
    train_duel("whole", make_duel((3, 5), most_crops=2))
    monkeypatch.setenv("TIMBRE_CHECKPOINT_SECONDS", "0")
    for step in (2, 3, 5, 7):
        with monkeypatch.context() as patch:
            before_step(patch, step, lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                train_duel("parts", make_duel((3, 5), most_crops=2))
    begun = []
    before_step(monkeypatch, None, begun.append)
    # With memory enough now, the run stays with the parts it began with.
    outcome = train_duel("parts", make_duel((3, 5)))
    assert begun == [7] and outcome.micro_batch == 2
    assert outputs("whole") == outputs("parts")


# Of ten batches each: after step 3, after 4, where the phase is over, and of the kept weights in the end; and what is
# heard after step 6.
@pytest.mark.parametrize(
    ("method", "call", "step"),
    (("validation_step", 2, 3), ("validation_step", 9, 3), ("validation_step", 13, 4), ("listen", 2, 6),
     ("validation_step", 45, 8)),
)  # fmt: skip
def test_a_run_stopped_while_it_is_looked_at_goes_on_to_the_same_bits(
    train_duel, make_duel, outputs, monkeypatch, before_step, method, call, step
):
    train_duel("whole", make_duel((4, 4)))
    task, calls = make_duel((4, 4)), []
    original = getattr(type(task), method)

    def stopped(self, batch):
        calls.append(1)
        if len(calls) == call + 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(type(task), method, stopped)
        with pytest.raises(KeyboardInterrupt, match=f"Step {step} of 8 is kept"):
            train_duel("parts", task)
    assert len(calls) == call + 1
    begun = []
    before_step(monkeypatch, None, begun.append)
    outcome = train_duel("parts", make_duel((4, 4)))
    assert begun == list(range(step, 8))
    assert [row["step"] for row in outcome.validation_rows] == [3, 4, 6, 8]
    assert outputs("whole") == outputs("parts")


def test_on_a_full_disk_the_run_ends_and_goes_on_from_what_was_kept(
    train_duel, make_duel, outputs, monkeypatch, before_step
):
    train_duel("whole", make_duel((4, 4)))
    monkeypatch.setenv("TIMBRE_CHECKPOINT_SECONDS", "0")
    with monkeypatch.context() as patch:

        def fill_the_disk() -> None:
            patch.setattr("os.fsync", full)

        def full(number: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        before_step(patch, 5, fill_the_disk)
        with pytest.raises(OSError, match="No space"):
            train_duel("parts", make_duel((4, 4)))
    begun = []
    before_step(monkeypatch, None, begun.append)
    train_duel("parts", make_duel((4, 4)))
    assert begun == [5, 6, 7]
    assert outputs("whole") == outputs("parts")


def test_every_phase_has_its_own_schedule(train_duel, make_duel, raw_params, tmp_path):
    raw_params["train"]["log_every_steps"] = 1
    train_duel("one", make_duel((3, 0, 4)))
    loss = pd.read_csv(tmp_path / "one/reports/loss.csv")
    first = [learning_rate(step, 3, 0.01) for step in range(3)]
    second = [learning_rate(step, 4, 0.005) for step in range(4)]
    assert list(loss.learning_rate_generator) == pytest.approx(first + second, abs=1e-6)
    assert loss.learning_rate_discriminator.isna().tolist() == [True] * 3 + [False] * 4
    # A discriminator's turn has no loss of the generator.
    assert loss.loss.isna().tolist() == loss.discriminator_loss.notna().tolist()


def test_a_phase_that_keeps_the_last_weights_keeps_its_last(train_duel, make_duel):
    outcome = train_duel("one", make_duel((3, 5)))
    assert outcome.kept_step == 8
    assert torch.equal(outcome.kept["layers.0.weight"], outcome.averaged["layers.0.weight"])


def test_a_phase_that_keeps_the_best_weights_forgets_those_of_the_phases_before(train_duel, make_duel, monkeypatch):
    task = make_duel((4, 0, 4))
    losses = iter([1.0, 2.0, 7.0, 5.0, 6.0])  # at steps 3, 4 and 6, 8, then of all crops
    monkeypatch.setattr(type(task), "validation_step", lambda self, batch: {"loss": torch.tensor(next(losses))})
    monkeypatch.setattr(type(task), "finish_validation", lambda self: {})
    monkeypatch.setattr("timbre.cache.crops.Crops.spread", lambda self, most: [0])
    outcome = train_duel("one", task)
    assert (outcome.kept_step, outcome.kept_loss) == (8, 5.0)


def test_every_phase_ends_with_a_validation(train_duel, make_duel):
    outcome = train_duel("one", make_duel((4, 4)))
    assert [row["step"] for row in outcome.validation_rows] == [3, 4, 6, 8]
    assert [row["step"] for row in outcome.training_rows] == [2, 4, 6, 8]


def test_buffers_of_the_kept_network_are_those_of_the_whole_validation_set(train_duel, make_duel, tiny_cache, tmp_path):
    task = make_duel((4, 4))
    outcome = train_duel("one", task)
    kept = torch.load(tmp_path / "one/models/weights.pt", weights_only=True)
    fresh = make_duel((1,)).network.eval()
    fresh.load_state_dict(kept)
    shape = CropShape(task.crop_frames, task.lead_frames, task.delay_frames)
    crops = Crops(Cache(tiny_cache), "validation", shape, torch.device("cpu"))
    numbers = crops.spread(len(crops))
    made = [fresh(crops.batch(numbers[first : first + 4])["audio"]) for first in range(0, len(numbers), 4)]
    assert kept["level"].item() == pytest.approx(torch.stack([part.square().mean() for part in made]).mean().item())
    metrics = json.loads((tmp_path / "one/reports/metrics.json").read_text())
    assert metrics["final_level"] == pytest.approx(kept["level"].item(), abs=1e-6)
    # What counts is taken over as it is, and looking at validation crops counts nothing.
    assert kept["seen"] == outcome.step == task.network.seen


@pytest.mark.parametrize("figure", ("loss", "discriminator_loss"))
def test_any_figure_that_is_no_number_stops_the_run(train_duel, make_duel, monkeypatch, figure):
    task = make_duel((3, 5))
    original = type(task).training_step

    def training_step(self, batch, step):
        group, loss, figures = original(self, batch, step)
        return group, loss, {name: value * torch.nan if name == figure else value for name, value in figures.items()}

    monkeypatch.setattr(type(task), "training_step", training_step)
    with pytest.raises(
        UserError, match=rf"the {figure.replace('_', ' ')} is no number any more at step \d: .*diverged"
    ):
        train_duel("one", task)


def test_the_plan_and_each_remark_are_told_once(train_duel, make_duel, capsys):
    train_duel("one", make_duel((4, 4)))
    told = capsys.readouterr().out
    assert "phase 1 of 2, alone: 4 steps, learning rate up to 0.01 (generator) after 50 steps, then" in told
    assert "phase 2 of 2, against: 4 steps, learning rate up to 0.005 (generator), 0.01 (discriminator) after" in told
    assert told.count("train: made up: of <no> importance.") == 2  # once in each phase


@pytest.fixture
def slow_steps(monkeypatch, before_step):
    """Let each step take a thousand seconds, by the clock."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def pass_time(step: int) -> None:
        now[0] += 1000.0

    before_step(monkeypatch, None, pass_time)


# A step after a validation, in the first phase, and in the second; 3 is validated anyway.
@pytest.mark.parametrize("steps", (1, 3, 4, 5))
def test_hours_end_a_run_that_goes_on_to_the_same_bits_with_more(
    train_duel, make_duel, outputs, raw_params, slow_steps, tmp_path, capsys, steps
):
    train_duel("whole", make_duel((4, 4)))
    raw_params["train"]["max_hours"] = (1000.0 * steps - 500.0) / 3600.0
    outcome = train_duel("parts", make_duel((4, 4)))
    assert outcome.step == steps and outcome.validation_rows[-1]["step"] == steps
    assert outcome.training_rows[-1]["step"] == steps
    assert (
        f"train.max_hours are over at step {steps}, in phase {1 if steps <= 4 else 2} of 2" in capsys.readouterr().out
    )
    assert json.loads((tmp_path / "parts/reports/metrics.json").read_text())["steps"] == steps
    assert (tmp_path / "parts/models/weights.pt").exists()
    # Once more with as much, it has nothing left to do.
    before = outputs("parts")
    train_duel("parts", make_duel((4, 4)))
    assert outputs("parts") == before
    raw_params["train"]["max_hours"] = 0.0
    train_duel("parts", make_duel((4, 4)))
    assert outputs("parts") == outputs("whole")
    assert not list((tmp_path / "checkpoints").rglob("*.pt"))


def test_hours_count_over_all_parts_of_a_run(train_duel, make_duel, raw_params, slow_steps, monkeypatch, before_step):
    raw_params["train"]["max_hours"] = 4500.0 / 3600.0
    with monkeypatch.context() as patch:
        before_step(patch, 2, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt, match="Step 3 of 8"):
            train_duel("one", make_duel((4, 4)))
    assert train_duel("one", make_duel((4, 4))).step == 5
