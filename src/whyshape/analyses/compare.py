"""Two networks side by side: what was added, removed and changed, and what that does to sizes, costs and receptive field."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from whyshape.analyses.amount import Amount, amount
from whyshape.analyses.field import Field, fields
from whyshape.analyses.operations import Operation, operations
from whyshape.analyses.parameters import parameters
from whyshape.analyses.words_notation import Notation
from whyshape.graph import Graph, Node, Ref, rebuild
from whyshape.rules import Call
from whyshape.rules.words import count
from whyshape.sizes import product

if TYPE_CHECKING:
    from whyshape.analyses.compare_run import Run
    from whyshape.analyses.compare_weights import Weighed
    from whyshape.analyses.compare_wiring import Open

ALLOWED = ("merged", "idle", "spelled")
FRACTIONS = ("float32", "float64", "float16", "bfloat16")  # what weights are made of


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
    idle: bool = False  # it hands its input on as it is, as dropout outside training; or nobody reads what it makes
    channels: int = 0  # it scales and shifts that many channels by numbers it holds: what exporters merge into the product before it
    at: int = -1  # its place in the graph
    plain: tuple[str, ...] = ()  # the plain operators it is made of
    numbers: tuple[tuple[str, float], ...] = ()  # what else it was told: a slope, an epsilon
    read: bool = True  # what it makes has a part in what the network gives

    def to_dict(self) -> dict:
        """As JSON data."""
        return {name: value for name, value in self._asdict().items() if name not in ("at", "plain", "numbers", "read")}


class Change(NamedTuple):
    """``kind``: added, removed, or changed; ``what`` names the sides that differ.

    Three more kinds make no other network: ``idle``, a call that does nothing; ``merged``, a norm and the product before it in one;
    ``spelled``, one of several calls that are together made of the same plain operators as those on the other side.
    """

    kind: str
    before: Layer | None
    after: Layer | None
    what: tuple[str, ...] = ()
    difference: float | None = None  # the largest between weights, where these were compared

    @property
    def place(self) -> str:
        """The layer's path, or its operator where it has none."""
        one = self.after or self.before
        assert one is not None
        return one.path or one.op

    def to_dict(self) -> dict:
        """As JSON data."""
        data = lambda side: None if side is None else side.to_dict()
        return {
            "kind": self.kind,
            "before": data(self.before),
            "after": data(self.after),
            "what": list(self.what),
            "difference": self.difference,
        }


