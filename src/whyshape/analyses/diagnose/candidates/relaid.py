"""Views, squeezes and transposes on the way: left out, laid out row by row, or with their typed sizes corrected."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import isqrt, prod

from whyshape.analyses.diagnose.case import Case, Offer, edit
from whyshape.analyses.diagnose.lines import atom, calls, line_edit, replaced
from whyshape.graph import Node
from whyshape.sizes import leaves

NEAREST = 6  # views before the refused call that are looked at


def offers(case: Case) -> Iterator[Offer]:
    nodes: list = [n for n in reversed(case.trail.upstream) if n.rule is not None and n.rule.view][:NEAREST]
    if case.problem.file and (case.problem.args or case.problem.kwargs):
        nodes.insert(0, case.problem)
    for node in nodes:
        ins = [case.graph.tensors[i].shape for i in (node.inputs if isinstance(node, Node) else case.call_inputs)]
        before, after = ins[0] if ins else (), case.graph.tensors[node.outputs[0]].shape if isinstance(node, Node) else ()
        if before:
            yield from from_first_axis(case, node, before, after)
            for call, on, rest in calls(node.file, node.line, node.op):
                yield from rewritten(case, node, call, on, rest, before, after)


def rewritten(case: Case, node, call: ast.Call, on: ast.expr, rest: list, before: tuple, after: tuple) -> Iterator[Offer]:
    """Other ways to write one view."""
    it, refused = atom(on), node is case.problem
    moved = len(after) == len(before) and sorted(after) == sorted(before) and after != before
    rows_changed = after[:1] != before[:1]
    put = lambda new, says, cost: line_edit(node.file, node.line, call, new, says, cost)
    if len(before) >= 2 and (rows_changed or refused) and not moved:
        known = [n for n in rest if not (isinstance(n, ast.UnaryOp) or (isinstance(n, ast.Constant) and n.value == -1))]
        if not refused or (rest and len(known) < len(rest)):
            lost = rows_changed and len(after) < len(before) and not rest
            says = "squeeze removes the batch axis too when it is 1" if lost else "keep the rows, one for each of the batch"
            yield put(f"{it}.flatten(1)", says, 0.7 if rows_changed else 1.6)
    if rest and rows_changed and len(before) == 3 and before[1:2] == case.rows != before[:1] and len(after) == 2 and before[2] == after[1]:
        yield put(f"{it}[-1]", f"the last of the {before[0]}: one row for each of the batch", 0.6)
    if refused and (one := one_size(case, rest, before)) is not None:
        yield put(f"{ast.unparse(call.func)}({', '.join(one)})", "the size that arrives", 1.3)
    typed = after if not refused else tuple(case.reading.numbers.get("shape", ())) if case.reading else ()
    if (rows_changed or refused) and len(before) == 4 and len(typed) == 2 and (side := square(typed[1], before[1])):
        pooled = f"torch.nn.functional.adaptive_avg_pool2d({ast.unparse(on)}, {side}).flatten(1)"
        made = case.trail.producers.get(node.inputs[0] if isinstance(node, Node) else case.call_inputs[0])
        meant = made is not None and "Pool" in case.patient.layers.get(made.path, ("", {}))[0]  # a pool of a fixed window stands there
        yield put(pooled, f"{before[1]}*{side}*{side} = {typed[1]} for every picture", 3.5 if meant else 1.6 if side == 1 else 3.1)
    sizes = corrected_sizes(rest, before)
    if sizes is not None and (refused or rows_changed):
        sizes[0] = f"{it}.size(0)" if refused else sizes[0]
        yield put(f"{ast.unparse(call.func)}({', '.join(sizes)})", "the sizes that arrive", 1.2)
    if refused and case.problem.message and prod(before) and "contiguous" in case.problem.message:
        yield put(f"{it}.reshape({', '.join(map(ast.unparse, rest))})", "reshape copies where the memory lies otherwise", 0.3)
    if not refused and isinstance(case.wanted, int):
        yield from from_another_axis(case, node, call, rest, before)
    if not refused:
        yield put(it, f"without {node.op.rpartition('.')[2]}", 1.0 if moved else 2.7)


def from_another_axis(case: Case, node: Node, call: ast.Call, rest: list, before: tuple) -> Iterator[Offer]:
    """`flatten(1)` for `flatten(2)`: from the axis on that makes what is wanted of it."""
    typed = [k.value for k in call.keywords if k.arg == "start_dim"] or rest[:1]
    for at in typed if len(rest) < 2 and node.op.endswith("flatten") else ():
        for axis in range(1, len(before) - 1):
            steps = axis == 1 or any(n.leaf and n.leaf.ref and n.leaf.ref[0] == "input" for n in leaves(case.trail.size(node.inputs[0], 1)))
            if steps and prod(before[axis:]) == case.wanted and ast.unparse(at) != str(axis):  # channels are laid in the row, steps are not
                new = replaced(call, (at, str(axis)))
                yield line_edit(node.file, node.line, call, new, f"from axis {axis} on there are {case.wanted}", 0.8)


def corrected_sizes(rest: list, before: tuple) -> list[str] | None:
    """`-1, 128, 8, 8` as `-1, 128, 7, 7`: the typed sides of a square map, as large as what arrives; None where that does not come out."""
    typed = [n.value if isinstance(n, ast.Constant) and type(n.value) is int else None for n in rest]
    if len(rest) != 4 or typed[2] is None or typed[2] != typed[3] or typed[1] is None:
        return None
    each = prod(before[1:])
    side = isqrt(each // typed[1]) if typed[1] > 0 else 0
    if side < 1 or typed[1] * side * side != each or side == typed[2]:
        return None
    return [ast.unparse(rest[0]), str(typed[1]), str(side), str(side)]


def square(numbers: int, channels: int) -> int:
    """The side of the square maps that so many channels must have to hold that many numbers; 0 where there is none."""
    side = isqrt(max(numbers, 0) // channels) if channels else 0
    return side if channels * side * side == numbers else 0


def one_size(case: Case, rest: list, before: tuple) -> list[str] | None:
    """`n, length, heads, 64` as `n, length, heads, 32`: the last size is typed, all before it are counted; None where that does not come out."""
    shape = case.reading.numbers.get("shape", []) if case.reading else []
    counted = [n for n in shape[:-1] if n > 0]
    if len(rest) < 3 or len(shape) != len(rest) or len(counted) != len(shape) - 1 or prod(before) % (prod(counted) or 1):
        return None
    fits = prod(before) // prod(counted)
    if not (isinstance(rest[-1], ast.Constant) and rest[-1].value == shape[-1] != fits) or isinstance(rest[-2], ast.Constant):
        return None
    return [*map(ast.unparse, rest[:-1]), str(fits)]


def from_first_axis(case: Case, node, before: tuple, after: tuple) -> Iterator[Offer]:
    """A layer that flattens the batch too: from the second axis on."""
    kind, kept = case.patient.layers.get(node.path, ("", {}))
    start = kept.get("start_dim")
    if start and start > 1 and prod(before[1:]) == case.wanted and kept.get("end_dim") == -1:
        yield Offer((edit(node.path, "start_dim", 1),), 0.28, f"{kind} {node.path}: start_dim = 1: from there on there are {case.wanted}")
    if start == 0 and after[:1] != before[:1]:
        yield Offer((edit(node.path, "start_dim", 1),), 0.5, f"{kind} {node.path}: start_dim = 1: the first axis is the batch")


__all__ = ["offers"]
