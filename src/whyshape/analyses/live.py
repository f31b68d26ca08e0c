"""The tensors of a graph as a program holds them: which want a gradient, and whose memory they lie in.

Every question about cost is asked of a rule with one `Call` whose tensors are these.
"""

from __future__ import annotations

from typing import Any

from whyshape.graph import Graph, Node, rebuild
from whyshape.rules import Call
from whyshape.rules.base import TOLD
from whyshape.rules.dtypes import BYTES, category, name_of
from whyshape.sizes import product


class Live:
    """A tensor: sizes, dtype, whether autograd follows it, and the tensor whose memory it lies in."""

    __slots__ = ("base", "dtype", "index", "kind", "needs_grad", "shape", "strides")

    def __init__(self, shape, dtype="float32", kind="activation", index=-1, needs_grad=False, base=-1, strides=None):
        self.shape, self.dtype, self.kind, self.index = shape, dtype, kind, index
        self.needs_grad, self.base, self.strides = needs_grad, base, strides

    @property
    def contiguous(self) -> bool:
        """Whether it lies in memory row by row."""
        return self.strides is None

    @property
    def leaf(self) -> bool:
        """Whether nothing in the graph made it: an input, a parameter, a buffer, a constant."""
        return self.kind != "activation"

    @property
    def nbytes(self) -> int:
        """Its numbers, in bytes."""
        return product(self.shape) * BYTES[name_of(self.dtype)]


def live(graph: Graph, shapes: list | None = None, input_grad: bool = False) -> list[Live]:
    """Every tensor of the graph, in order; ``shapes`` puts other sizes in (as `push` gives them)."""
    held = []
    for i, t in enumerate(graph.tensors):
        wants = category(t.dtype) >= 2 and (t.trainable if t.kind == "parameter" else input_grad if t.kind == "input" else False)
        held.append(Live(shapes[i] if shapes else t.shape, t.dtype, t.kind, i, wants, t.base if t.base >= 0 else i, t.strides))
        if t.base >= 0 and t.kind in ("parameter", "buffer"):  # registered as a view of a larger tensor
            held[t.base].kind = t.kind
    for node in graph.nodes:
        rule = node.rule
        follows = node.grad and TOLD["history"].get(node.op, True) and any(held[i].needs_grad for i in node.inputs)
        for i in node.outputs:
            out = held[i]
            out.needs_grad = follows and category(out.dtype) >= 2
            if out.base != i:
                out.base = held[out.base].base
            elif node.inputs and rule is not None and _shares(held, node, rule, not graph.calls):
                out.base = held[node.inputs[0]].base
            if node.inplace and out.needs_grad:
                held[out.base].needs_grad = True
    return held


def _shares(held, node: Node, rule, guess: bool) -> bool:
    """Whether the result lies in its input's memory although the reader did not say so: one that runs no code cannot (``guess``)."""
    if node.op in TOLD["itself"]:
        return bool(rule.answer("itself", call_of(node, held)))
    return node.inplace or (rule.view and guess)


def call_of(node: Node, held: list[Live]) -> Call:
    """The node's arguments by name, its tensors from ``held``."""
    at = lambda ref: held[ref.tensor]
    outs: Any = [held[i] for i in node.outputs]
    rule = node.rule
    assert rule is not None
    return Call(rule, rebuild(node.args, at), rebuild(node.kwargs, at), outs[0] if len(outs) == 1 else outs, node.op)
