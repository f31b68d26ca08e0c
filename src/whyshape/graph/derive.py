"""Pushing sizes through a graph: each node's rule asked again, with sizes that remember.

Two ways of asking, one mechanism:

* `derive` one node with its inputs as leaves: the local formula, ``floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1 = 24``;
* `push` free axes through all of it: every size as a function of ``H`` and ``W``, and every demand on the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any, NamedTuple

from whyshape.errors import DoesNotFit
from whyshape.graph.graph import Graph, Node, Problem, rebuild
from whyshape.rules import Made, Spec
from whyshape.rules.base import SIZES, Unexplained
from whyshape.sizes import CALCULATED, CHOSEN, INPUT, Cond, Need, Size, leaf, recording, substitute


class Derived(NamedTuple):
    """A node with its sizes derived: one shape per output, and what the operator demanded."""

    shapes: tuple[tuple[int, ...], ...]
    needs: tuple[Need, ...]
    knobs: dict[str, Size]  # every number somebody typed that took part, by name ("kernel_size", "stride[1]")
    refusal: DoesNotFit | None = None
    branches: tuple[Cond, ...] = ()  # what the rule's own arithmetic branched on: the formula holds while these do
    args: tuple = ()  # the call as it was asked: with sizes that remember
    kwargs: dict = {}


AXES = {
    1: ("numbers",),
    2: ("batch", "features"),
    3: ("batch", "tokens", "features"),
    4: ("batch", "channels", "height", "width"),
    5: ("batch", "channels", "depth", "height", "width"),
}
SLIDING = {3: ("batch", "channels", "length")}


def axis_words(rank: int, sliding: bool = False) -> tuple[str, ...]:
    """What the axes of a tensor of that rank are usually called; ``sliding``: the last ones are space.

    >>> axis_words(4)
    ('batch', 'channels', 'height', 'width')
    """
    if sliding and rank in SLIDING:
        return SLIDING[rank]
    return AXES.get(rank) or tuple(f"axis {i}" for i in range(rank))


def derive(graph: Graph, node: Node | Problem, turned: dict[str, int] | None = None) -> Derived | None:
    """The node's sizes as formulas over its inputs' axes and its own knobs. None where no rule explains it.

    ``turned``: other values for some of its knobs, by name.
    """
    from whyshape.rules import RULES

    rule = RULES.get(node.op) if getattr(node, "by", "rule") == "rule" else None
    if rule is None:
        return None
    asking = _Asking(graph, rule, node, turned)
    args = tuple(asking.value(a, name) for a, name in zip(node.args, rule.words(len(node.args))))
    kwargs = {k: asking.value(v, k) for k, v in node.kwargs.items()}
    with recording() as facts:
        try:
            made = rule.shape(*args, **kwargs)
        except DoesNotFit as refusal:
            return Derived((), tuple(facts.needs), asking.knobs, refusal, tuple(facts.branches), args, kwargs)
        except Unexplained:  # sizes alone do not decide: a call that was refused before anybody could measure it
            return None
        except (TypeError, AttributeError, LookupError, ValueError, ArithmeticError):
            if isinstance(node, Node):
                raise
            return None  # the call was refused for an argument that nobody can serve: a dictionary given to a loss
    return Derived(tuple(flat(made)), tuple(facts.needs), asking.knobs, None, tuple(facts.branches), args, kwargs)


class _Asking:
    """A call's arguments as leaves: the axes of what comes in, and the numbers that somebody typed, each under its name."""

    def __init__(self, graph: Graph, rule, node: Node | Problem, turned: dict[str, int] | None):
        self.graph, self.rule, self.turned = graph, rule, turned
        self.index = node.index if isinstance(node, Node) else -1  # a Problem is a tuple, whose `index` is a method
        self.knobs: dict[str, Size] = {}

    def value(self, value, name: str):
        """An argument of that name: tensors as `Spec`s of leaves, sizes as knobs."""
        return rebuild(value, lambda ref: self.tensor(ref.tensor, name), self.number(name, isinstance(value, int)))

    def knob(self, name: str, value: int, place: int | None = None) -> Size:
        """A number that somebody typed; ``place``: which of several under one name."""
        full = name if place is None else f"{name}[{place}]"
        value = self.turned.get(full, value) if self.turned else value
        self.knobs[full] = size = leaf(value, name, CHOSEN, ("knob", self.index, full))
        return size

    def tensor(self, index: int, parameter: str) -> Spec:
        """A tensor, given as the argument ``parameter``."""
        t = self.graph.tensors[index]
        if t.kind == "parameter" or t.kind == "buffer":
            return Spec(tuple(self.learned(index, parameter)), t.dtype)
        words = axis_words(len(t.shape), bool(self.rule.knobs.get("weight")))
        by = INPUT if t.kind == "input" else CALCULATED
        return Spec(tuple(leaf(n, words[i], by, ("axis", index, i)) for i, n in enumerate(t.shape)), t.dtype)

    def learned(self, index: int, parameter: str) -> Iterable[Size]:
        """The sizes of a parameter or a buffer: knobs where the rule has a word for them."""
        t = self.graph.tensors[index]
        named = self.rule.knobs.get(parameter) or self.rule.knobs.get(
            t.name.rpartition(".")[2]
        )  # of a list of parameters each by its own name
        words = [*named, *(f"{parameter}.shape[{i}]" for i in range(len(named), len(t.shape)))] if named else [""] * len(t.shape)
        words = words[: len(t.shape)]
        seen: dict[str, int] = {}
        for i, (n, word) in enumerate(zip(t.shape, words)):
            if not word:  # nobody typed it, or it is made of other numbers, like the rows of all gates
                yield leaf(n, f"{t.name}.shape[{i}]", CHOSEN, ("axis", index, i))
                continue
            place = seen.get(word, 0)
            seen[word] = place + 1
            yield self.knob(word, n, place if words.count(word) > 1 else None)

    def number(self, name: str, alone: bool):
        """What becomes of a number in an argument of that name; None: it stays as it is. ``alone``: there is one, and no row of them."""
        if name not in SIZES:
            return None
        places = count()

        def size(value):
            place = next(places)
            return value if isinstance(value, Size) or value < 0 else self.knob(name, value, None if alone else place)

        return size


