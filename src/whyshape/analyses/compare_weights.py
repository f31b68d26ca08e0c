"""The values of two networks' weights: equal, equal once norms are folded into the products before them, or not, and where."""

from __future__ import annotations

import os
from math import isfinite
from typing import Any, NamedTuple

from whyshape.analyses.compare import FRACTIONS, Change, Layer, found
from whyshape.analyses.compare_pairs import Pair, change
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Ref

CLOSE = 1e-4  # of the largest weight: folding a norm rounds float32 numbers


class Weighed(NamedTuple):
    """How the weights of two networks compare."""

    equal: int  # layers whose weights are equal
    folded: int  # of these, those equal once a norm is folded in
    differ: tuple[Change, ...]
    unread: tuple[str, ...]  # layers whose weights lie where nothing was opened, or are no plain numbers
    largest: float  # difference among the equal ones
    certain: bool = (
        False  # of those that differ, one stands for its pair beyond doubt, and holds numbers that the other network has nowhere there
    )

    @property
    def sentence(self) -> str:
        """What was compared, in words."""
        fold = f", {self.folded} of them with a norm folded in" if self.folded else ""
        alike = f"the weights of {self.equal} layers are equal{fold} (largest difference {self.largest:.2g})"
        if self.differ:
            first = self.differ[0]
            by = "are of other sizes" if first.difference is None else f"differ by up to {first.difference:.2g}"
            alike = f"the weights of {first.place} {by}, {len(self.differ)} layers in all; those of {self.equal} are equal"
        return alike + (f"; those of {len(self.unread)} were not read, first {self.unread[0]}" if self.unread else "")

    def to_dict(self) -> dict:
        """As JSON data."""
        return {"equal": self.equal, "folded": self.folded, "differ": [c.place for c in self.differ], "unread": list(self.unread),
                "largest_difference": self.largest}  # fmt: skip


class _Side:
    """One network's graph and the numbers of its weights."""

    def __init__(self, model: Any, graph: Graph, external: bool):
        self.graph, self.values = graph, values_of(model, external)

    def held(self, layer: Layer) -> dict[str, Any]:
        """The layer's weights by the names of its rule; None for one that cannot be read."""
        node = self.graph.nodes[layer.at]
        bound = node.rule.bind(node.args, node.kwargs) if node.rule is not None else dict(enumerate(node.args))
        if node.rule is not None:  # as the call says them: weight, then bias
            bound = {name: bound[name] for name in (*node.rule.words(), *bound) if name in bound}
        found = {}
        for name, ref in bound.items():
            t = self.graph.tensors[ref.tensor] if isinstance(ref, Ref) else None
            if t is not None and t.kind in ("parameter", "buffer") and t.dtype in FRACTIONS:
                value = self.values(t.name)
                first = node.rule is not None and name in node.rule.inputs_first and value is not None
                found[str(name)] = value.swapaxes(-1, -2) if first and value.ndim > 1 else value  # a row for each output, as layers keep it
        return found

    def number(self, layer: Layer, name: str, otherwise: float) -> float:
        node = self.graph.nodes[layer.at]
        return float(node.rule.bind(node.args, node.kwargs).get(name, otherwise))

    def affine(self, layer: Layer) -> dict[str, Any]:
        """A norm by running statistics as what it does: scale and shift."""
        held = self.held(layer)
        mean, var = held.get("running_mean"), held.get("running_var")
        if mean is None or var is None or any(v is None for v in held.values()):
            return {"scale": None, "shift": None}
        scale = held.get("weight", 1.0) / (var + self.number(layer, "eps", 1e-5)) ** 0.5
        return {"scale": scale, "shift": held.get("bias", 0.0) - mean * scale}


