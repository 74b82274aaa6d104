"""What TensorBoard shows of a training: its curves, and how it came to sound."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile
from torch import Tensor

from timbre.errors import UserError, reason
from timbre.training.listening import Listening, heard_steps
from timbre.training.outcome import Outcome

VARIABLE = "TIMBRE_TENSORBOARD"


@contextmanager
def board(name: str, listening: Listening, hashed: list[Path]) -> Iterator[Callable[[Outcome], None]]:
    """Yield what is to be called with a run as it begins or goes on, and with each new row of its curves.

    It writes to the folder `name` below the one that TIMBRE_TENSORBOARD names, and does nothing where that is not set.
    hashed: folders whose content must not depend on it.
    Raises: UserError where the package is missing, or where the folder cannot be written or is one of `hashed`.
    """
    place = os.environ.get(VARIABLE)
    if not place:
        yield lambda outcome: None
        return
    folder = Path(place).expanduser() / name
    for other in hashed:
        if folder.resolve().is_relative_to(other.resolve()):
            raise UserError(f"{VARIABLE}={place} (environment) lies in {other}, which dvc hashes. Name another folder.")
    try:
        from torch.utils.tensorboard import SummaryWriter  # here, since without the variable it is not needed
    except ImportError:
        raise UserError(
            f"{VARIABLE} is set (environment), but the package tensorboard is missing. "
            "Run `pip install -e .[tensorboard] -c constraints.txt`, or unset it."
        ) from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{VARIABLE}={place} (environment) cannot be written: {reason(error)}.") from None
    print(f"train: TensorBoard shows it with `tensorboard --logdir {folder.parent}`", flush=True)
    shown = _Board(folder, listening, SummaryWriter)
    try:
        yield shown.show
        shown.finish()
    finally:
        shown.close()


class _Board:
    """Writes what of a run is not yet shown.

    Every row is on the disk before a checkpoint can hold it, so a run taken up again has only to cross out what was
    shown of the steps from its checkpoint on, and to show those again.
    """

    def __init__(self, folder: Path, listening: Listening, make_writer: type) -> None:
        self.folder, self.listening, self.make_writer = folder, listening, make_writer
        self.writer = None
        self.rows = {"training": 0, "validation": 0}
        self.heard: set[int] = set()
        self.outcome = Outcome()

    def show(self, outcome: Outcome) -> None:
        """Write the rows and the sound that are new."""
        if self.writer is None:
            self._open(outcome)
        self.outcome = outcome
        for kind, rows in _curves(outcome).items():
            for row in rows[self.rows[kind] :]:
                for figure, value in row.items():
                    if figure != "step":
                        self.writer.add_scalar(f"{kind}/{figure}", value, row["step"])
            self.rows[kind] = len(rows)
        # Of long runs some are enough: a sound takes as much space as ten thousand values.
        lasting = heard_steps([*(row["step"] for row in outcome.validation_rows), outcome.step + 1])
        self._hear(step for step in outcome.heard if step in lasting)
        self.writer.flush()

    def finish(self) -> None:
        """Write what a run sounds like at its end."""
        self._hear(list(self.outcome.heard)[-1:])

    def close(self) -> None:
        """End the thread that writes."""
        if self.writer is not None:
            self.writer.close()

    def _open(self, outcome: Outcome) -> None:
        begun = any(self.folder.glob("events.*")) and outcome.step > 0
        self.writer = self.make_writer(str(self.folder), purge_step=outcome.step)
        if begun:
            self.rows = {
                kind: sum(row["step"] < outcome.step for row in rows) for kind, rows in _curves(outcome).items()
            }
            self.heard = {step for step in outcome.heard if step < outcome.step}
        else:
            self._add_sound("sound/original", self.listening.original, 0)

    def _hear(self, steps: Iterator[int] | list[int]) -> None:
        for step in steps:
            if step not in self.heard:
                self._add_sound("sound/model", self.outcome.heard[step], step)
                self.heard.add(step)

    def _add_sound(self, tag: str, sound: Tensor, step: int) -> None:
        """A sound [channels, samples] int16, as it is: torch's own way knows one channel, and rounds anew."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        encoded = io.BytesIO()
        soundfile.write(encoded, sound.T.numpy(), self.listening.sample_rate, format="WAV", subtype="PCM_16")
        audio = Summary.Audio(
            sample_rate=self.listening.sample_rate,
            num_channels=sound.shape[0],
            length_frames=sound.shape[1],
            encoded_audio_string=encoded.getvalue(),
            content_type="audio/wav",
        )
        self.writer.file_writer.add_summary(Summary(value=[Summary.Value(tag=tag, audio=audio)]), step)


def _curves(outcome: Outcome) -> dict[str, list[dict]]:
    return {"training": outcome.training_rows, "validation": outcome.validation_rows}