def flat(made) -> Iterable[tuple[int, ...]]:
    """The shapes of a rule's results, in order."""
    if type(made) is list:
        return [shape for m in made if m is not None for shape in flat(m)]
    return [made.shape if type(made) is Made else made]


class Pushed(NamedTuple):
    """A graph under free axes: every tensor's sizes over them, and every condition that must hold on the way."""

    shapes: list[tuple[int, ...]]
    demands: list[Demand]
    refusal: Problem | None  # at the sizes pushed


class Demand(NamedTuple):
    """A condition on sizes: an operator's need, or a branch Python took (``node`` is None)."""

    cond: Cond
    sentence: str
    node: Node | None


def push(graph: Graph, shapes: dict[int, tuple[int, ...]]) -> Pushed:
    """Every size of the graph when its inputs have these ``shapes`` (by tensor index); `Size`s carry their expressions through.

    Conditions that do not depend on a free axis hold or fail as they did in the trace, and are left out.
    Where an operator has no rule its outputs keep the sizes they were measured with.
    """
    sizes: list[tuple[int, ...]] = [t.shape for t in graph.tensors]
    for index, shape in shapes.items():
        sizes[index] = shape
    demands: list[Demand] = []
    refusal = None
    for node in graph.nodes:
        rule = node.rule
        if rule is None or not (any(depends(n) for t in node.inputs for n in sizes[t]) or _has_history(node)):
            continue
        at = lambda ref: Spec(sizes[ref.tensor], graph.tensors[ref.tensor].dtype)
        number = lambda n: resolve(n, sizes) if isinstance(n, Size) else n
        args, kwargs = rebuild(node.args, at, number), rebuild(node.kwargs, at, number)
        with recording() as facts:
            try:
                made: Any = rule.shape(*args, **kwargs)
            except DoesNotFit as no:
                refusal = Problem(no.sentence, no.numbers, node.op, node.path, node.type, node.file, node.line, node.args, node.kwargs)
        demands += [Demand(n.cond, n.sentence, node) for n in facts.needs if free(n.cond)]
        demands += [Demand(c, "", node) for c in facts.branches if free(c)]
        if refusal:
            break
        for index, shape in zip(node.outputs, flat(made)):
            sizes[index] = tuple(shape)
        if node.inplace:  # what is changed keeps its sizes: it is never stretched
            kept = [Cond("==", new, old) for new, old in zip(sizes[node.outputs[0]], sizes[node.inputs[0]]) if new is not old]
            demands += [Demand(c, "the result does not fit into the tensor it is put into", node) for c in kept if free(c)]
    for cond in graph.branches:
        again = cond.over(resolve(cond.left, sizes), resolve(cond.right, sizes))
        if free(again):
            demands.append(Demand(again, "", None))
    return Pushed(sizes, demands, refusal)


def _has_history(node: Node) -> bool:
    found = []
    rebuild((node.args, node.kwargs), lambda ref: ref, lambda n: found.append(n) if isinstance(n, Size) else n)
    return bool(found)


def resolve(size, sizes):
    """A traced int in terms of pushed sizes: each axis it came from, put in."""
    return substitute(size, lambda at: sizes[at.leaf.ref[1]][at.leaf.ref[2]] if at.leaf.ref and at.leaf.ref[0] == "axis" else at)


def depends(size) -> bool:
    """Whether a size has an expression (and so may depend on a free axis)."""
    return isinstance(size, Size)


def free(cond: Cond) -> bool:
    """Whether a condition rests on a free axis."""
    return _rests(cond.left) or _rests(cond.right)


def _rests(size) -> bool:
    """Whether a size rests on a free axis. Each remembers: in a deep network every demand asks about all that is above it."""
    if not isinstance(size, Size):
        return False
    stack = [size]
    while stack:
        top = stack[-1].__dict__
        if "rests" in top:
            stack.pop()
        elif top["op"] == "leaf":
            top["rests"] = bool(top["leaf"] and top["leaf"].ref and top["leaf"].ref[0] == "free")
        else:
            todo = [a for a in top["args"] if isinstance(a, Size) and "rests" not in a.__dict__]
            if todo:
                stack += todo
            else:
                top["rests"] = any(isinstance(a, Size) and a.__dict__["rests"] for a in top["args"])
    return size.__dict__["rests"]


def letters(graph: Graph) -> dict[int, tuple[int, ...]]:
    """The inputs' shapes with each free axis as a leaf of its letter; the same letter is the same leaf."""
    known: dict[str, Size] = {}
    shapes = {}
    for index in graph.inputs:
        t = graph.tensors[index]
        axes = t.axes or ("",) * len(t.shape)
        shapes[index] = tuple(known.setdefault(a, leaf(n, a, INPUT, ("free", a))) if a else n for n, a in zip(t.shape, axes))
    return shapes
