"""The same call in Keras, in one line: its code, its sizes maps last, and what to beware of."""

from __future__ import annotations

from typing import Any

from whyshape.graph.graph import Graph, Node
from whyshape.rules.twins import TWINS, NoTwin, Twin

SLIDING_1D = 3  # axes of a batch of sequences with their maps: (batch, maps, length)


def twin_of(node: Node, graph: Graph, last: bool | None = None) -> Twin | NoTwin | None:
    """How Keras spells a call; None where nothing is known. ``last``: its images lie maps last (unsaid: images do)."""
    make = TWINS.get(node.op) if node.rule is not None else None
    if make is None or not node.outputs:
        return None
    call: Any = graph.call(node)
    rank = len(graph.tensors[node.inputs[0]].shape)
    if getattr(node.rule, "knobs", {}).get("weight", ())[-1:] == ("kernel_size",) and rank == len(call.weight.shape) - 1:
        return NoTwin("a layer in Keras always wants a batch")
    if last is None:
        last = rank in (4, 5) or (rank == SLIDING_1D and slides(node, graph))
    return make(call, last)


def slides(node: Node, graph: Graph) -> bool:
    """Whether the call itself says that its last axes are places: a window moves over them."""
    assert node.rule is not None
    return bool(node.rule.reach(graph.call(node))) or node.op in ("batch_norm", "group_norm", "instance_norm")


def keras_line(node: Node, graph: Graph) -> str | None:
    """The line under IN KERAS: code, sizes maps last, kernel layout, and equal sizes that hide other numbers.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> y = net.layer("Conv2d", "conv_1", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> g = net.graph(y)
    >>> print(keras_line(g.nodes[0], g))
    Conv2D(10, 5) on (28, 28, 1) -> (24, 24, 10). Same numbers, maps last. Kernel is stored (5, 5, 1, 10) there and (10, 1, 5, 5) here.
    """
    twin = twin_of(node, graph)
    if twin is None:
        return None
    if isinstance(twin, NoTwin):
        return f"no twin: {twin.reason}."
    before = _last(graph.tensors[node.inputs[0]].shape, node, graph, twin)
    after = _last(graph.tensors[node.outputs[0]].shape, node, graph, twin)
    code = ", then ".join(twin.steps)
    same = "Same numbers" if not twin.differs else "Same count"
    order = ", maps last" if before[1] or after[1] else ""
    text = f"{code} on {before[0]} -> {after[0]}. {same}{order}."
    if twin.remark:
        text += f" {twin.remark[0].upper()}{twin.remark[1:]}."
    call: Any = graph.call(node)
    kernel = next((m for m in twin.weights if m.argument == "weight" and m.order), None)
    if kernel and kernel.order and None not in kernel.order and len(kernel.order) > 1:
        shape = call.weight.shape
        there = _stored(kernel, shape, call)
        text += f" Kernel is stored {_text(there)} there and {_text(shape)} here."
    if twin.beware:
        text += f" {twin.beware} also gives {after[0]}, but not the same values."
    return text


def _stored(kernel, shape, call):
    if len(kernel.order) < len(shape):  # a depthwise kernel: (in*m, 1, *k) there is (*k, in, m)
        groups = int(call.groups)
        return (*shape[2:], groups, int(shape[0]) // groups)
    return tuple(shape[a] for a in kernel.order)


class _Shape(tuple):
    def __str__(self):
        return _text(self)


def _last(shape, node, graph, twin) -> tuple[_Shape, bool]:
    """A shape without its batch, maps last where the twin wants it so; and whether that moved anything."""
    rank = len(shape)
    moved = twin.layout not in ("as is", "features") and (rank in (4, 5) or (rank == SLIDING_1D and slides(node, graph)))
    inner = tuple(int(n) for n in shape[1:])
    return (_Shape((*inner[1:], inner[0])), True) if moved else (_Shape(inner), False)


def _text(shape) -> str:
    inner = ", ".join(str(int(n)) for n in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