class Comparison(NamedTuple):
    """The changes in the order of the second network, and both sides' totals."""

    changes: tuple[Change, ...]
    same: int  # layers alike on both sides
    totals: dict[str, tuple[Amount, Amount]]
    names: tuple[str, str]
    weights: Weighed | None = None  # the values of the weights, where they were asked for
    run: Run | None = None  # both networks run on the same numbers, where that was asked for
    open: Open | None = None  # where it is not proved that they read the same results
    proved: bool = True  # that calls differ means another network, and not only another way of writing one
    notations: tuple[Notation, ...] = ()  # of both sides
    keras: tuple[bool, bool] = (False, False)  # which side is a Keras model that stands here as its translation
    both: bool = False  # each size is shown in the other framework's order too

    @property
    def equal(self) -> bool:
        """The same network: the same operators between the same sizes, each proved to read the same results in the same places.

        Idle, merged and otherwise spelled calls do not count. Where weights were compared they are the same too; where both were run,
        the numbers that came out decide.
        """
        return self.run.equal if self.run is not None else self.alike and self.open is None

    @property
    def alike(self) -> bool:
        """The same calls and weights, however they are wired."""
        return all(change.kind in ALLOWED for change in self.changes) and (self.weights is None or not self.weights.differ)

    @property
    def _same(self) -> str:
        return f"{count(self.same, 'operator call')} {'is' if self.same == 1 else 'are'}"

    @property
    def decided(self) -> bool:
        """Whether the verdict is proved, either way."""
        return self.run is not None or (self.open is None if self.alike else self.proved)

    @property
    def verdict(self) -> str:
        """Whether they are the same network, in one sentence, and what that rests on."""
        other = [c for c in self.changes if c.kind not in ALLOWED]
        if self.run is not None:
            how = "the same network" if self.run.equal else "not the same network"
            return f"{how[0].upper()}{how[1:]}: run on the same random numbers, the largest difference is {self.run.difference:.2g} where the largest value is {self.run.largest:.3g}."
        if other:
            n = len(other)
            told = f" by up to {other[0].difference:.2g}" if other[0].difference is not None else ""
            first = f", first {other[0].place} ({', '.join(other[0].what) or other[0].kind}{told})"
            counted = f"{self._same} alike; {n} differ{'s' if n == 1 else ''}{first}"
            if self.proved:
                return f"Not the same network: {counted}."
            return f"Not decided without --run: {counted}; that may be another way of writing the same."
        rest = self._aside()
        calls = (
            f"{'all ' if self.same > 1 else ''}{self._same} alike in shape and cost"
            if not rest
            else f"{self._same} alike in shape and cost, {rest} aside"
        )
        held = "; the values of their weights were not compared" if self.weights is None else f"; {self.weights.sentence}"
        if self.open is not None:
            more = f" and {self.open.calls - 1} more" if self.open.calls > 1 else ""
            what = f"{self.open.place}{more} is computed from the same results"
            return f"Not proved to be the same network: {calls}{held}. It is not proved that {what}; --run decides."
        return f"The same network{' up to folding' if rest and self.weights else ''}: {calls}{held}."

    def _aside(self) -> str:
        told = {"merged": "norms merged into the products before them", "idle": "calls that do nothing on one side only",
                "spelled": "calls written as other calls that do the same"}  # fmt: skip
        counts = [(sum(c.kind == kind and None in (c.before, c.after) for c in self.changes), told[kind]) for kind in ALLOWED]
        words = [f"{text} ({n})" for n, text in counts if n]
        return " and ".join(([", ".join(words[:-1])] if words[1:] else []) + words[-1:])

    def to_dict(self) -> dict:
        """As JSON data: schema ``whyshape.comparison.v1``."""
        return {
            "schema": "whyshape.comparison.v1", "names": list(self.names), "equal": self.equal, "decided": self.decided, "verdict": self.verdict, "same": self.same,
            "totals": {name: [side.to_dict() for side in both] for name, both in self.totals.items()},
            "changes": [change.to_dict() | self._there(change) for change in self.changes],
            "weights": None if self.weights is None else self.weights.to_dict(),
            "wiring": None if not self.alike else {"proved": self.open is None, "open": None if self.open is None else self.open.place},
            "run": None if self.run is None else {"difference": self.run.difference, "largest": self.run.largest},
        }  # fmt: skip

    def story(self) -> list:
        """As display blocks."""
        from whyshape.story import Heading, Sentence, Table

        blocks: list = [Heading(f"{self.names[0]} and {self.names[1]}")]
        blocks.append(Table(("", *self.names), tuple((name, a.words(), b.words()) for name, (a, b) in self.totals.items()), (1, 2)))
        blocks.append(Sentence(self.verdict))
        if not self.changes:
            return blocks
        rows = tuple((c.kind, c.place, (c.after or c.before).op, *self._sizes(c.before, 0), *self._sizes(c.after, 1), ", ".join(c.what))
                     for c in self.changes)  # fmt: skip
        columns = [head for name, i in zip(self.names, (0, 1)) for head in (name, f"in {self._other(i)}")[: 1 + self.both]]
        blocks.append(Table(("change", "layer", "operator", *columns, "what differs"), rows))
        if True in self.keras:
            name = self.names[self.keras.index(True)]
            blocks.append(
                Sentence(f"Sizes of {name} stand in Keras' order, maps last; it is compared as its translation to PyTorch.", "note")
            )
        return blocks

    def _there(self, change: Change) -> dict:
        """The sizes both sides make in the other framework's order, where that is another; as JSON data."""
        found = {
            name: there for name, side, i in (("before", change.before, 0), ("after", change.after, 1)) if (there := self._moved(side, i))
        }
        return {"there": {name: list(shape) for name, shape in found.items()}} if found else {}

    def _moved(self, layer: Layer | None, i: int) -> tuple[int, ...]:
        """What a call of a side makes in the other framework's order; empty where it is the same."""
        if layer is None or not layer.output or not self.notations:
            return ()
        notation = self.notations[i]
        made = notation.graph.nodes[layer.at].outputs[0]
        return notation.whole(made) if notation.moved(made) else ()

    def _sizes(self, layer: Layer | None, i: int) -> tuple[str, ...]:
        """What a call of a side makes, in that side's own order; with ``both`` in the other's too, where that is another."""
        shapes = [layer.output if layer else (), self._moved(layer, i)]
        own, other = ("x".join(map(str, shape)) for shape in (reversed(shapes) if self.keras[i] and shapes[1] else shapes))
        return (own, other) if self.both else (own,)

    def _other(self, i: int) -> str:
        """The framework whose order a side's own is not."""
        return "PyTorch" if self.keras[i] else self.notations[i].other

    def __str__(self) -> str:
        from whyshape.writers.text import write

        return write(self.story())


