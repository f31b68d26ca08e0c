"""Tensors that the model's own code makes, as states of zeros: a size typed there that is not what the layer wants."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import calls, expressions, line_edit, replaced


def offers(case: Case) -> Iterator[Offer]:
    wanted, arrived = case.wanted, case.arrived
    if not (isinstance(wanted, (list, tuple)) and isinstance(arrived, (list, tuple)) and len(wanted) == len(arrived)):
        return
    differ = [d for d in range(len(wanted)) if wanted[d] != arrived[d]]
    if len(differ) == 1:
        yield from typed(case, differ[0], wanted[differ[0]], tuple(arrived))


def typed(case: Case, axis: int, wanted: int, arrived: tuple) -> Iterator[Offer]:
    """The number on that axis, where the tensor was made: the batch as it is, or what the layer wants."""
    rows = case.inputs[0].name if case.inputs and case.rows == (wanted,) else ""
    for node in case.trail.upstream:
        if node.inputs or case.graph.tensors[node.outputs[0]].shape != arrived:
            continue
        made_alike: dict[str, list[ast.expr]] = {}  # by the call they stand in: two states are often made alike, in one line
        for call, first, rest in calls(node.file, node.line, node.op):
            sizes = first.elts if isinstance(first, (ast.Tuple, ast.List)) else [first, *rest]
            if axis < len(sizes):
                made_alike.setdefault(ast.unparse(call), []).append(sizes[axis])
        for alike in made_alike.values():
            whole = expressions(node.file, node.line, ast.expr)[-1]
            new = replaced(whole, *((size, f"{rows}.size(0)" if rows else str(wanted)) for size in alike))
            yield line_edit(node.file, node.line, whole, new, f"{wanted} on axis {axis}, not {arrived[axis]}", 0.8 if rows else 1.2)


__all__ = ["offers"]
