"""What a model learns: every parameter and buffer once, with the multiplication that gives its number."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from whyshape.analyses.amount import Amount
from whyshape.graph import Graph, State
from whyshape.rules.base import TOLD
from whyshape.rules.dtypes import BYTES
from whyshape.sizes import product
from whyshape.story import Heading, Table


class Held(NamedTuple):
    """One parameter or buffer and its count."""

    state: State
    count: int | None  # type: ignore[assignment]  # hides tuple.count. None: lazy, its sizes are not known yet
    nouns: Nouns

    @property
    def words(self) -> str:
        """The multiplication in words, ``20 kernels * (10 * 5 * 5)``."""
        return multiplied(self.state, self.nouns.of.get(self.state.name))

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def module(self) -> str:
        """The path of the module that owns it; in a file, whose names may say anything, that of the first call that reads it."""
        return self.nouns.owners.get(self.state.name, self.state.name.rpartition(".")[0])

    @property
    def nbytes(self) -> int | None:
        return None if self.count is None else self.count * BYTES[self.state.dtype]


class Parameters(NamedTuple):
    """Everything a model holds, shared tensors once."""

    rows: tuple[Held, ...]

    @property
    def trainable(self) -> Amount:
        """Numbers that training changes."""
        return _total(r for r in self.rows if r.state.kind == "parameter" and r.state.trainable)

    @property
    def frozen(self) -> Amount:
        """Parameters with ``requires_grad=False``."""
        return _total(r for r in self.rows if r.state.kind == "parameter" and not r.state.trainable)

    @property
    def total(self) -> Amount:
        """Parameters, trainable and frozen."""
        return _total(r for r in self.rows if r.state.kind == "parameter")

    @property
    def buffers(self) -> Amount:
        """Numbers kept but not learned: running means and the like."""
        return _total(r for r in self.rows if r.state.kind == "buffer")

    @property
    def shared(self) -> tuple[Held, ...]:
        """Those that stand at several places of the model and are counted once."""
        return tuple(r for r in self.rows if r.state.also)

    def of(self, path: str) -> tuple[Held, ...]:
        """The parameters and buffers that the module at ``path`` owns itself, the modules inside it not counted."""
        return tuple(r for r in self.rows if r.module == path)

    def under(self, path: str) -> Amount:
        """How many parameters stand in the module at ``path`` and everything inside it; a shared one counts wherever it stands."""
        head = f"{path}." if path else ""
        return _total(
            r for r in self.rows if r.state.kind == "parameter" and any(name.startswith(head) for name in (f"{r.module}.", *r.state.also))
        )

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.parameters.v1``."""
        data = lambda r: {
            "name": r.name, "also": list(r.state.also), "kind": r.state.kind, "trainable": r.state.trainable, "dtype": r.state.dtype,
            "shape": None if r.state.shape is None else [int(n) for n in r.state.shape], "count": r.count, "words": r.words,
        }  # fmt: skip
        totals = {name: getattr(self, name).to_dict() for name in ("total", "trainable", "frozen", "buffers")}
        return {"schema": "whyshape.parameters.v1", "rows": [data(r) for r in self.rows], "totals": totals}

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def story(self) -> list:
        """As display blocks: each tensor with its multiplication, then the totals."""
        rows = tuple((r.name, r.state.kind, r.words, "unknown" if r.count is None else f"{r.count:,}") for r in self.rows)
        totals = (("parameters", self.total), ("trainable", self.trainable), ("frozen", self.frozen), ("buffers", self.buffers))
        return [
            Heading("What it holds"), Table(("name", "kind", "made of", "numbers"), rows, (3,)),
            Heading("In total", 2), Table(("total", "numbers"), tuple((name, found.words()) for name, found in totals), (1,)),
        ]  # fmt: skip

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())

    def formula(self, path: str) -> str:
        """The module's own count as a sum of products: ``20 kernels * (10 * 5 * 5) + 20 biases = 5020``."""
        own = [r for r in self.of(path) if r.state.kind == "parameter" and r.count is not None]
        return f"{' + '.join(r.words for r in own)} = {sum(r.count for r in own if r.count is not None)}" if own else ""


def parameters(graph: Graph) -> Parameters:
    """Every parameter and buffer of the graph.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> _ = net.layer("Conv2d", "conv_2", net.input((1, 10, 12, 12)), args=(10, 20, 5))
    >>> parameters(net.graph()).formula("conv_2")
    '20 kernels * (10 * 5 * 5) + 20 biases = 5020'
    """
    words = Nouns(graph)
    return Parameters(tuple([Held(s, None if s.shape is None else product(s.shape), words) for s in states(graph)]))


def states(graph: Graph) -> Iterable[State]:
    """Every parameter and buffer; where the reader knows only those that operators used, these."""
    if graph.state:
        return graph.state
    held = (t for t in graph.tensors if t.kind in ("parameter", "buffer"))
    return {t.name: State(t.name, t.shape, t.dtype, t.kind, t.trainable) for t in held}.values()


class Nouns:
    """The `nouns` of a graph, looked up when somebody reads them: a count needs none."""

    def __init__(self, graph: Graph):
        self.graph = graph

    @cached_property
    def of(self) -> dict[str, str]:
        """By parameter."""
        return nouns(self.graph)

    @cached_property
    def owners(self) -> dict[str, str]:
        """By parameter the path of the call that reads it first, where the reader knows no modules that own them."""
        graph, found = self.graph, {}
        for node in () if graph.state else graph.nodes:
            for t in node.inputs:
                if graph.tensors[t].kind in ("parameter", "buffer"):
                    found.setdefault(graph.tensors[t].name, node.path)
        return found


def nouns(graph: Graph) -> dict[str, str]:
    """What there is one of for each place on a parameter's first axis, as the rule that uses it says: kernels, biases."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        told = TOLD["nouns"].get(node.op)
        if told and node.rule:
            bound = node.rule.bind(node.args, node.kwargs)
            for argument, noun in told.items():
                t = getattr(bound.get(argument), "tensor", None)
                if t is not None:
                    found.setdefault(graph.tensors[t].name, noun)
    return found


def multiplied(state: State, noun: str | None) -> str:
    """The count of one tensor as a multiplication."""
    if state.shape is None:
        return "not known before the first call"
    sizes = [str(int(n)) for n in state.shape]
    noun = noun or state.name.rpartition(".")[2]
    if len(sizes) < 2:
        return f"{sizes[0] if sizes else 1} {noun}"
    inner = " * ".join(sizes[1:])
    return f"{sizes[0]} {noun} * {f'({inner})' if len(sizes) > 2 else inner}"


def _total(rows: Iterable[Held]) -> Amount:
    known, missing = [], []
    for r in rows:
        if r.count is None:
            missing.append(r.name)
        else:
            known.append(r.count)
    return Amount(None if missing and not known else sum(known), tuple(missing))
