"""A size asked of the wrong input in a line of `forward`: a mask made for `src.size(1)` where the places of `tgt` are meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from whyshape.analyses.diagnose.candidates.numbers import pairs
from whyshape.analyses.diagnose.case import Case, Input, Offer
from whyshape.analyses.diagnose.lines import enclosing, expressions, line_edit, replaced

LINES = 24  # the refused one and the last ones that made something: whose functions are read


def offers(case: Case) -> Iterator[Offer]:
    named = {i.name: i for i in case.inputs if i.name}
    ran = list(dict.fromkeys((n.file, n.line) for n in (case.problem, *reversed(case.graph.nodes)) if n.file))[:LINES]
    inside = dict.fromkeys((file, function) for file, line in ran if (function := enclosing(file, line)) is not None)
    for wanted, arrived in pairs(case) if len(named) > 1 else ():
        for file, function in inside:
            for line in range(function.lineno, (function.end_lineno or function.lineno) + 1):
                yield from on_line(file, line, named, wanted, arrived)


def on_line(file: str, line: int, named: dict[str, Input], wanted: int, arrived: int) -> Iterator[Offer]:
    """Every size on a line that is what arrives, asked of another input that has what is wanted there."""
    for whole in expressions(file, line, ast.expr)[-1:]:
        asked = [(n, *at) for n in ast.walk(whole) if isinstance(n, ast.expr) and (at := size_of(n))[0] in named]
        wrong = [(n, name, axis) for n, name, axis in asked if size(named[name], axis) == arrived]
        for other in named.values() if wrong else ():
            if all(size(other, axis) == wanted for _, _, axis in wrong):
                changes = [(n, ast.unparse(n).replace(f"{name}.", f"{other.name}.", 1)) for n, name, _ in wrong]
                says = f"{wanted} as {other.name} has, not {arrived}"
                yield line_edit(file, line, whole, replaced(whole, *changes), says, 0.9)


def size_of(asked: ast.expr) -> tuple[str, int | None]:
    """Of `x.size(1)` and `x.shape[1]`: whose size is asked, and along which axis."""
    if isinstance(asked, ast.Call) and isinstance(asked.func, ast.Attribute) and asked.func.attr == "size" and len(asked.args) == 1:
        on, axis = asked.func.value, asked.args[0]
    elif isinstance(asked, ast.Subscript) and isinstance(asked.value, ast.Attribute) and asked.value.attr == "shape":
        on, axis = asked.value.value, asked.slice
    else:
        return "", None
    try:
        number = ast.literal_eval(axis)
    except ValueError:
        return "", None
    return (on.id, number) if isinstance(on, ast.Name) and type(number) is int else ("", None)


def size(i: Input, axis: int | None) -> int | None:
    """How long an input is along an axis; None where it has no such axis."""
    return i.shape[axis] if axis is not None and -len(i.shape) <= axis < len(i.shape) else None


__all__ = ["offers"]