def values_of(model: Any, external: bool):
    """A function from a weight's name to its numbers. Raises `WhyshapeError` where the network has none."""
    from whyshape.readers import target

    model = os.fspath(model) if isinstance(model, os.PathLike) else model
    if isinstance(model, str) and target.kind_of(model) == "onnx":
        from whyshape.readers.onnx.weights import Weights

        return Weights(model, external).__getitem__
    if isinstance(model, str) and target.kind_of(model) == "python":
        model = target.load(model, real=True)
    if not hasattr(model, "named_parameters"):
        raise WhyshapeError("The values of weights are compared between PyTorch models and .onnx files; notation and graphs hold none.")
    tensors = dict(model.named_buffers(remove_duplicate=False)) | dict(model.named_parameters(remove_duplicate=False))
    return lambda name: None if name not in tensors or tensors[name].is_meta else array(tensors[name])


def array(tensor: Any):
    """A tensor's numbers; halves as float32, so that numpy knows them."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() and tensor.itemsize < 4 else tensor).numpy()


def weighed(models, graphs, pairs: list[Pair], changes: list[Change], external: bool) -> tuple[Weighed, list[Change]]:
    """The values of every pair's weights; every pair as a change again, with the norms that proved to be folded."""
    sides = [_Side(m, g, external) for m, g in zip(models, graphs)]
    kinds = {id(c.after or c.before): c.kind for c in changes}
    folded: set[int] = set()
    bare: set[int] = set()  # those that have a bias on one side only, and it is zero
    equal, n_folded, largest = 0, 0, 0.0
    differ: list[Change] = []
    doubted: list[tuple[bool, dict, dict]] = []  # what differs: whether the two calls surely stand for one another, and their numbers
    unread: list[str] = []
    left_over: tuple[list, list] = ([], [])
    for i, (a, b) in enumerate(pairs):
        if a is None or b is None:
            one, side = (a, 0) if a is not None else (b, 1)
            assert one is not None
            if (
                id(one) not in folded and one.read and not one.plain
            ):  # a weight that is only looked at otherwise: a file has it done already
                unread.extend([one.path or one.op] * bool(sides[side].held(one)))
            elif id(one) not in folded and one.read:
                left_over[side].extend((one, v) for v in sides[side].held(one).values() if v is None or v.size > 1)
            continue
        if kinds.get(id(b)) == "spelled" and a.op != b.op:
            continue
        ours, theirs = (s.affine(x) if x.channels else s.held(x) for s, x in zip(sides, (a, b)))
        if not ours and not theirs:
            continue
        norms = _norms_behind(pairs, i)
        here = [_folded(s, x, dict(h), n) if n else (h, ()) for s, x, h, n in zip(sides, (a, b), (ours, theirs), norms)]
        apart = _apart(here[0][0], here[1][0])
        if apart is None:
            unread.append(b.path or b.op)
            continue
        if apart[0] > CLOSE * apart[1]:
            differ.append(Change("changed", a, b, ("weights",), apart[0] if isfinite(apart[0]) else None))
            doubted.append((set(ours) == set(theirs) and isfinite(apart[0]), ours, theirs))
            continue
        equal, largest = equal + 1, max(largest, apart[0])
        used = [n for _, ns in here for n in ns]
        n_folded += bool(used)
        folded.update(map(id, used))
        if used:
            folded.add(id(b))
        elif set(ours) ^ set(theirs) == {"bias"}:
            bare.add(id(b))
    as_many = [v.size for _, v in left_over[0] if v is not None] == [v.size for _, v in left_over[1] if v is not None]
    for (one, x), (other, y) in zip(*left_over):
        apart = _apart({"": x}, {"": y})
        if apart is None:
            unread.append(other.path or other.op)
        elif apart[0] > CLOSE * apart[1]:
            differ.append(Change("changed", one, other, ("weights",), apart[0] if isfinite(apart[0]) else None))
            both = all("product" in layer.plain for layer in (one, other))
            doubted.append((as_many and both and isfinite(apart[0]), {"": x}, {"": y}))
        else:
            equal, largest = equal + 1, max(largest, apart[0])
    known = {id(c.after): c for c in differ}
    settled = [_told(a, b, folded, bare) for a, b in pairs]
    from whyshape.analyses.compare_pairs import spelled

    final = [known.get(id(c.after), c) if c.kind in ("same", "spelled") else c for c in spelled(settled)]
    return Weighed(equal, n_folded, tuple(differ), tuple(dict.fromkeys(unread)), largest, _certain(doubted)), final


