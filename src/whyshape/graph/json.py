"""A graph as JSON data and back: read by one machine with the framework, explained on another without.

Sizes keep their history. Expressions share parts, so they stand once, in a table: an entry names its parts by their place.
What is read back is not believed: every rule is asked again, and a graph that claims other sizes is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from whyshape.errors import DoesNotFit, WhyshapeError
from whyshape.graph.derive import flat
from whyshape.graph.graph import Graph, Module, ModuleCall, Node, Problem, Ref, State, Tensor, rebuild
from whyshape.rules import Spec
from whyshape.rules.base import Unexplained
from whyshape.sizes import Cond, Leaf, Size
from whyshape.sizes.expr import RELATIONS
from whyshape.sizes.formula import APPLY

SCHEMA = "whyshape.graph.v1"
DEEPEST = 64  # nesting of arguments
PLAIN = frozenset((str, bool, float, type(None)))  # what stands for itself
WIDEST = 256  # bits of a size: more than any tensor can hold, less than a chain of products could ask for
LIMIT = 2**WIDEST


def to_json(graph: Graph) -> dict:
    """The graph as data that `json.dumps` takes.

    >>> from whyshape.graph import Builder
    >>> net = Builder("one layer")
    >>> out = net.layer("Linear", "fc", net.input((1, 4), name="x"), args=(4, 2))
    >>> data = to_json(net.graph(out))
    >>> data["schema"], data["nodes"][0]["op"], from_json(data) == net.graph(out)
    ('whyshape.graph.v1', 'linear', True)
    """
    pack = _Pack()
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "name": graph.name,
        "training": graph.training,
        "tensors": [_named(pack, t) for t in graph.tensors],
        "nodes": [_named(pack, n) for n in graph.nodes],
        "inputs": [int(i) for i in graph.inputs],
        "outputs": [int(i) for i in graph.outputs],
        "modules": [_named(pack, m) for m in graph.modules],
        "state": [_named(pack, s) for s in graph.state],
        "calls": [_named(pack, c) for c in graph.calls],
        "branches": [{"relation": c.relation, "left": pack(c.left), "right": pack(c.right)} for c in graph.branches],
        "problem": _named(pack, graph.problem) if graph.problem else None,
        "notes": list(graph.notes),
    }
    data["sizes"] = pack.sizes
    if graph.framework:
        data["framework"] = graph.framework
    if graph.sized:
        data["sized"] = [int(i) for i in graph.sized]
    return data


def from_json(data: Any) -> Graph:
    """The graph that `to_json` wrote. Raises `WhyshapeError` for anything else, and for sizes that the rules do not make."""
    try:
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise WhyshapeError(f"This is not a graph in JSON: its schema must be {SCHEMA!r}.")
        unpack = _Unpack(data["sizes"])
        graph = Graph(
            tensors=tuple(_tensor(unpack, t) for t in data["tensors"]),
            nodes=tuple(_filled(Node, unpack, n) for n in data["nodes"]),
            inputs=tuple(data["inputs"]),
            outputs=tuple(data["outputs"]),
            modules=tuple(_filled(Module, unpack, m) for m in data["modules"]),
            name=str(data["name"]),
            branches=tuple(_cond(unpack, c) for c in data["branches"]),
            problem=_filled(Problem, unpack, data["problem"]) if data["problem"] else None,
            notes=tuple(map(str, data["notes"])),
            training=bool(data["training"]),
            state=tuple(_filled(State, unpack, s) for s in data["state"]),
            calls=tuple(_filled(ModuleCall, unpack, c) for c in data["calls"]),
            framework=str(data.get("framework", "")),
            sized=tuple(map(_place, data.get("sized", ()))),
        )
        _check(graph)
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        ZeroDivisionError,
        OverflowError,
        RecursionError,
        Unexplained,
    ) as error:
        reason = f"{type(error).__name__}: {str(error)[:120]!r}"
        raise WhyshapeError(f"This graph in JSON is damaged ({reason}).") from None
    return graph


class _Pack:
    """Values to JSON. What JSON has no word for becomes an object with one key that says what it is."""

    def __init__(self):
        self.sizes: list[dict] = []
        self.places: dict[int, int] = {}
        self.kept: list[Size] = []  # ids are only names while the sizes live

    def __call__(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind is bool or kind is int or kind is str:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is Ref:
            return {"ref": value.tensor}
        if isinstance(value, Size):
            return {"size": self.size(value)}
        if isinstance(value, (bool, int, float, str)):  # a subclass that says no more than its value
            base = next(b for b in (bool, int, float, str) if isinstance(value, b))
            return self(base(value))
        if isinstance(value, list):
            return [self(v) for v in value]
        if isinstance(value, tuple):
            return {"tuple": [self(v) for v in value]}
        if isinstance(value, dict):
            return {"dict": [[self(k), self(v)] for k, v in value.items()]}
        if isinstance(value, slice):
            return {"slice": [self(value.start), self(value.stop), self(value.step)]}
        if value is Ellipsis:
            return {"ellipsis": True}
        if isinstance(value, complex):
            return {"complex": [self(value.real), self(value.imag)]}
        if kind.__name__ == "dtype":
            return str(value).rpartition(".")[2]  # rules know dtypes by their names
        return {"text": str(value)[:200]}  # a device, a memory format: nothing a size depends on

    def size(self, size: Size) -> int:
        """The size's place in the table, its parts before it; a stack, since towers are deeper than Python's recursion."""
        stack = [size]
        while stack:
            top = stack[-1]
            if id(top) in self.places:
                stack.pop()
                continue
            todo = [a for a in top.args if isinstance(a, Size) and id(a) not in self.places]
            if todo:
                stack.extend(todo)
                continue
            if top.leaf is not None:
                entry = {"leaf": top.leaf.name, "by": top.leaf.by, "ref": self(top.leaf.ref), "value": int(top)}
            else:
                entry = {"op": top.op, "args": [self(a) for a in top.args], "value": int(top)}
            self.places[id(top)] = len(self.sizes)
            self.sizes.append(entry)
            self.kept.append(stack.pop())
        return self.places[id(size)]


class _Unpack:
    """JSON to values."""

    def __init__(self, entries: list[dict]):
        self.sizes: list[int] = []
        for entry in entries:
            self.sizes.append(self.entry(entry))

    def entry(self, entry: dict) -> int:
        claimed = _whole(entry["value"])
        if "leaf" in entry:
            return Size(claimed, "leaf", (), Leaf(str(entry["leaf"]), str(entry["by"]), self(entry["ref"])))
        apply: Any = APPLY
        made = apply[entry["op"]](*[self(a) for a in entry["args"]])
        if int(made) != claimed:
            raise WhyshapeError(f"This graph in JSON claims that {entry['op']} of its parts is {claimed}; it is {int(made)}.")
        return made

    def __call__(self, data: Any, depth: int = 0) -> Any:
        kind = type(data)
        if kind is dict or kind is list:
            if depth > DEEPEST:
                raise WhyshapeError(f"This graph in JSON is nested deeper than {DEEPEST}.")
            if kind is list:
                return self.several(data, depth + 1)
            ((word, held),) = data.items()
            if word == "tuple":  # the two most frequent by far
                return tuple(self.several(held, depth + 1))
            return Ref(_place(held)) if word == "ref" else self.words[word](self, held, depth + 1)
        return data if kind in PLAIN else _whole(data)

    def several(self, held, depth: int) -> list:
        """The values of a list; whole numbers, as most are, without a call for each."""
        return [v if type(v) is int and -LIMIT < v < LIMIT else self(v, depth) for v in held]

    words: dict[str, Callable] = {
        "size": lambda self, held, depth: self.sizes[_place(held)],
        "dict": lambda self, held, depth: {self(k, depth): self(v, depth) for k, v in held},
        "slice": lambda self, held, depth: slice(*[self(v, depth) for v in held]),
        "ellipsis": lambda self, held, depth: Ellipsis,
        "float": lambda self, held, depth: float(held),
        "complex": lambda self, held, depth: complex(*[self(v, depth) for v in held]),
        "text": lambda self, held, depth: str(held),
    }


def _whole(n: int) -> int:
    if type(n) is not int or n.bit_length() > WIDEST:
        raise ValueError(f"a size of at most {WIDEST} bits is wanted")
    return n


def _place(n: int) -> int:
    if type(n) is not int or n < 0:
        raise ValueError("a place in a table is wanted")
    return n


def _named(pack: _Pack, record) -> dict:
    """A record by its fields; those that say what goes without saying are left out."""
    usual = record._field_defaults
    says = lambda name, value: name not in usual or type(value) is not type(usual[name]) or value != usual[name]
    return {name: pack(value) for name, value in zip(record._fields, record) if says(name, value)}


def _filled(kind, unpack: _Unpack, data: dict):
    return kind(**{name: value if type(value) in PLAIN else unpack(value) for name, value in data.items()})


def _tensor(unpack: _Unpack, data: dict) -> Tensor:
    t = _filled(Tensor, unpack, data)
    for n in t.shape:
        if type(n) is not int or n < 0:
            raise ValueError("the sizes of a tensor are whole numbers, none below zero")
    if t.number is not None and type(t.number) is not float:
        raise ValueError("the number of a constant is a fraction")
    return t


def _cond(unpack: _Unpack, data: dict) -> Cond:
    if data["relation"] not in RELATIONS:
        raise ValueError("an unknown relation")
    return Cond(data["relation"], unpack(data["left"]), unpack(data["right"]))


def _check(graph: Graph) -> None:
    """Every index points at a tensor, and every rule makes the sizes that are claimed."""
    count, specs = len(graph.tensors), [Spec(t.shape, t.dtype) for t in graph.tensors]
    at = lambda ref: specs[ref.tensor]
    for node in graph.nodes:
        if not all(0 <= i < count for i in (*node.inputs, *node.outputs)):
            raise IndexError("a node reads a tensor that is not there")
        rule = node.rule
        if rule is None and node.by == "rule":
            raise WhyshapeError(f"This graph in JSON asks for a rule named {node.op!r:.80}; there is none.")
        if rule is None:
            continue
        try:
            words = rebuild(node.kwargs, at, int) if node.kwargs else {}
            made = flat(rule.shape(*rebuild(node.args, at, int), **words))
        except DoesNotFit as refusal:
            raise WhyshapeError(f"This graph in JSON holds a call that is refused: {node.op}: {refusal.sentence}.") from None
        claimed = [graph.tensors[i].shape for i in node.outputs]
        if [tuple(map(int, shape)) for shape in made] != claimed:
            raise WhyshapeError(f"This graph in JSON claims sizes that the rule of {node.op} does not make: {claimed}.")
    if not all(0 <= i < count for i in (*graph.inputs, *graph.outputs)):
        raise IndexError("an input or output is not there")
