"""What TensorBoard reads of a training."""

import io
import os
import re
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from timbre.errors import UserError
from timbre.training.board import board
from timbre.training.outcome import Outcome


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_TENSORBOARD", str(tmp_path / "board"))
    return tmp_path / "board"


@pytest.fixture
def read(place):
    """What TensorBoard reads of the only run: by tag (step, value) of scalars, (step, rate, samples) of sounds."""

    def run() -> tuple[dict, dict]:
        (folder,) = place.iterdir()
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "audio": 0}).Reload()
        scalars = {
            tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]
        }
        sounds = {tag: [heard(event) for event in events.Audio(tag)] for tag in events.Tags()["audio"]}
        return scalars, sounds

    return run


def heard(event) -> tuple[int, float, list]:
    samples, rate = soundfile.read(io.BytesIO(event.encoded_audio_string), dtype="int16", always_2d=True)
    assert (event.sample_rate, event.length_frames, event.content_type) == (rate, len(samples), "audio/wav")
    return event.step, rate, samples.T.tolist()


def curve(rows, figure) -> list[tuple[int, float]]:
    return [(row["step"], float(np.float32(row[figure]))) for row in rows if figure in row]


def test_it_reads_every_figure_of_both_phases_and_hears_every_validation(train_duel, make_duel, read, place):
    outcome = train_duel("one", make_duel((4, 4)))
    scalars, sounds = read()
    assert {tag: values for tag, values in scalars.items() if values} == {
        f"{kind}/{figure}": curve(rows, figure)
        for kind, rows in (("training", outcome.training_rows), ("validation", outcome.validation_rows))
        for figure in {figure for row in rows for figure in row} - {"step"}
    }
    assert {"training/discriminator_loss", "training/learning_rate_discriminator", "validation/level"} <= scalars.keys()
    assert sounds == {
        "sound/original": [(0, 16000, outcome.original.tolist())],
        "sound/model": [(step, 16000, outcome.heard[step].tolist()) for step in (3, 4, 6, 8)],
    }
    (name,) = (folder.name for folder in place.iterdir())
    assert name.startswith("ddsp-tiny-")


def test_a_resumed_run_goes_on_with_its_curves(train_duel, make_duel, read, place, monkeypatch, before_step):
    train_duel("whole", make_duel((4, 4)))
    whole = read()
    place.rename(place.with_name("board of the whole"))
    # Stopped after step 4, before its validation; killed after step 6 was shown, with step 4 as the last that was kept.
    for step, stop in ((3, lambda: os.kill(os.getpid(), signal.SIGINT)), (6, lambda: 1 / 0)):
        with monkeypatch.context() as patch:
            before_step(patch, step, stop)
            with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
                train_duel("parts", make_duel((4, 4)))
    (folder,) = place.iterdir()
    with open(max(folder.iterdir()), "ab") as events:
        events.write(b"\x10\x00\x00half a record")  # what a killed process was at
    train_duel("parts", make_duel((4, 4)))
    assert read() == whole


def test_a_run_that_is_shown_only_after_a_while_is_shown_from_its_beginning(
    train_duel, make_duel, read, place, monkeypatch, before_step
):
    with monkeypatch.context() as patch:
        patch.delenv("TIMBRE_TENSORBOARD")
        before_step(patch, 5, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            train_duel("one", make_duel((4, 4)))
    assert not place.exists()
    outcome = train_duel("one", make_duel((4, 4)))
    scalars, sounds = read()
    assert scalars["training/loss"] == curve(outcome.training_rows, "loss")
    assert [step for step, *_ in sounds["sound/model"]] == [3, 4, 6, 8]


def test_trained_anew_it_is_shown_once(train_duel, make_duel, read):
    train_duel("one", make_duel((4,)))
    before = read()
    train_duel("two", make_duel((4,)))
    assert read() == before


def test_of_many_validations_some_are_heard_and_the_last(train_duel, make_duel, raw_params, read):
    raw_params["train"]["validate_every_steps"] = 1
    outcome = train_duel("one", make_duel((20, 10)))
    _, sounds = read()
    steps = [step for step, *_ in sounds["sound/model"]]
    assert steps == [*range(1, 12), *range(13, 22, 2), *range(25, 30, 4), 30]
    assert len(outcome.validation_rows) == 30


def test_stereo_is_heard_in_stereo(read):
    sound = torch.stack([torch.arange(-5, 5), torch.full((10,), 32767)]).to(torch.int16)
    outcome = Outcome(step=3, validation_rows=[{"step": 3, "loss": 1.0}], heard={3: sound})
    with board("run", SimpleNamespace(sample_rate=48000, original=-sound), []) as show:
        show(outcome)
    _, sounds = read()
    assert sounds["sound/model"] == [(3, 48000, sound.tolist())]
    assert sounds["sound/original"] == [(0, 48000, (-sound).tolist())]


def test_it_changes_no_byte_of_the_outs(train_duel, make_duel, outputs, monkeypatch):
    train_duel("shown", make_duel((4, 4)))
    monkeypatch.delenv("TIMBRE_TENSORBOARD")
    train_duel("not", make_duel((4, 4)))
    assert outputs("shown") == outputs("not")


def test_where_nobody_asks_for_it_the_package_is_not_even_looked_for(train_duel, make_duel, place, monkeypatch):
    monkeypatch.setenv("TIMBRE_TENSORBOARD", "")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    train_duel("one", make_duel((4,)))
    assert not place.exists()


def fault(tmp_path) -> str:
    """What the user reads who trains into tmp_path/reports."""
    with pytest.raises(UserError) as told, board("run", None, [tmp_path / "models", tmp_path / "reports"]):
        pass
    return str(told.value)


def test_without_the_package_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert "package tensorboard is missing. Run `pip install -e .[tensorboard]" in fault(tmp_path)


def test_a_folder_that_dvc_hashes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMBRE_TENSORBOARD", str(tmp_path / "reports/board"))
    assert re.search(r"lies in .*reports, which dvc hashes\. Name another folder", fault(tmp_path))
    assert not (tmp_path / "reports").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path, place):
    place.write_text("a file")
    assert re.search(r"TIMBRE_TENSORBOARD=.*board \(environment\) cannot be written", fault(tmp_path))
