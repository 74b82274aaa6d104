"""ONNX files of known answer."""

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from support.played import RATE

CONTROL = {
    "name": "gain",
    "least": 0.0,
    "most": 2.0,
    "default": 1.0,
    "neutral": 1.0,
    "unit": "times",
    "meaning": "Louder.",
}


def write_graph(
    path: Path, delay_samples: int, hop: int, channels: int = 1, fixed: bool = False, untold: str = ""
) -> Path:
    """Write a delay line with a gain, which also adds to its output how many samples it has heard, times 1e-3.

    Its states: the line, float32, and the count, int64. fixed: the graph takes one hop. untold: what its description
    lacks.
    """
    samples = hop if fixed else "samples"
    line = [1, channels, delay_samples]
    inputs = [
        helper.make_tensor_value_info("audio", TensorProto.FLOAT, [1, channels, samples]),
        helper.make_tensor_value_info("controls", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("state_line", TensorProto.FLOAT, line),
        helper.make_tensor_value_info("state_count", TensorProto.INT64, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("audio_out", TensorProto.FLOAT, [1, channels, samples]),
        helper.make_tensor_value_info("next_state_line", TensorProto.FLOAT, line),
        helper.make_tensor_value_info("next_state_count", TensorProto.INT64, [1]),
    ]
    constants = [
        helper.make_tensor("start", TensorProto.INT64, [1], [0]),
        helper.make_tensor("back", TensorProto.INT64, [1], [-delay_samples]),
        helper.make_tensor("far", TensorProto.INT64, [1], [1 << 40]),
        helper.make_tensor("last", TensorProto.INT64, [1], [2]),
        helper.make_tensor("small", TensorProto.FLOAT, [], [1e-3]),
    ]
    nodes = [
        helper.make_node("Concat", ["state_line", "audio"], ["joined"], axis=2),
        helper.make_node("Slice", ["joined", "start", "back", "last"], ["late"]),
        helper.make_node("Slice", ["joined", "back", "far", "last"], ["next_state_line"]),
        helper.make_node("Mul", ["late", "controls"], ["loud"]),
        helper.make_node("Cast", ["state_count"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["count", "small"], ["offset"]),
        helper.make_node("Add", ["loud", "offset"], ["audio_out"]),
        helper.make_node("Shape", ["audio"], ["length"], start=2),
        helper.make_node("Add", ["state_count", "length"], ["next_state_count"]),
    ]
    graph = helper.make_graph(nodes, "delay", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    description = {
        "sample_rate_hz": RATE,
        "channels": channels,
        "block_samples": hop,
        "delay_samples": delay_samples,
        "controls": [CONTROL],
    }
    description.pop(untold, None)
    helper.set_model_props(model, {"timbre": json.dumps(description)})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
