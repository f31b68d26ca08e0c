"""Two networks side by side: what was added, removed and changed, and what that does to sizes, costs and receptive field."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

from whyshape.analyses.amount import Amount, amount
from whyshape.analyses.field import Field, fields
from whyshape.analyses.operations import Operation, operations
from whyshape.analyses.parameters import parameters
from whyshape.graph import Graph, Node
from whyshape.sizes import product

ALLOWED = ("merged", "idle")


class Layer(NamedTuple):
    """One operator call as it is compared: what it is, what it makes and what it costs."""

    path: str
    type: str
    op: str
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    params: int
    macs: int | None
    field: tuple[str, ...]
    idle: bool = False  # it hands its input on as it is: dropout outside training
    channels: int = 0  # it scales and shifts that many channels by numbers it holds: what exporters merge into the product before it


class Change(NamedTuple):
    """``kind``: added, removed, or changed; ``what`` names the sides that differ.

    Two more kinds make no other network: ``idle``, a call that does nothing, and ``merged``, a norm and the product before it in one.
    """

    kind: str
    before: Layer | None
    after: Layer | None
    what: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        """As JSON data."""
        data = lambda side: None if side is None else side._asdict()
        return {"kind": self.kind, "before": data(self.before), "after": data(self.after), "what": list(self.what)}


class Comparison(NamedTuple):
    """The changes in the order of the second network, and both sides' totals."""

    changes: tuple[Change, ...]
    same: int  # layers alike on both sides
    totals: dict[str, tuple[Amount, Amount]]
    names: tuple[str, str]

    @property
    def equal(self) -> bool:
        """The same network: the same operators in the same order with the same sizes; idle and merged calls do not count."""
        return all(change.kind in ALLOWED for change in self.changes)

    @property
    def verdict(self) -> str:
        """Whether they are the same network, in one sentence; their weights' values are not compared."""
        if self.equal and not self.changes:
            return f"The same network: all {self.same} operator calls are alike in shape and cost."
        if self.equal:
            told = {"merged": "norms merged into the products before them", "idle": "calls that do nothing on one side only"}
            counts = [(sum(c.kind == kind and None in (c.before, c.after) for c in self.changes), told[kind]) for kind in ALLOWED]
            rest = " and ".join(f"{text} ({n})" for n, text in counts if n)
            return f"The same network: {self.same} operator calls are alike in shape and cost, {rest} aside."
        n = sum(change.kind not in ALLOWED for change in self.changes)
        return f"Not the same network: {self.same} operator calls are alike; {n} differ{'s' if n == 1 else ''}."

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.comparison.v1``."""
        return {
            "schema": "whyshape.comparison.v1", "names": list(self.names), "equal": self.equal, "verdict": self.verdict, "same": self.same,
            "totals": {name: [side.to_dict() for side in both] for name, both in self.totals.items()},
            "changes": [change.to_dict() for change in self.changes],
        }  # fmt: skip

    def story(self) -> list:
        """As display blocks."""
        from whyshape.story import Heading, Sentence, Table

        blocks: list = [Heading(f"{self.names[0]} and {self.names[1]}")]
        blocks.append(Table(("", *self.names), tuple((name, a.words(), b.words()) for name, (a, b) in self.totals.items()), (1, 2)))
        blocks.append(Sentence(self.verdict))
        if not self.changes:
            return blocks
        text = lambda side: "" if side is None else f"{'x'.join(map(str, side.output))}"
        rows = tuple((c.kind, (c.after or c.before).path or (c.after or c.before).op, (c.after or c.before).op, text(c.before), text(c.after),
                      ", ".join(c.what)) for c in self.changes)  # fmt: skip
        return [*blocks, Table(("change", "layer", "operator", *self.names, "what differs"), rows)]

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())


def compare(a, b, input_size=None, input_data=None, mode: str = "eval") -> Comparison:
    """What differs between two networks (models, notation, file names or graphs), at the same input.

    Layers are matched by their path and operator; where paths differ, by the order of operators.

    >>> both = compare("Conv2d(1, 8, 3) > ReLU", "Conv2d(1, 8, 3) > BatchNorm2d(8) > ReLU", (1, 1, 8, 8))
    >>> [(c.kind, c.after.op) for c in both.changes]
    [('added', 'batch_norm')]
    """
    from whyshape.api import read

    before, after = (m if isinstance(m, Graph) else read(m, input_size, input_data, None, mode) for m in (a, b))
    left, right = layers(before), layers(after)
    names = tuple(g.name or "Network" for g in (before, after))
    if names[0] == names[1]:
        names = (f"{names[0]} (1)", f"{names[1]} (2)")
    changes, same = matched(left, right)
    total = lambda find: (find(before), find(after))
    totals = {
        "parameters": total(lambda g: parameters(g).total), "multiply-adds": total(lambda g: operations(g).forward()),
        "operator calls": total(lambda g: Amount(len(g.nodes))),
    }  # fmt: skip
    return Comparison(tuple(changes), same, totals, (names[0], names[1]))


def layers(graph: Graph) -> list[Layer]:
    """Every operator call of a graph, with its costs."""
    looked = fields(graph) if graph.inputs else None
    return [_layer(graph, row, looked.of(row.node) if looked else None) for row in operations(graph).rows]


def _layer(graph: Graph, row: Operation, seen: dict[int, Field] | None) -> Layer:
    node: Node = row.node
    held = [graph.tensors[t] for t in node.inputs if graph.tensors[t].kind in ("parameter", "buffer")]
    own = sum(product(t.shape) for t in held if t.kind == "parameter")  # what this call reads: files share equal weights
    shape = lambda t: tuple(int(n) for n in graph.tensors[t].shape)
    field = () if not seen else tuple("whole" if f.whole else f"{f.size}/{f.stride}" for f in seen.values())
    data = tuple(shape(t) for t in node.inputs if graph.tensors[t].kind not in ("parameter", "buffer"))
    out = shape(node.outputs[0]) if node.outputs else ()
    idle = node.rule is not None and node.rule.answer("itself", graph.call(node)) is True and data == (out,)
    affine = len(held) > 1 and data == (out,) and any(t.kind == "buffer" for t in held) and {t.shape for t in held} == {out[1:2]}
    return Layer(node.path, node.type, node.op, data, out, own, row.macs, field, idle, out[1] if affine and not graph.training else 0)


def matched(left: list[Layer], right: list[Layer]) -> tuple[list[Change], int]:
    """Pairs by path and operator first; inside what is left between two pairs, by the order of operators."""
    key = lambda layer: (layer.path, layer.op)
    changes: list[Change] = []
    same = 0
    for tag, i, j, k, m in SequenceMatcher(None, [key(x) for x in left], [key(x) for x in right], autojunk=False).get_opcodes():
        pairs = list(zip(left[i:j], right[k:m])) if tag == "equal" else _by_structure(left[i:j], right[k:m])
        for a, b in pairs:
            if a is None or b is None:
                changes.append(Change("added" if a is None else "removed", a, b))
                continue
            what = tuple(name for name, x, y in zip(Layer._fields, a, b) if x != y and name not in ("path", "type", "idle", "channels"))
            same += not what
            if what:
                changes.append(Change("changed", a, b, what))
    return settled(changes), same


def settled(changes: list[Change]) -> list[Change]:
    """The changes with those told apart that make no other network."""
    found: list[Change] = []
    for change in changes:
        one = change.before or change.after
        alone = change.kind in ("added", "removed")
        if alone and one is not None and one.idle:
            change = change._replace(kind="idle")
        elif alone and one is not None and one.channels and found and found[-1].kind == "changed" and found[-1].what == ("params",):
            bare, full = (found[-1].after, found[-1].before) if change.kind == "added" else (found[-1].before, found[-1].after)
            if full.params - bare.params == one.channels and bare.output == one.output:  # the bias that the norm became
                found[-1] = found[-1]._replace(kind="merged")
                change = change._replace(kind="merged")
        found.append(change)
    return found


def _by_structure(left: list[Layer], right: list[Layer]):
    for tag, i, j, k, m in SequenceMatcher(None, [x.op for x in left], [x.op for x in right], autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(left[i:j], right[k:m])
        else:
            yield from ((a, None) for a in left[i:j])
            yield from ((None, b) for b in right[k:m])


__all__ = ["Change", "Comparison", "Layer", "amount", "compare", "layers", "matched"]
