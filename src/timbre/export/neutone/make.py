"""Have Neutone's SDK make and check model.nm: `python -m timbre.export.neutone.make FOLDER`.

A process of its own for the reasons that `timbre.export.make` has. FOLDER holds network.pt, job.json (texts, rate in
Hz, benchmark) and sounds.npz, pairs of what goes in and comes out [channels, samples]; model.nm is written there.
Prints what the SDK's queue is like, and its benchmark if that was asked for, as JSON.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from timbre.errors import UserError, reason, stage_main

if TYPE_CHECKING:
    from neutone_sdk import NeutoneModel

# Of a sound, what the SDK's checks play.
TRIED_SECONDS = 1.0
# Host blocks in samples for which model.json tells the delay.
HOST_BLOCKS_SAMPLES = (64, 128, 256, 480, 512, 1024, 2048, 3000, 4096)


class Steps(logging.Handler):
    """What the SDK says it does, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.measured: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line: of a benchmark, or the name of a step; an error is raised besides."""
        if record.levelno != logging.INFO:
            return
        lines = self.measured if record.name == "neutone_sdk.benchmark" else self.steps
        lines.append(record.getMessage())


@contextmanager
def quiet_sdk() -> Iterator[Steps]:
    """Keep what the SDK prints from the user; raises UserError that names the step in which it failed."""
    os.environ["LOGLEVEL"] = "INFO"
    steps = Steps()
    logging.getLogger("neutone_sdk").addHandler(steps)
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield steps
    except Exception as error:  # its assertions, jsonschema's and TorchScript's errors have no common type
        step = steps.steps[-1].splitlines()[0].rstrip(". ") if steps.steps else "Starting"
        raise UserError(f"neutone_sdk does not take the model, at its step `{step}`: {reason(error)}") from error
    finally:
        logging.getLogger("neutone_sdk").removeHandler(steps)


def make(folder: Path) -> dict:
    """Write model.nm. Returns: native_buffer_sizes, buffering_delay_samples by host block, benchmark (lines)."""
    import numpy as np
    import torch

    from timbre.export.archive import stripped
    from timbre.files import read_json, write_bytes

    job = read_json(folder / "job.json")
    network = torch.load(folder / "network.pt", weights_only=False)
    sounds = np.load(folder / "sounds.npz")
    with quiet_sdk() as steps, tempfile.TemporaryDirectory(dir=folder) as scratch:
        from neutone_sdk import SampleQueueWrapper, utils
        from neutone_sdk.audio import AudioSample, AudioSamplePair

        from timbre.export.neutone.plugin_model import PluginModel

        model = PluginModel(network, job["texts"])
        samples = [AudioSample(torch.from_numpy(sounds[name]), job["rate"]) for name in sounds]
        tried = AudioSample(samples[0].audio[:, : round(TRIED_SECONDS * job["rate"])], job["rate"])
        # Its own recordings are of ten seconds, which a large network plays for a minute; and optimising the graph pays
        # off only where its speed is measured.
        with (
            mock.patch.object(utils, "get_default_audio_samples", lambda: [tried]),
            torch.jit.optimized_execution(job["benchmark"]),
        ):
            utils.save_neutone_model(
                model,
                Path(scratch),
                dump_samples=True,
                submission=True,
                audio_sample_pairs=[AudioSamplePair(*pair) for pair in zip(samples[::2], samples[1::2], strict=True)],
                speed_benchmark=job["benchmark"],
            )
        write_bytes(folder / "model.nm", stripped(with_short_buffers(Path(scratch) / "model.nm", model)))
        utils.load_neutone_model(str(folder / "model.nm"))
    sizes, queue = model.get_native_buffer_sizes(), SampleQueueWrapper
    delays = {
        str(block): queue.calc_delay_samples(block, queue.select_best_model_buffer_size(block, sizes))
        for block in HOST_BLOCKS_SAMPLES
    }
    measured = [line for line in steps.measured if "1/RTF" in line]
    return {"native_buffer_sizes": sizes, "buffering_delay_samples": delays, "benchmark": measured}


def with_short_buffers(path: Path, model: NeutoneModel) -> bytes:
    """A file of the SDK with the buffers of its queue as short as they may be.

    The plug-in makes them anew for the blocks of its host; those that the SDK saves are half a megabyte.
    """
    import torch

    extra = {"metadata.json": ""}
    script, made = torch.jit.load(path, _extra_files=extra), io.BytesIO()
    script.set_daw_sample_rate_and_buffer_size(model.get_native_sample_rates()[0], model.get_native_buffer_sizes()[0])
    torch.jit.save(script, made, _extra_files=extra)
    return made.getvalue()


def main() -> None:
    """Make the file of FOLDER."""
    print(json.dumps(make(Path(sys.argv[1]))))


if __name__ == "__main__":
    stage_main(main)
