"""The costs of a network in one answer: parameters, operations, memory and receptive field, layer by layer and in total."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.analyses.amount import Amount, bytes_text
from whyshape.analyses.field import Field, fields
from whyshape.analyses.live import live
from whyshape.analyses.memory import SETTINGS, Memory, memory
from whyshape.analyses.operations import COUNTS, Operations, at_sizes, operations
from whyshape.analyses.parameters import Parameters, parameters
from whyshape.analyses.words_notation import Notation
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story import Heading, Sentence, Table

COLUMNS = ("layer", "operator", "output", "parameters", "operations", "work", "kept", "field", "stride", "start")


LEGEND = (
    "operations: of each layer, counted so. work: what it does besides, as comparing and adding.",
    "kept: what training holds of it for the backward pass.",
    "field: how many places of the input a cell of it sees; stride: how far apart two neighbours look; start: where the first begins.",
)


class Costs(NamedTuple):
    """Everything a network costs at one input."""

    graph: Graph
    count: str  # type: ignore[assignment]  # hides tuple.count
    parameters: Parameters
    operations: Operations
    memory: Memory
    fields: tuple[dict[int, Field] | None, ...]
    both: bool = False  # the table shows each size in the other framework's order too

    def rows(self) -> list[dict]:
        """One dict for each operator call, as a data frame takes them: numbers, or None where nobody knows."""
        seen: set[str] = set()
        found = []
        for row, kept, field in zip(self.operations.rows, self.memory.rows, self.fields):
            node = row.node
            own = 0 if node.path in seen else sum(r.count or 0 for r in self.parameters.of(node.path) if r.state.kind == "parameter")
            seen.add(node.path)
            shape = self.graph.tensors[node.outputs[0]].shape if node.outputs else ()
            axes = list(field.values()) if field else []
            text = lambda values: "x".join(dict.fromkeys(values)) if len(set(values)) == 1 else "x".join(values)
            found.append(dict(zip(COLUMNS, (
                node.path, node.op, tuple(int(n) for n in shape), own, row.counted(self.count).value, row.work, kept.nbytes,
                text(["whole" if f.whole else str(f.size) for f in axes]), text([str(f.stride) for f in axes if f.axis is not None]),
                text([str(f.start) for f in axes if f.axis is not None]),
            ))))  # fmt: skip
        return found

    def totals(self) -> dict[str, Amount]:
        """The totals, each with what it misses. Memory in bytes."""
        p, m = self.parameters, self.memory
        return {
            "parameters": p.total, "trainable": p.trainable, "frozen": p.frozen, "buffers": p.buffers,
            self.count: self.operations.forward(self.count), "backward macs": self.operations.backward(), "weights bytes": m.weights,
            "gradients bytes": m.gradients, "optimizer bytes": m.optimizer, "kept for backward bytes": m.activations,
            "peak of inference bytes": m.inference, "peak of training bytes": m.training,
        }  # fmt: skip

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.costs.v1``."""
        return {
            "schema": "whyshape.costs.v1", "count": self.count, "convention": COUNTS[self.count], "rows": self.rows(),
            "totals": {name: total.to_dict() for name, total in self.totals().items()},
        }  # fmt: skip

    def to_pandas(self):
        """The rows as a `pandas.DataFrame`, where pandas is installed."""
        try:
            import pandas
        except ImportError:
            raise WhyshapeError("a data frame needs pandas: pip install pandas") from None
        return pandas.DataFrame(self.rows(), columns=list(COLUMNS))

    def table(self) -> Table:
        """The rows as a table to show."""
        rows = tuple(tuple(cell(name, row[name]) for name in COLUMNS) for row in self.rows())
        if not self.both:
            return Table(COLUMNS, rows, (3, 4, 5, 6, 7, 8, 9))
        notation = Notation(self.graph)
        there = [cell("output", notation.whole(r.node.outputs[0])) if r.node.outputs else "" for r in self.operations.rows]
        # In the place of the fields, which have a command of their own: a screen is not wider.
        rows = tuple((*row[:3], size, *row[3:7]) for row, size in zip(rows, there))
        return Table((*COLUMNS[:3], f"in {notation.other}", *COLUMNS[3:7]), rows, (4, 5, 6, 7))

    def story(self) -> list:
        """As display blocks: the table of layers, then the totals."""
        kinds = {name: total.words(bytes_text) if "bytes" in name else total.words() for name, total in self.totals().items()}
        totals = Table(("total", "value"), tuple((name.removesuffix(" bytes"), value) for name, value in kinds.items()), (1,))
        said = [
            Sentence(f"{self.count}: {COUNTS[self.count]}.", "note"),
            *(Sentence(note, "note") for note in LEGEND[: 2 if self.both else 3]),
        ]
        formulas = [Sentence(f"{p or self.graph.name}: {self.parameters.formula(p)}") for p in dict.fromkeys(r.module for r in self.parameters.rows)
                    if self.parameters.formula(p)]  # fmt: skip
        shared = [Sentence(f"{r.name} is also {', '.join(r.state.also)}: counted once.", "note") for r in self.parameters.shared]
        return [Heading(f"What {self.graph.name or 'the network'} costs"), self.table(), Heading("Parameters", 2), *formulas[:12], *shared,
                Heading("In total", 2), totals, *said]  # fmt: skip

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())


def costs(graph: Graph, count: str = "macs", **settings) -> Costs:
    """What the graph's model costs; ``settings`` go to `memory` (``optimizer``, ``checkpoint``, ``autocast``, sizes of free axes).

    >>> from whyshape.graph import Builder
    >>> net = Builder("Net")
    >>> x = net.layer("Conv2d", "conv_1", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> costs(net.graph(x)).totals()["macs"]
    144000
    """
    if count not in COUNTS:
        raise WhyshapeError(f"operations are counted as {', '.join(COUNTS)}; {count!r} was asked for")
    sizes = {k: v for k, v in settings.items() if k not in SETTINGS}
    graph = graph.settled()
    held = live(graph, at_sizes(graph, False, sizes))
    seen = fields(graph) if graph.inputs else None
    found = tuple(seen.of(node) if seen else None for node in graph.nodes)
    return Costs(graph, count, parameters(graph), operations(graph, held=held), memory(graph, held=held, **settings), found)


def cell(name: str, value) -> str:
    """One number of the table in words."""
    if value is None:
        return "unknown"
    if name == "output":
        return "x".join(map(str, value))
    return bytes_text(value) if name == "kept" else f"{value:,}" if isinstance(value, int) else str(value)
