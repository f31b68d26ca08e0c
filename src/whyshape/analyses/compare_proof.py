"""Whether calls that differ prove another network, or may be another way of writing the same one: exporters and people write alike otherwise."""

from __future__ import annotations

from collections import Counter

from whyshape.analyses.compare import ALLOWED, Change, Layer
from whyshape.graph import Graph
from whyshape.rules import LAYERS, RULES


def proved_other(graphs: tuple[Graph, Graph], sides: tuple[list[Layer], list[Layer]], changes: tuple[Change, ...], written: bool) -> bool:
    """Whether what differs proves that they are two networks. ``written``: both are as somebody wrote them, no exporter merged anything.

    It is proved by results of other sizes; by a product with weights that has no counterpart of its size and cost; by a layer of one
    name that was told another number; and, where no exporter had a hand in it, by a layer that only one of them has, a MaxPool2d
    where the other has an AvgPool2d.
    """
    if all(g.outputs and g.problem is None for g in graphs):
        given = [[tuple(map(int, g.tensors[t].shape)) for t in g.outputs] for g in graphs]
        if given[0] != given[1]:
            return True
    other = [c for c in changes if c.kind not in ALLOWED]
    sized = [Counter(x.macs for x in side if x.params and x.macs) for side in sides]
    for change in other:
        a, b = change.before, change.after
        if a is None or b is None:
            alone = a or b
            if written and alone is not None and (alone.params or _is_layer(alone)):
                return True
        elif a.op == b.op and a.params and b.params:
            told = a.path == b.path and not {*change.what} & {*Layer._fields}
            if told or (a.macs != b.macs and sized[0] != sized[1]) or (written and a.path == b.path and a.params != b.params):
                return True
        elif written and a.op != b.op and _is_layer(a) and _is_layer(b):
            return True
    return False


def _is_layer(layer: Layer) -> bool:
    """Whether it is a layer of torch.nn that does more than hand its numbers on, which people write in many ways."""
    rule = RULES.get(layer.op)
    return layer.type in LAYERS and rule is not None and not rule.view


__all__ = ["proved_other"]
