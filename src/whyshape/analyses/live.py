"""The tensors of a graph as a program holds them: which want a gradient, and whose memory they lie in.

Every question about cost is asked of a rule with one `Call` whose tensors are these.
"""

from __future__ import annotations

from typing import Any

from whyshape.graph import Graph, Node, Ref, rebuild
from whyshape.rules import Call
from whyshape.rules.base import TOLD
from whyshape.rules.dtypes import BYTES, category
from whyshape.sizes import product


class Live:
    """A tensor: sizes, dtype, whether autograd follows it, and the tensor whose memory it lies in."""

    __slots__ = ("_nbytes", "base", "dtype", "index", "kind", "needs_grad", "shape", "strides")

    def __init__(self, shape, dtype="float32", kind="activation", index=-1, needs_grad=False, base=-1, strides=None):
        self.shape, self.dtype, self.kind, self.index = shape, dtype, kind, index
        self.needs_grad, self.base, self.strides, self._nbytes = needs_grad, base, strides, None

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
        if self._nbytes is None:
            self._nbytes = product(self.shape) * BYTES[self.dtype]
        return self._nbytes


class Held(list):
    """Every tensor of a graph, in order, and each node's `Call`, made once for all who ask."""

    def __init__(self, tensors=()):
        super().__init__(tensors)
        self.calls: dict[int, Call] = {}


def live(graph: Graph, shapes: list | None = None, input_grad: bool = False) -> Held:
    """Every tensor of the graph, in order; ``shapes`` puts other sizes in (as `push` gives them)."""
    held = Held()
    for i, t in enumerate(graph.tensors):
        shape, dtype, kind, base, strides = shapes[i] if shapes else t.shape, t.dtype, t.kind, t.base, t.strides
        wants = (t.trainable if kind == "parameter" else input_grad and kind == "input") and category(dtype) >= 2
        held.append(Live(shape, dtype, kind, i, wants, base if base >= 0 else i, strides))
        if base >= 0 and kind in ("parameter", "buffer"):  # registered as a view of a larger tensor
            held[base].kind = kind
    history, itself, guess = TOLD["history"], TOLD["itself"], not graph.calls
    for node in graph.nodes:
        inputs, inplace = node.inputs, node.inplace
        follows = bool(node.grad and [i for i in inputs if held[i].needs_grad] and history.get(node.op, True))
        for i in node.outputs:
            out = held[i]
            out.needs_grad = follows and category(out.dtype) >= 2
            if out.base != i:
                out.base = held[out.base].base
            elif inputs and (inplace or guess or node.op in itself) and _shares(held, node, guess):
                out.base = held[inputs[0]].base
            if inplace and out.needs_grad:
                held[out.base].needs_grad = True
    return held


def _shares(held: Held, node: Node, guess: bool) -> bool:
    """Whether the result lies in its input's memory although the reader did not say so: one that runs no code cannot (``guess``)."""
    rule = node.rule
    if rule is None:
        return False
    if node.op in TOLD["itself"]:
        return bool(rule.answer("itself", call_of(node, held)))
    return node.inplace or (rule.view and guess)


def call_of(node: Node, held: Held) -> Call:
    """The node's arguments by name, its tensors from ``held``."""
    call = held.calls.get(node.index)
    if call is None:
        outs: Any = [held[i] for i in node.outputs]
        rule = node.rule
        assert rule is not None
        args = tuple([held[a[0]] if type(a) is Ref else _put(a, held) for a in node.args])
        kwargs = {k: _put(v, held) for k, v in node.kwargs.items()} if node.kwargs else {}
        call = Call(rule, args, kwargs, outs[0] if len(outs) == 1 else outs, node.op)
        held.calls[node.index] = call
    return call


PLAIN = frozenset((int, float, str, bool, type(None)))


def _put(value, held: Held) -> Any:
    kind = type(value)
    if kind is Ref:
        return held[value[0]]
    return value if kind in PLAIN else rebuild(value, lambda ref: held[ref[0]])
