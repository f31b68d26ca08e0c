"""Whether two networks whose calls are alike also read the same results in the same places: a proof, or the first place without one.

Both graphs are followed from their inputs, and every tensor is said as a term over the inputs and the weights (`compare_terms`).
The weights of two calls that are paired stand for one another, as their values are compared. What a file writes in other calls is
said in plainer ones where its rule knows them (`rules.written`). What gives equal terms gives equal numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from whyshape.analyses.compare import FRACTIONS, Change, Layer, kept_not_learned
from whyshape.analyses.compare_terms import Seen, Terms, told_number
from whyshape.graph import Graph, Node, Ref, rebuild
from whyshape.rules import Call
from whyshape.rules.base import NOT_TOLD
from whyshape.sizes import product

AXES = ("dim", "axis", "dims", "start_dim", "end_dim", "axes")
NO_MATTER = (
    "inplace",
    "_stacklevel",
    "out",
    "memory_format",
    "sparse",
    "scale_grad_by_freq",
    "padding_idx",
)  # to the numbers that come out
ONLY_IN_TRAINING = ("momentum", "dropout_p")


class Open(NamedTuple):
    """Where the wiring is not proved: the first such call on the second network's side, and how many calls make what is not proved to be alike."""

    place: str
    calls: int


def wiring(graphs: tuple[Graph, Graph], changes: list[Change]) -> Open | None:
    """None where both give the same terms. ``changes``: every pair as a change, those that are the same included, in their order."""
    terms = Terms()
    sides = tuple(_Side(terms, graphs, i, changes) for i in (0, 1))
    if len(graphs[0].inputs) != len(graphs[1].inputs):
        return Open("the inputs", 1)
    apart = []
    for change in changes:
        a, b = change.before, change.after
        if a is None or b is None or not b.read:
            continue
        left, right = (s.results(x) for s, x in zip(sides, (a, b)))
        if left != right:
            apart.append(b.path or b.op)
    given = [s.given() for s in sides]
    whole = all(given) and all(g.problem is None for g in graphs)
    if whole and given[0] == given[1]:
        return None  # whatever stands between is another way of writing the same
    if not apart and (whole or given[0] != given[1]):
        apart.append("what it gives")
    return Open(apart[0], len(apart)) if apart else None


