"""Branches joined and fed whole to a layer that was made for one of them: the layer reads its own share."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from whyshape.analyses.diagnose.candidates.layer_calls import instead
from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import atom, call_of_layer, calls, enclosing
from whyshape.graph import Node
from whyshape.sizes import Size, leaves


def offers(case: Case) -> Iterator[Offer]:
    call = call_of_layer(case)
    if call is None or not call.args or type(case.wanted) is not int or not case.call_inputs:
        return
    fed = case.call_inputs[0]
    for axis in range(len(case.x) - 1, 0, -1):  # never the rows
        widths, join = joined(case, fed, axis)
        if join is not None and case.wanted in widths:
            yield from shares(case, call, fed, axis, widths, join)
            return


def joined(case: Case, tensor: int, axis: int) -> tuple[list[int], Node | None]:
    """The widths of what lies side by side along an axis, and the call that laid it so; nothing where the axis is no sum of others."""
    seen = set()
    while (tensor, axis) not in seen:
        seen.add((tensor, axis))
        size = case.trail.local(tensor, axis)
        parts = summands(size)
        if len(parts) > 1 and all(p.op == "leaf" and p.leaf and p.leaf.ref and p.leaf.ref[0] == "axis" for p in parts):
            return [int(p) for p in parts], case.trail.producers[tensor]
        ref = size.leaf.ref if isinstance(size, Size) and size.leaf else None
        if not ref or ref[0] != "axis":
            break
        tensor, axis = ref[1:3]
    return [], None


def summands(size) -> list[Size]:
    """What a size is the sum of; empty where it is none of sizes alone."""
    if isinstance(size, Size) and size.op == "+":
        found = [summands(part) for part in size.args if not (part == 0 and not leaves(part))]
        return [s for part in found for s in part] if all(found) else []
    return [size] if isinstance(size, Size) else []


def shares(case: Case, call: ast.Call, fed: int, axis: int, widths: list[int], join: Node) -> Iterator[Offer]:
    """The shares as wide as what is wanted: the first that no layer has read yet, then the others."""
    taken = sum(fed in n.inputs for n in case.graph.nodes)  # an earlier layer that reads its share stands before
    fitting = [i for i, width in enumerate(widths) if width == case.wanted]
    made_for = {v for _, kept in case.patient.layers.values() for k, v in kept.items() if k in MADE_FOR}
    likely = set(widths) <= made_for and readers(case.problem.file, case.problem.line, call.args[0]) >= len(widths)
    for order, i in enumerate(sorted(fitting, key=lambda i: (i < taken, i))):
        start, end = sum(widths[:i]), sum(widths[: i + 1])
        cut = f"{start or ''}:{end if end < sum(widths) else ''}"
        index = ", ".join([":"] * axis + [cut]) if axis < len(case.x) - 1 or axis == 1 else f"..., {cut}"
        alone = next((p for p in branches(join, call) if len(p) == len(widths)), None)
        new = ast.unparse(alone[i]) if alone else f"{atom(call.args[0])}[{index}]"
        says = f"{case.wanted} of the {sum(widths)} that are joined: what {case.problem.path.rpartition('.')[2]} was made for"
        yield instead(case, call, new, says, (1.3 if likely else 2.6) + 0.4 * order)


def readers(file: str, line: int, given: ast.expr) -> int:
    """How many calls in the function of that line are given the same expression first: a reader for every share, or one that reads all."""
    inner = enclosing(file, line)
    same = lambda n: isinstance(n, ast.Call) and n.args and ast.dump(n.args[0]) == ast.dump(given)
    return sum(map(bool, map(same, ast.walk(inner)))) if inner else 0


MADE_FOR = ("in_features", "in_channels", "input_size")


def branches(join: Node, call: ast.Call) -> Iterator[list[ast.expr]]:
    """The expressions that are joined, where that happens in the layer's own call: there one of them can stand alone."""
    for found, first, _ in calls(join.file, join.line, join.op):
        if isinstance(first, (ast.List, ast.Tuple)) and ast.dump(found) == ast.dump(call.args[0]):
            yield first.elts


__all__ = ["offers"]
