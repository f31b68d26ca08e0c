"""What a forward and a backward pass compute, operator by operator, under any published convention."""

from __future__ import annotations

import json
from typing import NamedTuple

from whyshape.analyses.amount import Amount, amount
from whyshape.analyses.live import Held, live
from whyshape.errors import DoesNotFit, WhyshapeError
from whyshape.graph import Graph, Node, letters, push
from whyshape.rules import Rule
from whyshape.sizes import product, total
from whyshape.story import Heading, Table

# What a number counts. Each convention is one question to the rule.
COUNTS = {
    "macs": "multiply-adds of convolutions, linear layers and matrix products",
    "flops": "2 for each multiply-add, and 1 for each other elementary operation",
    "fvcore": "as fvcore counts: multiply-adds, and norms and resizing by its own factors",
    "torch": "as PyTorch's FlopCounterMode counts: 2 for each multiply-add, nothing else",
}


class Operation:
    """One operator call, and what it computes, worked out when asked for. None: no rule explains the operator, nothing is known."""

    __slots__ = ("_held", "node")

    def __init__(self, node: Node, held: Held):
        self.node, self._held = node, held

    @property
    def macs(self) -> int | None:
        """Multiply-adds."""
        rule = self.node.rule
        return 0 if rule is not None and rule.macs is Rule.macs else self._held.asked(self.node).macs

    @property
    def work(self) -> int | None:
        """Other elementary operations."""
        return self._held.asked(self.node).work

    @property
    def fvcore(self) -> int | None:
        """What fvcore counts."""
        return self._held.asked(self.node).fvcore

    @property
    def backward(self) -> int | None:
        """Multiply-adds of the backward pass."""
        if self.macs and any(self._held[i].needs_grad for i in self.node.outputs):
            return self._held.asked(self.node).backward
        return self.macs and 0

    @property
    def made(self) -> int:
        """The numbers that come out of a multiplying operator."""
        return product(self._held[self.node.outputs[0]].shape) if self.macs else 0

    def counted(self, count: str) -> Amount:
        """The forward pass under a convention."""
        if count == "flops" and self.work is None:
            return Amount((self.macs and 2 * self.macs) or None, (self.node.op,))
        value = self.value(count)
        return Amount(value, (self.node.op,) if value is None else ())

    def value(self, count: str) -> int | None:
        """The forward pass as a number; None: it, or a part of it, is unknown."""
        if count == "fvcore":
            return self.fvcore
        macs = self.macs
        if macs is None or count == "macs":
            return macs
        if count == "torch":
            return 2 * macs
        work = self.work
        return None if work is None else 2 * macs + work


class Operations(NamedTuple):
    """Every operator's work, in order."""

    rows: tuple[Operation, ...]

    def forward(self, count: str = "macs") -> Amount:
        """One forward pass, as ``count`` counts: see `COUNTS`."""
        if count not in COUNTS:
            raise WhyshapeError(f"operations are counted as {', '.join(COUNTS)}; {count!r} was asked for")
        values = [row.value(count) for row in self.rows]
        return amount(row.counted(count) for row in self.rows) if None in values else Amount(total(values))

    def activations(self) -> int:
        """The numbers that convolutions, linear layers and matrix products give: what fvcore and timm call activations."""
        return sum(row.made for row in self.rows if row.fvcore and row.macs)

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.operations.v1``."""
        data = lambda row: {"layer": row.node.path, "op": row.node.op, "macs": _int(row.macs), "work": _int(row.work)}
        totals = {count: self.forward(count).to_dict() for count in COUNTS}
        return {"schema": "whyshape.operations.v1", "rows": [data(row) for row in self.rows], "totals": totals}

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def story(self) -> list:
        """As display blocks: each call, then the totals."""
        text = lambda n: "unknown" if n is None else f"{int(n):,}"
        rows = tuple((row.node.path, row.node.op, text(row.macs), text(row.work)) for row in self.rows)
        totals = tuple((count, self.forward(count).words(), meaning) for count, meaning in COUNTS.items())
        return [
            Heading("What it computes"), Table(("layer", "operator", "multiply-adds", "other operations"), rows, (2, 3)),
            Heading("In total", 2), Table(("count", "operations", "what is counted"), totals, (1,)),
        ]  # fmt: skip

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())

    def backward(self) -> Amount:
        """The multiply-adds of one backward pass."""
        return amount(Amount(r.backward, (r.node.op,) if r.backward is None else ()) for r in self.rows)


def _int(n) -> int | None:
    return None if n is None else int(n)


def operations(graph: Graph, symbolic: bool = False, held: Held | None = None, **sizes: int) -> Operations:
    """The work of each operator call; as functions of the graph's free axes when ``symbolic``, or at other sizes (``N=8, H=224``).

    ``held``: the graph's tensors as `live` gives them, for who has them already.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> _ = net.layer("Conv2d", "conv_1", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> operations(net.graph()).forward()
    144000
    """
    held = held or live(graph, at_sizes(graph, symbolic, sizes))
    return Operations(tuple([Operation(node, held) for node in graph.nodes]))


def at_sizes(graph: Graph, symbolic: bool, sizes: dict[str, int]) -> list | None:
    """All sizes of the graph with its free axes kept free, or set; None: as it was traced."""
    if not symbolic and not sizes:
        return None
    free = letters(graph)
    known = {a for i in graph.inputs for a in graph.tensors[i].axes if a}
    for letter in sizes:
        if letter not in known:
            raise WhyshapeError(f"{letter} is not a free axis here; free are {', '.join(sorted(known)) or 'none'}")
    if not symbolic:
        free = {
            i: tuple(leaf_at(n, sizes[a], a) if a in sizes else n for n, a in zip(shape, graph.tensors[i].axes or ("",) * len(shape)))
            for i, shape in free.items()
        }
    pushed = push(graph, free)
    if pushed.refusal:
        raise DoesNotFit(f"at these sizes the model does not run: {pushed.refusal.sentence}", **pushed.refusal.numbers)
    return pushed.shapes if symbolic else [shape if shape is None else tuple([int(n) for n in shape]) for shape in pushed.shapes]


def leaf_at(old, value: int, letter: str):
    """A free axis with another value."""
    from whyshape.sizes import INPUT, leaf

    return leaf(value, letter, INPUT, ("free", letter))