def compare(
    a, b, input_size=None, input_data=None, mode: str = "eval", weights: str | None = None, run: bool = False, models=None, keras=None
) -> Comparison:
    """What differs between two networks (models, notation, file names or graphs), at the same input.

    Layers are matched by their path and operator; where paths differ, by the order of operators. ``weights``: "inline" compares the
    values of the weights too, as far as they lie in the files themselves; "all" also opens the files beside an ``.onnx`` file that hold
    the rest. ``models``: what the networks are called where their classes have one name. ``run``: both are run on the same random numbers
    (a PyTorch model, an ``.onnx`` file by onnxruntime). A Keras model beside any other is compared as its translation to PyTorch, its sizes told in its own order;
    ``keras`` says which sides are such translations already.

    >>> both = compare("Conv2d(1, 8, 3) > ReLU", "Conv2d(1, 8, 3) > BatchNorm2d(8) > ReLU", (1, 1, 8, 8))
    >>> [(c.kind, c.after.op) for c in both.changes]
    [('added', 'batch_norm')]
    """
    from whyshape.analyses.compare_keras import beside, translates
    from whyshape.analyses.compare_pairs import paired
    from whyshape.analyses.compare_proof import proved_other
    from whyshape.api import read
    from whyshape.readers.target import kind_of

    keras = keras or translates(a, b)
    a, b = beside(a, b, weights is not None or run)
    before, after = (m if isinstance(m, Graph) else read(m, input_size, input_data, None, mode) for m in (a, b))
    left, right = layers(before), layers(after)
    names = tuple(g.name or "Network" for g in (before, after))
    if names[0] == names[1]:
        named = tuple(str(m).rpartition(":")[2] for m in models) if models else names
        names = named if named[0] != named[1] else (f"{names[0]} (1)", f"{names[1]} (2)")
    sides = [[[x for x in side if x.read is read] for side in (left, right)] for read in (True, False)]
    pairs = [pair for both in sides for pair in paired(*both)]  # what nobody reads stands for nothing that somebody does
    every = found(pairs)
    weighed = None
    if weights is not None:
        from whyshape.analyses.compare_weights import weighed as weigh

        weighed, every = weigh(models or (a, b), (before, after), pairs, every, weights == "all")
    total = lambda find: (find(before), find(after))
    totals = {
        "parameters": total(lambda g: parameters(g).total), "multiply-adds": total(lambda g: operations(g).forward()),
        "operator calls": total(lambda g: Amount(len(g.nodes))),
    }  # fmt: skip
    ran = None
    if run:
        from whyshape.analyses.compare_run import ran_both

        ran = ran_both(models or (a, b), before)
    changes = tuple(c for c in every if c.kind != "same")
    made = Comparison(changes, len(every) - len(changes), totals, (names[0], names[1]), weighed, ran)
    made = made._replace(notations=(Notation(before), Notation(after)), keras=keras)
    other = [c for c in changes if c.before and c.after and c.kind not in ALLOWED]  # a call that both have, and that is another
    on_both = any(c.before.params or c.after.params for c in other if c.before and c.after)  # without weights it may be paired by chance
    if ran is not None:
        return made
    exported = any(isinstance(m, Graph) or (isinstance(m, str) and kind_of(m) in ("onnx", "json")) for m in models or (a, b))
    proved = bool(weighed and weighed.certain) or proved_other((before, after), (left, right), changes, not exported)
    made = made._replace(proved=proved)
    if on_both or (weighed is not None and weighed.differ):
        return made
    from whyshape.analyses.compare_wiring import wiring

    unproved = wiring((before, after), every)
    if unproved is not None:
        return made._replace(open=unproved if made.alike else None)
    alone = lambda c: c if c.kind in ALLOWED else c._replace(kind="spelled")
    return made._replace(changes=tuple(map(alone, changes)))  # however they are written: what comes out is the same


