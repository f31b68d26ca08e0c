"""Two networks side by side: what was added, removed and changed, and what that does to sizes, costs and receptive field."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

from whyshape.analyses.amount import Amount, amount
from whyshape.analyses.field import Field, fields
from whyshape.analyses.operations import Operation, operations
from whyshape.analyses.parameters import parameters
from whyshape.graph import Graph, Node


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


class Change(NamedTuple):
    """``kind``: added, removed, or changed; ``what`` names the sides that differ."""

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
        """Nothing was added, removed or changed."""
        return not self.changes

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.comparison.v1``."""
        return {
            "schema": "whyshape.comparison.v1", "names": list(self.names), "equal": self.equal, "same": self.same,
            "totals": {name: [side.to_dict() for side in both] for name, both in self.totals.items()},
            "changes": [change.to_dict() for change in self.changes],
        }  # fmt: skip

    def story(self) -> list:
        """As display blocks."""
        from whyshape.story import Heading, Sentence, Table

        blocks: list = [Heading(f"{self.names[0]} and {self.names[1]}")]
        blocks.append(Table(("", *self.names), tuple((name, a.words(), b.words()) for name, (a, b) in self.totals.items()), (1, 2)))
        if self.equal:
            return [*blocks, Sentence(f"All {self.same} operator calls are alike in shape and cost.")]
        blocks.append(Sentence(f"{self.same} operator calls are alike; {len(self.changes)} differ."))
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
    held, seen = parameters(graph), set()
    work, found = operations(graph).rows, []
    looked = fields(graph) if graph.inputs else None
    for row in work:
        node = row.node
        own = 0 if node.path in seen else sum(r.count or 0 for r in held.of(node.path) if r.state.kind == "parameter")
        seen.add(node.path)
        found.append(_layer(graph, row, own, looked.of(node) if looked else None))
    return found


def _layer(graph: Graph, row: Operation, own: int, seen: dict[int, Field] | None) -> Layer:
    node: Node = row.node
    shape = lambda t: tuple(int(n) for n in graph.tensors[t].shape)
    field = () if not seen else tuple("whole" if f.whole else f"{f.size}/{f.stride}" for f in seen.values())
    data = tuple(shape(t) for t in node.inputs if graph.tensors[t].kind not in ("parameter", "buffer"))
    return Layer(node.path, node.type, node.op, data, shape(node.outputs[0]) if node.outputs else (), own, row.macs, field)


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
            what = tuple(name for name, x, y in zip(Layer._fields, a, b) if x != y and name not in ("path", "type"))
            same += not what
            if what:
                changes.append(Change("changed", a, b, what))
    return changes, same


def _by_structure(left: list[Layer], right: list[Layer]):
    for tag, i, j, k, m in SequenceMatcher(None, [x.op for x in left], [x.op for x in right], autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(left[i:j], right[k:m])
        else:
            yield from ((a, None) for a in left[i:j])
            yield from ((None, b) for b in right[k:m])


__all__ = ["Change", "Comparison", "Layer", "amount", "compare", "layers", "matched"]
