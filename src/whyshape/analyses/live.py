"""The tensors of a graph as a program holds them: which want a gradient, and whose memory they lie in.

Every question about cost is asked of a rule with one `Call` whose tensors are these. Networks repeat themselves: calls that are
alike (same operator, same arguments, tensors of the same sizes) are asked once, and share one `Asked`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from whyshape.graph import Graph, Node, Ref, rebuild
from whyshape.rules import Call, Spec
from whyshape.rules.base import TOLD
from whyshape.rules.dtypes import BYTES, CATEGORY, name_of
from whyshape.rules.kept import PARTLY
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
        return product(self.shape) * BYTES[self.dtype]


class Asked:
    """What the rule of one distinct call says, each answer worked out once. None: nobody knows."""

    def __init__(self, node: Node, held: Held):
        self.node, self._held, self._rule = node, held, node.rule

    @cached_property
    def call(self) -> Call:
        """The call the rule is asked with."""
        return call_of(self.node, self._held)

    def _answer(self, question: str) -> Any:
        return None if self._rule is None else getattr(self._rule, question)(self.call)

    @cached_property
    def macs(self) -> int | None:
        """Multiply-adds."""
        return self._answer("macs")

    @cached_property
    def work(self) -> int | None:
        """Other elementary operations."""
        return self._answer("work")

    @cached_property
    def fvcore(self) -> int | None:
        """What fvcore counts."""
        return self._answer("fvcore")

    @cached_property
    def backward(self) -> int | None:
        """Multiply-adds of the backward pass."""
        return self._answer("backward")

    @cached_property
    def saved(self) -> tuple[int, tuple[int, ...], bool] | None:
        """What autograd keeps: bytes made on the way; which of the node's tensors, counted through its inputs and outputs; if that is all."""
        items = self._answer("saved")
        if items is None:
            return None
        places = (*self.node.inputs, *self.node.outputs)
        made = sum(product(item.shape) * BYTES[name_of(item.dtype)] for item in items if type(item) is Spec)
        return made, tuple(places.index(item.index) for item in items if type(item) is Live), PARTLY not in items


class Held(list):
    """Every tensor of a graph, in order, and what the rules say of each distinct call, for all who ask."""

    def __init__(self, tensors=()):
        super().__init__(tensors)
        self.repeats = False  # whether calls may be alike; sizes with a history never are
        self._distinct: dict[Any, Asked] = {}
        self._asked: dict[int, Asked] = {}

    @cached_property
    def nbytes(self) -> list[int]:
        """The size of each in bytes."""
        return [product(t.shape) * BYTES[t.dtype] for t in self]

    @cached_property
    def kinds(self) -> list[Live]:
        """For each the first that is like it: it stands for all of its kind."""
        first: dict[Any, Live] = {}
        return [first.setdefault((t.shape, t.dtype, t.needs_grad, t.strides), t) for t in self]

    def asked(self, node: Node) -> Asked:
        """What the node's rule says of its call."""
        found = self._asked.get(node.index)
        if found is None:
            key = self._question(node) if self.repeats else node.index
            found = self._distinct.get(key)
            if found is None:
                found = self._distinct[key] = Asked(node, self)
            self._asked[node.index] = found
        return found

    def _question(self, node: Node) -> Any:
        """Equal for calls of which a rule says the same: alike in operator, arguments, tensors and results."""
        kinds, inputs = self.kinds, node.inputs
        args = tuple([kinds[a[0]] if type(a) is Ref else a if type(a) in PLAIN else _hashable(a, kinds) for a in node.args])
        kwargs = _hashable(node.kwargs, kinds) if node.kwargs else None
        # A tensor given twice is another question than two that are alike.
        twice = tuple([inputs.index(t) for t in inputs]) if len(set(inputs)) < len(inputs) else None
        return node.op, node.by, args, kwargs, twice, *[kinds[t] for t in node.outputs]


def _hashable(value, kinds: list[Live]) -> Any:
    """Arguments as a key."""
    of = type(value)
    if of is Ref:
        return kinds[value[0]]
    if of is tuple or of is list:
        return of, *[v if type(v) in PLAIN else _hashable(v, kinds) for v in value]
    if of is dict:
        return tuple([(k, v if type(v) in PLAIN else _hashable(v, kinds)) for k, v in value.items()])
    if of is slice:
        return slice, _hashable((value.start, value.stop, value.step), kinds)
    return of, value


def live(graph: Graph, shapes: list | None = None, input_grad: bool = False) -> Held:
    """Every tensor of the graph, in order; ``shapes`` puts other sizes in (as `push` gives them)."""
    held = Held()
    held.repeats = not shapes or all(type(n) is int for shape in shapes for n in shape or ())
    for i, t in enumerate(graph.tensors):
        kind, dtype, base = t.kind, t.dtype, t.base
        wants = (t.trainable if kind == "parameter" else input_grad and kind == "input") and _follows(dtype)
        held.append(Live(shapes[i] if shapes else t.shape, dtype, kind, i, wants, base if base >= 0 else i, t.strides))
        if base >= 0 and kind in ("parameter", "buffer"):  # registered as a view of a larger tensor
            held[base].kind = kind
    history, itself, guess = TOLD["history"], TOLD["itself"], not graph.calls
    for node in graph.nodes:
        inputs, inplace = node.inputs, node.inplace
        follows = bool(node.grad and [i for i in inputs if held[i].needs_grad] and history.get(node.op, True))
        for i in node.outputs:
            out = held[i]
            out.needs_grad = follows and _follows(out.dtype)
            if out.base != i:
                out.base = held[out.base].base
            elif inputs and (inplace or guess or node.op in itself) and _shares(held, node, guess):
                out.base = held[inputs[0]].base
            if inplace and out.needs_grad:
                held[out.base].needs_grad = True
    return held


def _follows(dtype: str) -> bool:
    """Whether autograd can follow numbers of this dtype: floating point and complex."""
    return CATEGORY.get(dtype, 2) >= 2


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
    outs: Any = [held[i] for i in node.outputs]
    rule = node.rule
    assert rule is not None
    args = tuple([held[a[0]] if type(a) is Ref else _put(a, held) for a in node.args])
    kwargs = {k: _put(v, held) for k, v in node.kwargs.items()} if node.kwargs else {}
    return Call(rule, args, kwargs, outs[0] if len(outs) == 1 else outs, node.op)


PLAIN = frozenset((int, float, str, bool, type(None)))


def _put(value, held: Held) -> Any:
    kind = type(value)
    if kind is Ref:
        return held[value[0]]
    return value if kind in PLAIN else rebuild(value, lambda ref: held[ref[0]])