def _certain(doubted: list[tuple[bool, dict, dict]]) -> bool:
    """Whether a pair that differs is no chance pair: what one side holds is not held by the other side at another place either."""
    import numpy

    tell = lambda held: tuple((v.size, float(numpy.sum(v, dtype="float64")), float(numpy.abs(v).max(initial=0.0))) for v in held.values())
    there = [(i, tell(theirs)) for i, (_, _, theirs) in enumerate(doubted)]
    near = lambda x, y: len(x) == len(y) and numpy.allclose(x, y, rtol=CLOSE)
    return any(sure and not any(i != j and near(tell(ours), other) for j, other in there) for i, (sure, ours, _) in enumerate(doubted))


def _told(a: Layer | None, b: Layer | None, folded: set[int], bare: set[int]) -> Change:
    new = change(a, b)
    if id(b) in bare and new.what == ("params",):
        return new._replace(kind="same", what=())
    return new._replace(kind="merged") if id(b or a) in folded and new.what in ((), ("params",)) and new.kind != "same" else new


def _norms_behind(pairs: list[Pair], i: int) -> tuple[list[Layer], list[Layer]]:
    """For each side the norm right behind a pair of products that the other side does not have."""
    found: tuple[list[Layer], list[Layer]] = ([], [])
    for side in (0, 1):
        for pair in pairs[i + 1 :]:
            one = pair[side]
            if one is None or one.idle:
                continue
            if one.channels and pair[1 - side] is None:
                found[side].append(one)
            break
    return found


def _folded(side: _Side, layer: Layer, held: dict[str, Any], norms: list[Layer]) -> tuple[dict[str, Any], tuple[Layer, ...]]:
    """The weights of a product with the norm behind it folded in, and the norms that were."""
    used = []
    for norm in norms[:1]:
        weight, affine = held.get("weight"), side.affine(norm)
        scale, shift = affine["scale"], affine["shift"]
        if weight is None or scale is None or norm.inputs[:1] != (layer.output,):
            continue
        groups = int(side.number(layer, "groups", 1))
        across = weight.shape[0] != scale.size or weight.shape[1] * groups == scale.size != weight.shape[0]
        if across or (held.get("bias") is None and "bias" in held):
            continue
        held["weight"] = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        held["bias"] = held.get("bias", 0.0) * scale + shift
        used.append(norm)
    return held, tuple(used)


def _apart(left: dict[str, Any], right: dict[str, Any]) -> tuple[float, float] | None:
    """The largest difference and the largest value; a bias that one side leaves out is zero. None where something was not read."""
    import numpy

    if any(v is None for v in (*left.values(), *right.values())):
        return None
    xs, ys = (dict(side) for side in (left, right))
    for name in {*xs} ^ {*ys}:
        if name == "bias":
            (xs if name not in xs else ys)[name] = 0.0
    apart, largest = 0.0, 0.0
    if len(xs) != len(ys):
        return float("inf"), 0.0
    names = list(xs) if set(xs) == set(ys) else None
    for x, y in [(xs[n], ys[n]) for n in names] if names is not None else zip(xs.values(), ys.values()):
        x, y = numpy.asarray(x), numpy.asarray(y)
        if x.size != y.size and 1 not in (x.size, y.size):
            return float("inf"), 0.0
        y = y.reshape(x.shape) if x.size == y.size else y
        largest = max(largest, float(numpy.abs(x).max(initial=0.0)), float(numpy.abs(y).max(initial=0.0)))
        apart = max(apart, float(numpy.abs(x - y).max(initial=0.0)))
    return apart, max(largest, 1e-12)


__all__ = ["Weighed", "found", "values_of", "weighed"]
