"""Plays a sound through model.onnx: python run_onnx.py model.onnx input.wav output.wav [control=value ...]"""

import json
import sys

import numpy as np
import onnxruntime
import soundfile

model, source, target, *turned = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("session.set_denormal_as_zero", "1")
session = onnxruntime.InferenceSession(model, options)
told = json.loads(session.get_modelmeta().custom_metadata_map["timbre"])
controls = {each["name"]: each["default"] for each in told["controls"]} | dict(each.split("=") for each in turned)
settings = np.array([controls[each["name"]] for each in told["controls"]], dtype=np.float32)
types = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(bool)": bool}
state = {x.name: np.zeros(x.shape, types[x.type]) for x in session.get_inputs() if x.name.startswith("state_")}
sound, rate_hz = soundfile.read(source, dtype=np.float32, always_2d=True)
assert rate_hz == told["sample_rate_hz"], f"{source} must have {told['sample_rate_hz']} Hz"
sound = sound if sound.shape[1] == told["channels"] else np.tile(sound.mean(axis=1)[:, None], told["channels"])
delay, hop, played = told["delay_samples"], told["block_samples"], []
padded = np.pad(sound, ((0, delay + -(len(sound) + delay) % hop), (0, 0)))
for block in np.split(padded, len(padded) // hop):
    given = {"audio": block.T[None], "controls": settings, **state}
    made = {x.name: y for x, y in zip(session.get_outputs(), session.run(None, given), strict=True)}
    state = {name: made[f"next_{name}"] for name in state}
    played.append(made["audio_out"][0].T)
soundfile.write(target, np.concatenate(played)[delay : delay + len(sound)], rate_hz, subtype="FLOAT")