def layers(graph: Graph) -> list[Layer]:
    """Every operator call of a graph, with its costs."""
    looked, used = fields(graph) if graph.inputs else None, read_later(graph)
    return [_layer(graph, row, looked.of(row.node) if looked else None, row.node.index in used) for row in operations(graph).rows]


def read_later(graph: Graph) -> set[int]:
    """The calls (by index) that have a part in what the network gives; all of them where it gives nothing, or stopped."""
    if not graph.outputs or graph.problem is not None:
        return {node.index for node in graph.nodes}
    wanted, found = set(graph.outputs), set()
    bases = {t.base for t in graph.tensors}
    for node in reversed(graph.nodes):
        if node.inplace or wanted.intersection(node.outputs) or bases.intersection(node.outputs):
            found.add(node.index)
            wanted.update(node.inputs)
    return found


def _layer(graph: Graph, row: Operation, seen: dict[int, Field] | None, used: bool) -> Layer:
    node: Node = row.node
    held = [graph.tensors[t] for t in node.inputs if graph.tensors[t].kind in ("parameter", "buffer")]
    kept = kept_not_learned(node)
    numbers = [t for t in node.inputs if t not in kept and graph.tensors[t] in held and graph.tensors[t].dtype in FRACTIONS]
    sizes = [product(graph.tensors[t].shape) for t in numbers]
    own = sum(n for n in sizes if n > 1)  # a file does not say which of them learned, and writes scales as tensors of one number
    shape = lambda t: tuple(int(n) for n in graph.tensors[t].shape)
    field = () if not seen else tuple("whole" if f.whole else f"{f.size}/{f.stride}" for f in seen.values())
    data = tuple(shape(t) for t in node.inputs if graph.tensors[t].kind not in ("parameter", "buffer", "constant"))
    out = shape(node.outputs[0]) if node.outputs else ()
    call = called(graph, node)
    idle = not used or (call is not None and node.rule.answer("itself", call) is True and data == (out,))
    affine = len(held) > 1 and data == (out,) and bool(kept) and {t.shape for t in held} == {out[1:2]}
    plain = (node.op,) if call is None else plainly(node, call)
    return Layer(node.path, node.type, node.op, data, out, own, row.macs, field, idle, out[1] if affine and not graph.training else 0,
                 node.index, plain, numbers_told(node, graph.training), used)  # fmt: skip


def called(graph: Graph, node: Node) -> Call | None:
    """The node's call, a tensor that it reads twice being one object: who attends to whom shows in that."""
    if node.rule is None:
        return None
    specs = {t: graph.spec(t) for t in node.inputs}
    at = lambda ref: specs.get(ref.tensor) or graph.spec(ref.tensor)
    outs = [graph.spec(i) for i in node.outputs]
    return Call(node.rule, rebuild(node.args, at), rebuild(node.kwargs, at), outs[0] if len(outs) == 1 else outs, node.op)


def numbers_told(node: Node, training: bool) -> tuple[tuple[str, float], ...]:
    """The fractions among the arguments; outside training nobody reads a momentum or a dropout's share."""
    if node.rule is None:
        return ()
    bound = node.rule.bind(node.args, node.kwargs)
    return tuple(
        (name, v) for name, v in sorted(bound.items()) if type(v) is float and (training or name not in ("momentum", "p", "dropout_p"))
    )


def plainly(node: Node, call) -> tuple[str, ...]:
    """The plain operators a call is made of: what its rule says, itself, or nothing where it only hands numbers on."""
    from whyshape.rules.base import NOT_TOLD

    told = node.rule.answer("spelled", call)
    if told is NOT_TOLD:
        return () if node.rule.view or node.rule.answer("itself", call) is True else (node.op.rpartition(".")[2].strip("_"),)
    return tuple(told)


def kept_not_learned(node: Node) -> set[int]:
    """The tensors in the places of running statistics: a file that shares equal weights may call them parameters."""
    if node.rule is None:
        return set()
    bound = node.rule.bind(node.args, node.kwargs)
    return {ref.tensor for name, ref in bound.items() if name.startswith("running_") and isinstance(ref, Ref)}


def found(pairs) -> list[Change]:
    """Every pair as a change, of the kind "same" where nothing differs; those told apart that make no other network."""
    from whyshape.analyses.compare_pairs import settled, spelled

    return spelled(settled(pairs))


__all__ = ["ALLOWED", "Change", "Comparison", "Layer", "amount", "compare", "found", "layers"]