class _Side:
    """One network's tensors as terms."""

    def __init__(self, terms: Terms, graphs: tuple[Graph, Graph], side: int, changes: list[Change]):
        self.terms, self.side, self.graph, self.other = terms, side, graphs[side], graphs[1 - side]
        graph, self.sized = self.graph, set(graphs[side].sized)
        self.seen: dict[int, Seen] = {}
        self.stale: set[int] = set()
        for i, t in enumerate(graph.inputs):
            self.seen[t] = terms.source(("input", i), graph.tensors[t].shape, graph.tensors[t].dtype)
        self.pairs: dict[int, tuple[int, Layer]] = {}  # by the call's place: which pair, and the call on the other side
        self.left: dict[tuple[int, str], int] = {}  # weights of calls that stand alone, by their order
        self.merged: set[int] = set()
        self.readers = {t: len(nodes) for t, nodes in graph.consumers().items()}
        for i, change in enumerate(changes):
            own, other = (change.before, change.after) if side == 0 else (change.after, change.before)
            if own is not None and other is not None:
                self.pairs[own.at] = (i, other)
            elif own is not None and own.read and change.kind == "merged":
                self.merged.add(own.at)
            elif own is not None and own.read:
                for name in self.weights(graph.nodes[own.at]):
                    self.left[own.at, name] = len(self.left)
        for node in graph.nodes:
            self.follow(node)

    def weights(self, node: Node) -> dict[str, int]:
        """The weights a call holds, by the names of its rule, in the order it says them; single numbers aside."""
        found = {}
        for name, ref in bound_of(node).items():
            t = self.graph.tensors[ref.tensor] if isinstance(ref, Ref) else None
            if t is not None and t.kind in ("parameter", "buffer") and t.dtype in FRACTIONS and product(t.shape) > 1:
                found[name] = ref.tensor
        return found

    def follow(self, node: Node) -> None:
        made = self.made(node)
        for t, term in zip(node.outputs, made):
            self.seen[t] = term
        if node.inplace and node.inputs:  # whoever looks at that memory under an older name sees other numbers now
            root = self.root(node.inputs[0])
            self.stale.update(t for t in self.seen if t not in node.outputs and self.root(t) == root)

    def root(self, t: int) -> int:
        """In whose memory a tensor lies; a graph from elsewhere may go round in a circle."""
        for _ in range(len(self.graph.tensors)):
            base = self.graph.tensors[t].base
            if not 0 <= base < len(self.graph.tensors) or base == t:
                break
            t = base
        return t

    def made(self, node: Node) -> list[Seen]:
        graph, outs = self.graph, [self.graph.tensors[t] for t in node.outputs]
        pair = self.pairs.get(node.index)
        names = {ref.tensor: name for name, ref in bound_of(node).items() if isinstance(ref, Ref)}
        at = lambda ref: self.operand(node, names.get(ref.tensor, ""), ref.tensor)
        if node.rule is None or node.index in self.sized:
            return [self.alone(("measured", node.index, k), t) for k, t in enumerate(outs)]
        args, kwargs = rebuild(node.args, at), rebuild(node.kwargs, at)
        specs = [graph.spec(t) for t in node.outputs]
        call = Call(node.rule, args, kwargs, specs[0] if len(specs) == 1 else specs, node.op)
        first = next((self.operand(node, "", t) for t in node.inputs if self.seen.get(t) is not None), None)
        if first is not None and len(outs) == 1 and first.shape == tuple(outs[0].shape):
            if node.rule.answer("itself", call) is True:
                return [first]
            if node.index in self.merged:  # inside the product before it, if nobody else reads that
                at_product = next(t for t in node.inputs if t in self.seen)
                alone = self.readers.get(at_product) == 1 and at_product not in graph.outputs
                return [first] if alone else [self.alone(("norm", node.index), outs[0])]
        if not (node.index in self.merged or graph.training or (pair is not None and self.weights(node))):
            told = node.rule.answer("written", call)
            found = told if isinstance(told, list) else [told]
            if told is not None and told is not NOT_TOLD and [x.shape for x in found] == [tuple(map(int, t.shape)) for t in outs]:
                return found
        key: Any = (node.op.rpartition(".")[2].strip("_"), self.arguments(node, call))
        if graph.training:  # what is drawn at random is another draw at each call
            key = (key, pair[0] if pair else (self.side, node.index))
        return [self.terms.source((key, k, tuple(map(int, t.shape))), t.shape, t.dtype) for k, t in enumerate(outs)]

    def alone(self, key: Any, t) -> Seen:
        """A tensor that nothing on the other side is known to equal."""
        return self.terms.source(("unlike", self.side, key), t.shape, t.dtype)

    def operand(self, node: Node, name: str, t: int) -> Any:
        """A tensor that a call reads: its term; the number, for a constant of one."""
        tensor, pair = self.graph.tensors[t], self.pairs.get(node.index)
        if t in self.stale:
            return self.alone(("stale", t), tensor)
        if t in self.seen:
            return self.seen[t]
        if tensor.kind in ("parameter", "buffer") and tensor.dtype in FRACTIONS:
            if pair is not None and name and (tensor.number is None or self.held_too(pair[1], name)):
                return self.terms.source(("weight", pair[0], name), tensor.shape, tensor.dtype, True)
            if (node.index, name) in self.left:
                return self.terms.source(
                    ("weight alone", self.left[node.index, name], product(tensor.shape)), tensor.shape, tensor.dtype, True
                )
        if tensor.number is not None:
            return self.terms.number(tensor.number, tensor.shape, tensor.dtype)
        return self.alone(("constant", t), tensor)

    def held_too(self, layer: Layer, name: str) -> bool:
        """Whether the call on the other side holds a weight there, and not a plain number."""
        ref = bound_of(self.other.nodes[layer.at]).get(name)
        return isinstance(ref, Ref) and self.other.tensors[ref.tensor].kind in ("parameter", "buffer")

    def arguments(self, node: Node, call: Call) -> tuple:
        """All that a call was told, in one way of saying it; its weights, which stand for those of its pair, only by that."""
        bound, found = bound_of(node), []
        rank = len(self.graph.tensors[node.inputs[0]].shape) if node.inputs else 0
        pair, kept = self.pairs.get(node.index), kept_not_learned(node)
        tensors = self.graph.tensors
        read = [ref.tensor for ref in bound.values() if isinstance(ref, Ref) and ref.tensor not in self.seen]
        weights = {t for t in read if t in kept or (tensors[t].kind in ("parameter", "buffer") and tensors[t].dtype in FRACTIONS)}
        for name, value in sorted(bound.items()):
            if name in NO_MATTER or (name in ONLY_IN_TRAINING and not self.graph.training):
                continue
            if isinstance(value, Ref) and value.tensor in weights and pair is not None:
                continue
            if name == "stride" and value in (None, [], ()):
                value = bound.get("kernel_size")
            value = rebuild(value, lambda ref, name=name: self.operand(node, name, ref.tensor))
            said = plainly(value, rank, name in AXES)
            if said is not None:
                found.append((name, said))
        return (pair[0] if pair is not None and weights else -1, *found)

    def results(self, layer: Layer) -> list:
        return [self.seen[t].key for t in self.graph.nodes[layer.at].outputs]

    def given(self) -> list:
        """What the network gives."""
        tensors = self.graph.tensors
        return [
            self.seen[t].key if t in self.seen and t not in self.stale else self.alone(("given", t), tensors[t]).key
            for t in self.graph.outputs
        ]


def bound_of(node: Node) -> dict[str, Any]:
    """A call's arguments by name, in the order its rule says them."""
    if node.rule is None:
        return {}
    bound = node.rule.bind(node.args, node.kwargs)
    return {name: bound[name] for name in (*node.rule.words(), *bound) if name in bound}


def plainly(value: Any, rank: int, axis: bool = False) -> Any:
    """An argument in one way of saying it: no answer and no are one, a number for all axes and one for each are."""
    if value is None or value is False:
        return None
    if isinstance(value, Seen):
        return value.key if value.number is None else told_number(value.number)
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        if axis:
            return (int(value) + rank if value < 0 else int(value),)
        return told_number(value)
    if isinstance(value, (tuple, list)):
        if axis:
            return tuple(int(v) + rank if v < 0 else int(v) for v in value)
        said = tuple(plainly(v, rank) for v in value)
        return said[0] if len(said) == max(rank - 2, 1) and len(set(said)) == 1 and isinstance(said[0], float) else said
    if isinstance(value, slice):
        return ("slice", plainly(value.start, rank), plainly(value.stop, rank), plainly(value.step, rank))
    if isinstance(value, dict):
        return tuple(sorted((str(k), plainly(v, rank)) for k, v in value.items()))
    return str(value).rpartition(".")[2]


__all__ = ["Open", "wiring"]
