"""An axis typed in a line of `forward` that takes the batch away: `mean(0)` for `mean(1)`, `x[-1]` for `x[:, -1]`, `cat` below each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer, edit
from whyshape.analyses.diagnose.lines import atom, call_at, calls, expressions, line_edit, operands, replaced
from whyshape.graph import Node

NEAREST = 8  # calls before the refused one that are looked at


def offers(case: Case) -> Iterator[Offer]:
    if not case.rows:
        return
    for node in reversed(case.trail.upstream[-NEAREST:]):
        ins = [case.graph.tensors[i].shape for i in node.inputs if case.graph.tensors[i].kind in ("activation", "input")]
        after = case.graph.tensors[node.outputs[0]].shape
        if ins and all(shape[:1] == case.rows for shape in ins) and after[:1] != case.rows:
            yield from along_another(case, node, ins, after)
        if len(ins) == 1:
            yield from over_the_features(case, node, ins[0], after)
        for tensor in node.inputs[:1]:
            yield from last_state(case, node, tensor)
    for tensor in case.call_inputs[:1]:
        yield from last_state(case, case.problem, tensor)
    for given in operands(case):
        if is_state(case, given.tensor):
            yield given.instead(
                case, f"{given.text}[-1]", f"the state of the last of the {given.shape[0]}: one row for each of the batch", 0.9
            )


def along_another(case: Case, node: Node, ins: list[tuple], after: tuple) -> Iterator[Offer]:
    """The call that took the rows away: along the next axis instead."""
    rank = len(ins[0])
    if node.rule is not None and node.rule.view and sorted(after) == sorted(ins[0]):
        return  # the rows are laid out otherwise, not taken away
    for call, _, rest in calls(node.file, node.line, node.op):
        typed = [k.value for k in call.keywords if k.arg in ("dim", "axis")] or rest[:2]
        texts = [replaced(call, (t, "1")) for t in typed if isinstance(t, ast.Constant) and t.value == 0 and type(t.value) is int]
        if not typed and len(ins) > 1:
            texts = [f"{ast.unparse(call)[:-1]}, dim=1)"]  # joined along axis 0, where none is typed
        for new in texts:
            yield line_edit(node.file, node.line, call, new, "along axis 1: axis 0 counts the batch", 0.8)
    for index in expressions(node.file, node.line, ast.Subscript) if rank - 1 == len(after) >= 1 and len(ins) == 1 else ():
        at = index.slice
        typed_number = isinstance(at, ast.Constant) or (isinstance(at, ast.UnaryOp) and isinstance(at.operand, ast.Constant))
        if typed_number and isinstance(index.ctx, ast.Load):
            new = f"{ast.unparse(index.value)}[:, {ast.unparse(at)}]"
            step = line_edit(node.file, node.line, index, new, "along axis 1: axis 0 counts the batch", 0.9)
            made = case.trail.producers.get(node.inputs[0])
            if made is None or case.patient.layers.get(made.path, ("", {}))[1].get("batch_first") is not False:
                yield step
            else:  # what went over the batch as if it were time must not
                yield Offer((edit(made.path, "batch_first", True), *step.edits), 1.4, f"{made.path}: batch_first=True, and {step.says}")


def over_the_features(case: Case, node: Node, before: tuple, after: tuple) -> Iterator[Offer]:
    """The mean or sum that took away the very axis that is wanted: over the places or steps instead."""
    for axis in range(1, len(before)):
        if before[axis] != case.wanted or after != before[:axis] + before[axis + 1 :] or len(before) < 3:
            continue
        others = [d for d in range(1, len(before)) if d != axis]
        for call, _, rest in calls(node.file, node.line, node.op):
            typed = [k.value for k in call.keywords if k.arg in ("dim", "axis")] or rest[:1]
            for at in typed:
                if ast.unparse(at) in (str(axis), str(axis - len(before))):
                    new = replaced(call, (at, str(others[0] if len(others) == 1 else tuple(others))))
                    yield line_edit(node.file, node.line, call, new, f"axis {axis} holds the {case.wanted} that are wanted", 0.9)


def is_state(case: Case, tensor: int) -> bool:
    """Whether a tensor is the states a recurrent layer ended with: (layers, batch, features)."""
    made, shape = case.trail.producers.get(tensor), case.graph.tensors[tensor].shape
    if made is None or tensor == made.outputs[0] or len(shape) != 3 or shape[1:2] != case.rows or shape[:1] == case.rows:
        return False
    return "hidden_size" in case.patient.layers.get(made.path, ("", {}))[1]


def last_state(case: Case, node, tensor: int) -> Iterator[Offer]:
    """The states of a recurrent layer, (layers, batch, features), given whole to what reads one row for each of the batch."""
    shape = case.graph.tensors[tensor].shape
    if not is_state(case, tensor):
        return
    for method, on, _ in calls(node.file, node.line, node.op):
        if isinstance(method.func, ast.Attribute) and on is method.func.value:
            new = replaced(method, (on, f"{atom(on)}.transpose(0, 1)"))
            yield line_edit(node.file, node.line, method, new, "the batch in front of the layers", 1.0)
    call = call_at(node)
    if call is not None and isinstance(call.args[0], (ast.Name, ast.Call, ast.Attribute, ast.Subscript)):
        new = replaced(call, (call.args[0], f"{atom(call.args[0])}[-1]"))
        yield line_edit(node.file, node.line, call, new, f"the state of the last of the {shape[0]}: one row for each of the batch", 0.9)


__all__ = ["offers"]
