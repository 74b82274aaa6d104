"""Putting a graph in order changes nothing of what it computes."""

import collections

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from timbre.export.onnx.graph import Graph
from timbre.export.onnx.layout import turned
from timbre.export.onnx.tidy import tidied


def model(text: str) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')


def run(made: onnx.ModelProto, audio: np.ndarray, state: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kept = {value.name: tuple(value.shape) for value in session.get_inputs()}
    return session.run(None, {"audio": audio, "state_0": state.reshape(kept["state_0"])})


def ordered(text: str) -> onnx.ModelProto:
    graph = Graph(model(text))
    tidied(graph, but_rank=3)
    turned(graph)
    tidied(graph)
    made = graph.model({})
    onnx.checker.check_model(made, full_check=True)
    return made


def kinds(made: onnx.ModelProto) -> dict[str, int]:
    return collections.Counter(node.op_type for node in made.graph.node)


HEAD = "timbre (float[1,1,12] audio, float[1,2,4] state_0) => (float[1,1,12] audio_out, float[1,2,4] next_state_0)"
INTEGERS = (
    "int64[3] rows_shape = {{1, 3, 4}}, int64[3] audio_shape = {{1, 1, 12}}, int64[1] one = {{{one}}},"
    "int64[1] last = {{{last}}}, int64[1] start = {{{start}}}"
)
FIRST = ", ".join(str(number % 7 - 3) for number in range(48))
SECOND = ", ".join(str(number % 5 - 2) for number in range(16))
WEIGHTS = (
    f"<float[4,4,3] first = {{{FIRST}}}, float[4,4,1] second = {{{SECOND}}}, float[4] per = {{1, 2, 3, 4}},"
    f"float half = {{0.5}}, {INTEGERS.format(one=1, last=5, start=3)}>"
)
RESIDUAL = (
    HEAD
    + WEIGHTS
    + """ {
    rows = Reshape(audio, rows_shape)
    active = LeakyRelu<alpha = 0.2>(rows)
    scaled = Mul(active, per)
    heard = Concat<axis = 1>(state_0, scaled)
    columns = Transpose<perm = [0, 2, 1]>(heard)
    y = Conv(columns, first)
    y_rows = Transpose<perm = [0, 2, 1]>(y)
    y_active = Tanh(y_rows)
    y_columns = Transpose<perm = [0, 2, 1]>(y_active)
    z = Conv(y_columns, second)
    z_rows = Transpose<perm = [0, 2, 1]>(z)
    halved = Mul(z_rows, half)
    added = Add(rows, halved)
    added_columns = Transpose<perm = [0, 2, 1]>(added)
    mixed = Conv(added_columns, second)
    sum = Transpose<perm = [0, 2, 1]>(mixed)
    audio_out = Reshape(sum, audio_shape)
    next_state_0 = Slice(heard, start, last, one)
}"""
)


def test_a_residual_unit_keeps_one_turn_into_it_and_one_out_of_it():
    before, after = model(RESIDUAL), ordered(RESIDUAL)
    assert kinds(before)["Transpose"] == 6
    assert kinds(after)["Transpose"] == 2
    draw = np.random.default_rng(0)
    audio, state = draw.standard_normal((1, 1, 12)), draw.standard_normal((1, 2, 4))
    audio, state = audio.astype(np.float32), state.astype(np.float32)
    wanted = run(before, audio, state)
    got = run(after, audio, state.transpose(0, 2, 1))
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(got[1], wanted[1].transpose(0, 2, 1))
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in after.graph.input}
    assert shapes == {"audio": [1, 1, 12], "state_0": [1, 4, 2]}


def test_what_does_nothing_is_dropped_and_what_is_known_is_computed():
    text = (
        HEAD.replace("timbre", "idle", 1)
        + """ <float two = {2}, float three = {3}, int64[1] axes = {0}> {
        six = Mul(two, three)
        same = Identity(audio)
        cast = Cast<to = 1>(same)
        shape = Shape(cast)
        still = Reshape(cast, shape)
        flat = Squeeze(still, axes)
        back = Unsqueeze(flat, axes)
        unheard = Neg(back)
        audio_out = Mul(back, six)
        next_state_0 = Identity(state_0)
    }"""
    )
    made = ordered(text)
    assert kinds(made) == {"Mul": 1, "Identity": 1}
    audio, state = np.ones((1, 1, 12), np.float32), np.full((1, 2, 4), 7.0, np.float32)
    played, kept = run(made, audio, state)
    assert (played == 6.0).all() and (kept == 7.0).all()


@pytest.mark.parametrize("axis", [1, 2])
def test_axes_follow_the_turn(axis):
    other = 3 - axis
    shape = [1, 3, 4]
    shape[axis] *= 2
    text = (
        HEAD
        + f"""<float[4,4,1] mix = {{{", ".join(str(number % 5) for number in range(16))}}},
        {INTEGERS.format(one=axis, last=1 + shape[axis] // 2, start=1)}> {{
        rows = Reshape(audio, rows_shape)
        columns = Transpose<perm = [0, 2, 1]>(rows)
        y = Conv(columns, mix)
        y_rows = Transpose<perm = [0, 2, 1]>(y)
        twice = Concat<axis = {axis}>(y_rows, y_rows)
        part = Slice(twice, start, last, one)
        part_columns = Transpose<perm = [0, 2, 1]>(part)
        z = Conv(part_columns, mix)
        z_rows = Transpose<perm = [0, 2, 1]>(z)
        audio_out = Reshape(z_rows, audio_shape)
        next_state_0 = Neg(state_0)
    }}"""
    )
    draw = np.random.default_rng(other)
    audio, state = draw.standard_normal((1, 1, 12)).astype(np.float32), np.ones((1, 2, 4), np.float32)
    before, after = run(model(text), audio, state), run(ordered(text), audio, state)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-5, atol=1e-6)
    assert kinds(ordered(text))["Transpose"] == 2
