"""The call of a loss in the model's own code: the output and the target put in the order and form it wants."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import RESIZE, atom, expressions, line_edit


def offers(case: Case) -> Iterator[Offer]:
    call = call_of_loss(case)
    if call is None or len(case.call_inputs) < 2:
        return
    first, second = (case.graph.tensors[i] for i in case.call_inputs[:2])
    out, target = first.shape, second.shape
    a, b = map(atom, call.args[:2])
    rest = [ast.unparse(e) for e in (*call.args[2:], *call.keywords)]

    def given(x: str, y: str, says: str, cost: float) -> Offer:
        new = f"{ast.unparse(call.func)}({', '.join([x, y, *rest])})"
        return line_edit(case.problem.file, case.problem.line, call, new, says, cost)

    if first.dtype.startswith("int") and not second.dtype.startswith("int"):
        yield given(b, a, "the output comes first, the target second", 0.3)
    if len(out) == 3 and target == out[:2]:
        yield given(f"{a}.transpose(1, 2)", b, "the classes belong on axis 1", 0.8)
        yield given(f"{a}.flatten(0, 1)", f"{b}.flatten()", "every place is one case", 1.0)
    if len(out) == 4 and target == out[:3]:
        yield given(f"{a}.permute(0, 3, 1, 2)", b, "the classes belong on axis 1", 0.8)
    if out != target and len(out) != len(target) and out[:1] == target[:1] and prod(out) == prod(target):
        yield given(f"{a}.reshape({b}.shape)", b, "the output laid out as the target is", 1.0)
    elif [n for n in out if n != 1] == [n for n in target if n != 1] and out != target:
        yield given(f"{a}.reshape({b}.shape)", b, "the output without its axes of 1", 1.0)
    if len(out) in (3, 5) and len(target) == len(out) and out[:2] == target[:2] and out != target:
        yield given(f"{RESIZE}({a}, size={b}.shape[2:])", b, "the output as large as the target", 1.8)
    if len(out) == 4 and len(target) in (3, 4) and out[0] == target[0] and out[2:] != target[-2:]:
        yield given(f"{RESIZE}({a}, size={b}.shape[-2:])", b, "the output as large as the target", 1.0 if len(target) == 3 else 1.4)
    if len(out) == len(target) + 1:
        for dim in range(1, len(out)):
            if out[dim] == 1 and out[:dim] + out[dim + 1 :] == target:
                yield given(f"{a}.squeeze({dim})", b, "the output without its axis of 1", 0.9)
    if len(out) == 3 and len(target) == 1 and out[0] == target[0]:
        yield given(f"{a}[:, -1]", b, "the last step only", 1.5)
    if len(out) == 3 and len(target) == 1 and out[0] * out[1] == target[0]:
        yield given(f"{a}.flatten(0, 1)", b, "every place is one case", 0.8)
    if len(target) == 2 and out[:1] != target[:1] and len(out) == 2 and target[0] * target[1] == out[0]:
        yield given(a, f"{b}.flatten()", "every place is one case", 0.8)
    if len(out) == 3 and out[:1] == case.rows and len(target) < 3:
        yield given(f"{a}.transpose(0, 1)", b, "the first two axes of the output change places", 1.6)


def call_of_loss(case: Case) -> ast.Call | None:
    """The call that refused, by the name of its layer or of its operator."""
    op = case.problem.op.rpartition(".")[2]
    names = {case.problem.path.rpartition(".")[2], op} - {""}
    for call in expressions(case.problem.file, case.problem.line, ast.Call):
        f = call.func
        name = f.attr if isinstance(f, ast.Attribute) else f.id if isinstance(f, ast.Name) else ""
        if name in names and len(call.args) >= 2:
            return call
    return None


__all__ = ["offers"]
