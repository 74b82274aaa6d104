"""Which way round the rows of samples lie: so that as few transpositions as possible are left.

A network's `step` keeps rows [batch, samples, channels], a convolution wants columns [batch, channels, samples], and
the trace turns them round before and after each. Between two convolutions stand steps that can work on either. Values
that such steps connect are turned together, wherever that saves more turning than it costs; states, which nobody sees
but the graph itself, are turned for nothing.
"""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper

from timbre.export.onnx.graph import Graph, attribute, set_attribute

TURN = [0, 2, 1]
# Element by element; the second kind with other values of the same rank, or constants.
OF_ONE = {"Abs", "Cast", "Clip", "Cos", "Exp", "LeakyRelu", "Log", "Neg", "Sigmoid", "Sin", "Softplus", "Sqrt", "Tanh"}
OF_MORE = {"Add", "Div", "Max", "Min", "Mul", "Pow", "Sub", "Where", "Greater", "GreaterOrEqual", "Less", "And"}
ALONG_AXES = {"Concat", "Slice", "Split"}


class _Groups:
    """Values that are turned together."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def of(self, name: str) -> str:
        while self.parent.setdefault(name, name) != name:
            name = self.parent[name]
        return name

    def join(self, names: list[str]) -> None:
        first = self.of(names[0])
        for name in names[1:]:
            self.parent[self.of(name)] = first


def turned(graph: Graph) -> None:
    """Turn values so that few transpositions are left."""
    groups = _Groups()
    for node in graph.nodes:
        if _is_free(graph, node):
            groups.join(_rows(graph, [*node.input, *node.output]))
    for name, value in graph.outputs.items():
        state = name.removeprefix("next_")
        if state in graph.inputs and len(graph.shapes[value]) == 3:
            groups.join([state, value])
    turning = _worth_turning(graph, groups)
    _turn(graph, {name for name in graph.shapes if groups.of(name) in turning})


def _rows(graph: Graph, names: list[str]) -> list[str]:
    """Those that are no constants and may be turned."""
    return [name for name in names if name and name not in graph.constants and len(graph.shapes[name]) == 3]


def _is_turn(graph: Graph, node: NodeProto) -> bool:
    return node.op_type == "Transpose" and list(attribute(node, "perm")) == TURN


def _is_free(graph: Graph, node: NodeProto) -> bool:
    """Whether a node works on turned values as well."""
    if len(graph.shapes[node.output[0]]) != 3:
        return False
    if node.op_type in OF_ONE or node.op_type in ALONG_AXES:
        return node.input[0] not in graph.constants
    if node.op_type in OF_MORE:
        return all(
            name in graph.constants or len(graph.shapes[name]) == 3 or graph.shapes[name] in ((), (1,))
            for name in node.input
        )
    return False


def _pinned(graph: Graph) -> list[str]:
    """Values that somebody needs as they are, once for each."""
    heard, made = {"audio": None}, {graph.outputs["audio_out"]: None}
    for node in graph.nodes:
        if not _is_free(graph, node) and not _is_turn(graph, node):
            heard |= dict.fromkeys(_rows(graph, list(node.input)))
            made |= dict.fromkeys(_rows(graph, list(node.output)))
    return [*heard, *made]


def _worth_turning(graph: Graph, groups: _Groups) -> set[str]:
    """Groups to turn, the most worthwhile first, until none saves anything."""
    saved: dict[str, int] = {}
    edges: dict[str, list[str]] = {}
    for node in graph.nodes:
        if _is_turn(graph, node):
            ends = [groups.of(node.input[0]), groups.of(node.output[0])]
            for one, other in (ends, ends[::-1]):
                edges.setdefault(one, []).append(other)
                saved[one] = saved.get(one, 0) + (one != other)
    for name in _pinned(graph):
        group = groups.of(name)
        saved[group] = saved.get(group, 0) - 1
    turning: set[str] = set()
    while saved:
        best = max(sorted(saved), key=lambda group: saved[group])
        if saved.pop(best) <= 0:
            break
        turning.add(best)
        for other in edges.get(best, []):
            if other in saved:
                # What stood between them is saved already; turning the other as well would bring it back.
                saved[other] -= 2
    return turning


def _turn(graph: Graph, names: set[str]) -> None:
    renamed: dict[str, str] = {}
    nodes: list[NodeProto] = []
    upright: dict[str, str] = {}
    old = dict(graph.shapes)
    for name in names:
        if name not in graph.constants:
            graph.shapes[name] = tuple(np.array(old[name])[TURN].tolist())

    def unturned(name: str) -> str:
        """A turned value as it was."""
        if name not in upright:
            upright[name] = graph.value(old[name], graph.types[name])
            nodes.append(helper.make_node("Transpose", [name], [upright[name]], perm=TURN))
        return upright[name]

    for node in graph.nodes:
        is_free, is_turn = _is_free_at(graph, node, old), _is_turn(graph, node)
        if is_turn and (node.input[0] in names) != (node.output[0] in names):
            renamed[node.output[0]] = node.input[0]
        elif is_turn:
            nodes.append(node)
        elif is_free and node.output[0] in names:
            _turn_axes(graph, node)
            nodes.append(node)
        else:
            node.input[:] = [unturned(name) if name in names else name for name in node.input]
            nodes.append(node)
            for place, name in enumerate(node.output):
                if name in names:
                    node.output[place] = graph.value(old[name], graph.types[name])
                    nodes.append(helper.make_node("Transpose", [node.output[place]], [name], perm=TURN))
    played = graph.outputs["audio_out"]
    graph.nodes = nodes
    if played in names:
        graph.outputs["audio_out"] = unturned(played)
    graph.rename(renamed)


def _is_free_at(graph: Graph, node: NodeProto, shapes: dict) -> bool:
    now, graph.shapes = graph.shapes, shapes
    try:
        return _is_free(graph, node)
    finally:
        graph.shapes = now


def _turn_axes(graph: Graph, node: NodeProto) -> None:
    """Let a node that works on either do it on the turned one."""
    if node.op_type in ("Concat", "Split"):
        axis = attribute(node, "axis", 0)
        set_attribute(node, "axis", TURN[axis])
        for place, name in enumerate(node.input):
            if node.op_type == "Concat" and name in graph.constants:
                node.input[place] = graph.constant(graph.constants[name].transpose(TURN))
    elif node.op_type == "Slice":
        axes = graph.constants[node.input[3]] % 3
        node.input[3] = graph.constant(np.array(TURN, dtype=np.int64)[axes])
    elif node.op_type in OF_MORE:
        for place, name in enumerate(node.input):
            if name in graph.constants and graph.constants[name].size > 1:
                value = graph.constants[name]
                value = value.reshape((1,) * (3 - value.ndim) + value.shape)
                node.input[place] = graph.constant(value.transpose(TURN))
