"""Changes written into a model that was loaded, as a fix says them: an input's sizes, the sizes told to a reshape, a weight of other sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.readers.onnx.records import Constant, GraphRecord, ModelRecord, NodeRecord


def edited(model: ModelRecord, edits: Iterable[dict[str, Any]]) -> ModelRecord:
    """The model with the edits made. A node is named by its name, or by its first result. Raises `WhyshapeError` for what is not there."""
    graph = model.graph
    for edit in edits:
        graph = _one(graph, edit)
    return model._replace(graph=graph)


def _one(graph: GraphRecord, edit: dict[str, Any]) -> GraphRecord:
    if "param" in edit:
        name = edit["param"]
        held = graph.constants.get(name)
        if held is None:
            raise WhyshapeError(f"The file holds no weight of the name {name[:60]!r}.")
        return graph._replace(constants={**graph.constants, name: held._replace(shape=tuple(edit["shape"]), items=None)})
    name, value = edit["layer"], tuple(edit["value"])
    if any(label == name for label, _ in graph.inputs):
        stated = tuple((label, of._replace(shape=value) if label == name else of) for label, of in graph.inputs)
        return graph._replace(inputs=stated)
    for i, node in enumerate(graph.nodes):
        if name in (node.name, *node.outputs[:1]):
            told = Constant(f"{name}/shape told", "int64", (len(value),), value)
            return graph._replace(
                nodes=(*graph.nodes[:i], _told(node, told, value), *graph.nodes[i + 1 :]), constants={**graph.constants, told.name: told}
            )
    raise WhyshapeError(f"The file has no node and no input of the name {name[:60]!r}.")


def _told(node: NodeRecord, told: Constant, value: tuple) -> NodeRecord:
    """The node with its sizes told by that constant; before opset 5 they are an attribute."""
    if "shape" in node.attributes:
        return node._replace(attributes={**node.attributes, "shape": value})
    return node._replace(inputs=(node.inputs[0], told.name, *node.inputs[2:]))


__all__ = ["edited"]
