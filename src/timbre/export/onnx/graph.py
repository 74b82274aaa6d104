"""A graph of ONNX nodes that is being put in order."""

from __future__ import annotations

import collections

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

Shape = tuple[int, ...]


class Graph:
    """Nodes in order, constants by name, and type and shape of every value.

    All shapes are known. `outputs` tells which value each output of the model is.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
        self.opset = model.opset_import[0].version
        self.inputs = [value.name for value in inferred.input]
        self.outputs = {value.name: value.name for value in inferred.output}
        self.types: dict[str, int] = {}
        self.shapes: dict[str, Shape] = {}
        for value in [*inferred.input, *inferred.value_info, *inferred.output]:
            tensor = value.type.tensor_type
            self.types[value.name] = tensor.elem_type
            self.shapes[value.name] = tuple(dim.dim_value for dim in tensor.shape.dim)
        self.constants: dict[str, np.ndarray] = {}
        for tensor in inferred.initializer:
            self.constants[tensor.name] = numpy_helper.to_array(tensor)
        self.nodes: list[NodeProto] = []
        for node in inferred.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(attribute(node, "value"))
            else:
                self.nodes.append(node)
        for name, value in self.constants.items():
            self.shapes[name] = value.shape
            self.types[name] = helper.np_dtype_to_tensor_dtype(value.dtype)

    def constant(self, value: np.ndarray) -> str:
        """A new constant; returns its name."""
        name = f"new_constant_{len(self.shapes)}"
        self.constants[name] = value
        self.shapes[name], self.types[name] = value.shape, helper.np_dtype_to_tensor_dtype(value.dtype)
        return name

    def value(self, shape: Shape, dtype: int) -> str:
        """The name of a new value."""
        name = f"new_value_{len(self.shapes)}"
        self.shapes[name], self.types[name] = shape, dtype
        return name

    def rename(self, renamed: dict[str, str]) -> None:
        """Let whoever hears a value hear another in its place."""

        def last(name: str) -> str:
            while name in renamed:
                name = renamed[name]
            return name

        for node in self.nodes:
            node.input[:] = [last(name) for name in node.input]
        self.outputs = {name: last(value) for name, value in self.outputs.items()}

    def producers(self) -> dict[str, NodeProto]:
        """The node that makes each value."""
        return {name: node for node in self.nodes for name in node.output}

    def drop_unheard(self) -> None:
        """Drop nodes and constants that no output depends on."""
        heard, kept = set(self.outputs.values()), []
        for node in reversed(self.nodes):
            if heard.intersection(node.output):
                heard.update(node.input)
                kept.append(node)
        self.nodes = kept[::-1]
        self.constants = {name: value for name, value in self.constants.items() if name in heard}

    def model(self, metadata: dict[str, str]) -> onnx.ModelProto:
        """The model, its nodes, values and constants named by their place, each constant once."""
        names = {name: name for name in self.inputs}
        constants, known = [], {}
        nodes, count = [], collections.Counter()
        heard = [name for node in self.nodes for name in node.input if name in self.constants]
        for name in dict.fromkeys(heard):
            value = np.asarray(self.constants[name], order="C")
            key = (value.dtype.str, value.shape, value.tobytes())
            if key not in known:
                known[key] = f"constant_{len(known):03d}"
                constants.append(numpy_helper.from_array(value, known[key]))
            names[name] = known[key]
        last = {value: name for name, value in self.outputs.items()}
        for node in self.nodes:
            count[node.op_type] += 1
            title = f"{node.op_type}_{count[node.op_type]:03d}"
            for place, name in enumerate(node.output):
                taken = name in last
                names[name] = last[name] if taken else f"{title.lower()}_{place}" if place else title.lower()
            copied = NodeProto()
            copied.CopyFrom(node)
            copied.name, copied.doc_string = title, ""
            copied.input[:] = [names[name] if name else "" for name in node.input]
            copied.output[:] = [names[name] for name in node.output]
            del copied.metadata_props[:]
            nodes.append(copied)
        for name, value in self.outputs.items():
            if names.get(value) != name:
                source = names[value]
                nodes.append(helper.make_node("Identity", [source], [name], name=f"{name}_copy"))
        told = lambda name, value: helper.make_tensor_value_info(name, self.types[value], self.shapes[value])  # noqa: E731
        graph = helper.make_graph(
            nodes,
            "timbre",
            [told(name, name) for name in self.inputs],
            [told(name, value) for name, value in self.outputs.items()],
            constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        model.producer_name = "timbre"
        helper.set_model_props(model, dict(sorted(metadata.items())))
        return model


def attribute(node: NodeProto, name: str, default: object = None) -> object:
    """An attribute of a node."""
    for each in node.attribute:
        if each.name == name:
            return helper.get_attribute_value(each)
    return default


def set_attribute(node: NodeProto, name: str, value: object) -> None:
    """Set an attribute of a node."""
    for place, each in enumerate(node.attribute):
        if each.name == name:
            del node.attribute[place]
            break
    node.attribute.append(helper.make_attribute(name, value))
