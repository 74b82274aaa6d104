"""What a trace leaves behind: sums of constants, shapes that are known, steps that do nothing."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper
from onnx.reference import ReferenceEvaluator

from timbre.export.onnx.graph import Graph, Shape, attribute


def tidied(graph: Graph, but_rank: int = -1) -> None:
    """Do beforehand what does not depend on an input, and drop what does nothing.

    but_rank: transpositions of this rank stay as they are.
    """
    size = -1
    while size != len(graph.nodes):
        size = len(graph.nodes)
        _fold_constants(graph)
        _drop_idle(graph, but_rank)
        _join_reshapes(graph)
        graph.drop_unheard()


def _fold_constants(graph: Graph) -> None:
    kept = []
    for node in graph.nodes:
        if node.op_type == "Shape":
            graph.constants[node.output[0]] = np.array(graph.shapes[node.input[0]], dtype=np.int64)
        elif all(name in graph.constants for name in node.input if name):
            evaluator = ReferenceEvaluator(helper.make_model(_alone(graph, node), opset_imports=_opset(graph)))
            heard = {name: graph.constants[name] for name in node.input if name}
            for name, value in zip(node.output, evaluator.run(None, heard), strict=True):
                graph.constants[name] = np.asarray(value)
        else:
            kept.append(node)
    graph.nodes = kept


def _opset(graph: Graph) -> list:
    return [helper.make_opsetid("", graph.opset)]


def _alone(graph: Graph, node: NodeProto):
    told = [
        [helper.make_tensor_value_info(name, graph.types[name], graph.shapes[name]) for name in names if name]
        for names in (dict.fromkeys(node.input), node.output)
    ]
    return helper.make_graph([node], "alone", *told)


def _drop_idle(graph: Graph, but_rank: int) -> None:
    renamed, kept = {}, []
    for node in graph.nodes:
        _drop_empty(graph, node)
        source = node.input[0]
        same = source not in graph.constants and graph.shapes[source] == graph.shapes[node.output[0]]
        if same and _is_idle(graph, node):
            renamed[node.output[0]] = source
        else:
            kept.append(_cheaper(graph, node, but_rank))
    graph.nodes = kept
    graph.rename(renamed)


def _drop_empty(graph: Graph, node: NodeProto) -> None:
    if node.op_type == "Concat":
        node.input[:] = [name for name in node.input if 0 not in graph.shapes[name]]


def _is_idle(graph: Graph, node: NodeProto) -> bool:
    """Whether a node whose output is as large as its input gives just that."""
    source, result = node.input[0], node.output[0]
    if node.op_type in ("Identity", "Reshape", "Squeeze", "Unsqueeze", "Expand"):
        return True
    if node.op_type == "Cast":
        return graph.types[source] == graph.types[result]
    if node.op_type == "Concat":
        return len(node.input) == 1
    if node.op_type == "Transpose":
        order = list(attribute(node, "perm"))
        return order == sorted(order)
    if node.op_type == "Slice":
        return len(node.input) < 5 or bool((graph.constants[node.input[4]] == 1).all())
    return False


def _cheaper(graph: Graph, node: NodeProto, but_rank: int) -> NodeProto:
    """Squeezing, and a transposition that moves only axes of one element, as a change of shape."""
    source, result = node.input[0], node.output[0]
    if node.op_type == "Transpose" and len(graph.shapes[source]) != but_rank:
        moved = [axis for axis in attribute(node, "perm") if graph.shapes[source][axis] != 1]
        if moved == sorted(moved):
            return _reshape(graph, source, result)
    if node.op_type in ("Squeeze", "Unsqueeze"):
        return _reshape(graph, source, result)
    return node


def _reshape(graph: Graph, source: str, result: str) -> NodeProto:
    shape: Shape = graph.shapes[result]
    return helper.make_node("Reshape", [source, graph.constant(np.array(shape, dtype=np.int64))], [result])


def _join_reshapes(graph: Graph) -> None:
    producers = graph.producers()
    for node in graph.nodes:
        if node.op_type == "Reshape":
            before = producers.get(node.input[0])
            if before is not None and before.op_type == "Reshape":
                node.input[0] = before.input[0]
