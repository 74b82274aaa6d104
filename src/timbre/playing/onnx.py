"""model.onnx: one step of the network, whose state goes in and comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from timbre.errors import UserError, reason, shown
from timbre.playing.player import ControlRange, Player

# Key of the model's metadata under which its description lies, with the keys of model.json.
DESCRIPTION = "timbre"
# How an entry begins that says in which other file a tensor lies (protobuf: field 1, eight bytes).
ELSEWHERE = b"\x0a\x08location"
STATE, NEXT_STATE = "state_", "next_state_"
TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


class OnnxPlayer(Player):
    """Plays an ONNX file with onnxruntime, in one thread.

    Inputs: `audio` [1, channels, samples], `controls` [number of them], and any number of `state_<name>`, zeros at the
    start of a stream. Outputs: `audio_out` and `next_state_<name>`.
    """

    def __init__(self, session: Any, description: dict, path: Path) -> None:
        controls = {
            each["name"]: ControlRange(*(each[key] for key in ("default", "least", "most", "unit", "meaning")))
            for each in description["controls"]
        }
        super().__init__(
            path, description["sample_rate_hz"], description["channels"], description["block_samples"], controls
        )
        self._session = session
        self._delay_samples = int(description["delay_samples"])
        inputs = {each.name: each for each in session.get_inputs()}
        self._zeros = {
            name: np.zeros([int(size) for size in each.shape], TYPES[each.type])
            for name, each in inputs.items()
            if name.startswith(STATE)
        }
        self._outputs = ["audio_out", *(NEXT_STATE + name.removeprefix(STATE) for name in self._zeros)]
        missing = sorted({"audio"} - inputs.keys() | set(self._outputs) - {each.name for each in session.get_outputs()})
        if missing:
            raise KeyError(*missing)
        self._takes_controls = "controls" in inputs
        # A graph made for one length of block is played in pieces of it.
        length = inputs["audio"].shape[2]
        self._length = length if isinstance(length, int) else None
        self._values = np.array([known.default for known in controls.values()], np.float32)
        self._places = {name: index for index, name in enumerate(controls)}
        self._state = self._zeros

    @property
    def delay_samples(self) -> int:
        return self._delay_samples

    def reset(self) -> None:
        self._state = self._zeros

    def _turn(self, name: str, value: float) -> None:
        self._values[self._places[name]] = value

    def _play(self, block: np.ndarray) -> np.ndarray:
        length = self._length or block.shape[1]
        pieces = [self._step(block[:, start : start + length]) for start in range(0, block.shape[1], length)]
        return np.concatenate(pieces, axis=1)

    def _step(self, piece: np.ndarray) -> np.ndarray:
        given = {"audio": np.ascontiguousarray(piece[None])} | self._state
        if self._takes_controls:
            given["controls"] = self._values
        played, *state = self._session.run(self._outputs, given)
        self._state = dict(zip(self._zeros, state, strict=True))
        return played[0]


def load_onnx(path: Path, content: bytes) -> OnnxPlayer:
    """Load an .onnx file of this content.

    Raises: UserError where it does not load, is not one that timbre has exported, or onnxruntime is missing.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise UserError(f"{path}: onnxruntime plays .onnx files and is missing. `pip install onnxruntime`.") from None
    if ELSEWHERE in content:
        raise UserError(f"{path} is not as timbre exports it: it has tensors in other files, which are not read.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # What dies away would become denormal numbers, which most CPUs are slow with.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.log_severity_level = 3  # errors only: they are told below
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        described = session.get_modelmeta().custom_metadata_map.get(DESCRIPTION)
    except Exception as error:  # onnxruntime's errors have no base but Exception
        raise UserError(
            f"{path} does not load as ONNX ({reason(error)}). Delete it and run `dvc repro` to make it anew."
        ) from None
    if described is None:
        raise UserError(
            f"{path} is ONNX, but not as timbre exports it: its metadata has no `{DESCRIPTION}`. "
            "Give models/export/model.onnx; `dvc repro export` makes it with `onnx` among export.targets."
        )
    try:
        return OnnxPlayer(session, json.loads(described), path)
    except Exception as error:  # whatever values of other kinds lead to
        raise UserError(f"{path} is not as timbre exports it now ({shown(error)}). Run `dvc repro export`.") from None
