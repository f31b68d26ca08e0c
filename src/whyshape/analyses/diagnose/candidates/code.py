"""Edits of the model's own lines: a `view` that mixes images, a `squeeze` that loses the batch, an axis order, a skip of another size."""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Iterator
from functools import partial

from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.trail import references
from whyshape.graph import Node
from whyshape.rules import RULES

RESIZE = "torch.nn.functional.interpolate"


def offers(case: Case) -> Iterator[Offer]:
    yield from relaid(case)
    yield from both_sides(case)
    yield from products(case)
    yield from skips(case)
    yield from around_layer(case)
    yield from loss_call(case)
    yield from picked(case)


def line_edit(file: str, line: int, old: ast.expr, new: str, says: str, cost: float) -> Offer:
    """Replace one expression on a line; the fix shows the corrected line."""
    corrected = shown(file, old, new)
    edit = {"forward": f"{says}: {corrected}", "at": f"{file}:{line}", "old": ast.unparse(old), "new": new}
    return Offer((edit,), cost, f"{os.path.basename(file)}:{line}: {corrected}")


def shown(file: str, old: ast.expr, new: str) -> str:
    """The source line with the expression replaced."""
    source = linecache.getline(file, old.lineno)
    if old.end_lineno != old.lineno or not source.isascii():
        return new
    return (source[: old.col_offset] + new + source[old.end_col_offset :]).strip()


def expressions(file: str, line: int, kind) -> list:
    """The expressions of a kind that stand on that line, the innermost first."""
    text = "".join(linecache.getlines(file)) if file and os.path.isfile(file) else ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = [n for n in ast.walk(tree) if isinstance(n, kind) and n.lineno <= line <= (n.end_lineno or n.lineno)]
    return sorted(found, key=lambda n: len(ast.unparse(n)))


def calls(file: str, line: int, op: str) -> list[tuple[ast.Call, ast.expr, list[ast.expr]]]:
    """The calls of an operator on a line: the call, what it is applied to, its other arguments."""
    name = op.rpartition(".")[2]
    found = []
    for call in expressions(file, line, ast.Call):
        f = call.func
        if isinstance(f, ast.Attribute) and f.attr == name:
            if isinstance(f.value, ast.Name) and f.value.id in ("torch", "F", "functional") and call.args:
                found.append((call, call.args[0], call.args[1:]))
            else:
                found.append((call, f.value, call.args))
    return found


def relaid(case: Case) -> Iterator[Offer]:
    """Views, squeezes and transposes on the way: left out, or laid out image by image."""
    nodes: list = [n for n in reversed(case.trail.upstream) if n.rule is not None and n.rule.view][:6]
    if case.problem.file and (case.problem.args or case.problem.kwargs):
        nodes.insert(0, case.problem)
    for node in nodes:
        ins = [case.graph.tensors[i].shape for i in (node.inputs if isinstance(node, Node) else case.call_inputs)]
        outs = case.graph.tensors[node.outputs[0]].shape if isinstance(node, Node) else ()
        before = ins[0] if ins else ()
        moved = len(outs) == len(before) and sorted(outs) == sorted(before) and outs != before
        for call, on, rest in calls(node.file, node.line, node.op):
            it = ast.unparse(on)
            rows_changed = bool(before) and outs[:1] != before[:1]
            lost = rows_changed and len(outs) < len(before)
            if len(before) >= 2 and (rows_changed or node is case.problem) and not moved:
                known = [n for n in rest if not (isinstance(n, ast.UnaryOp) or (isinstance(n, ast.Constant) and n.value == -1))]
                if node is not case.problem or (rest and len(known) < len(rest)):
                    cost = 0.7 if rows_changed else 1.6
                    says = (
                        "squeeze removes the batch axis too when it is 1"
                        if lost and not rest
                        else "keep the rows, one for each of the batch"
                    )
                    yield line_edit(node.file, node.line, call, f"{it}.flatten(1)", says, cost)
            if node is case.problem:
                continue
            yield line_edit(node.file, node.line, call, it, f"without {node.op.rpartition('.')[2]}", 1.0 if moved else 2.7)


def both_sides(case: Case) -> Iterator[Offer]:
    """`x - f(x)` typed for `x = f(x)`: one side of an operation alone."""
    if len(case.call_inputs) != 2:
        return
    shapes = [case.graph.tensors[i].shape for i in case.call_inputs]
    for operation in expressions(case.problem.file, case.problem.line, ast.BinOp):
        left, right = ast.unparse(operation.left), ast.unparse(operation.right)
        if isinstance(operation.right, ast.Call) and left in right and len(shapes[0]) != len(shapes[1]):
            yield line_edit(case.problem.file, case.problem.line, operation, right, f"{right} alone: a sign typed for =", 1.1)
        if isinstance(operation.op, ast.MatMult):
            continue
        if len(shapes[0]) == len(shapes[1]) >= 3 and shapes[0][:2] == shapes[1][:2]:
            axes = ".shape[2:]"
            yield line_edit(
                case.problem.file,
                case.problem.line,
                operation.right,
                f"{RESIZE}({right}, size={left}{axes})",
                "resize the second to the first",
                1.9,
            )
            yield line_edit(
                case.problem.file,
                case.problem.line,
                operation.left,
                f"{RESIZE}({left}, size={right}{axes})",
                "resize the first to the second",
                2.0,
            )
        if len(shapes[0]) == 2 and len(shapes[1]) == 1 and shapes[0][0] == shapes[1][0]:
            yield line_edit(
                case.problem.file, case.problem.line, operation.right, f"({right}).unsqueeze(1)", "one number for each row", 1.3
            )


def products(case: Case) -> Iterator[Offer]:
    """A product of matrices, one of them the wrong way round."""
    rule = RULES.get(case.problem.op)
    shapes = [case.graph.tensors[i].shape for i in references((case.problem.args, case.problem.kwargs))]
    if rule is None or "product" not in rule.title or len(shapes) != 2 or min(map(len, shapes)) < 2:
        return
    a, b = shapes
    sides: list[tuple[ast.expr, bool]] = []
    for operation in expressions(case.problem.file, case.problem.line, ast.BinOp):
        if isinstance(operation.op, ast.MatMult):
            sides += [(operation.right, b[-1] == a[-1]), (operation.left, a[-2] == b[-2])]
    for _, first, rest in calls(case.problem.file, case.problem.line, case.problem.op):
        sides += [(e, m) for e, m in ((rest[0] if rest else None, b[-1] == a[-1]), (first, a[-2] == b[-2])) if e is not None]
    for i, (side, meets) in enumerate(sides):
        if meets:
            text = ast.unparse(side)
            text = f"({text})" if isinstance(side, ast.BinOp) else text
            yield line_edit(
                case.problem.file, case.problem.line, side, f"{text}.transpose(-2, -1)", "rows and columns change places", 0.9 + 0.2 * i
            )


def skips(case: Case) -> Iterator[Offer]:
    """A concatenation of maps of different sizes: one resized or cut to the other."""
    shapes = [case.graph.tensors[i].shape for i in case.call_inputs]
    if len(shapes) < 2 or len({len(s) for s in shapes}) != 1 or len(shapes[0]) < 3:
        return
    for _, first, _ in calls(case.problem.file, case.problem.line, case.problem.op):
        if not isinstance(first, (ast.List, ast.Tuple)) or len(first.elts) != len(shapes):
            continue
        texts = [ast.unparse(e) for e in first.elts]
        for i, j in ((0, 1), (1, 0)):
            new = list(texts)
            new[i] = f"{RESIZE}({texts[i]}, size={texts[j]}.shape[2:])"
            says = f"resize {texts[i]} to {texts[j]}"
            yield line_edit(case.problem.file, case.problem.line, first, f"[{', '.join(new)}]", says, 1.9 + 0.1 * i)


def around_layer(case: Case) -> Iterator[Offer]:
    """The call of a layer, its input's axes put in the order it wants."""
    wanted, x, name = case.wanted, case.x, case.problem.path.rpartition(".")[2]
    if isinstance(wanted, list):
        wanted = wanted[-1] if wanted else None
    names = {p for p in case.problem.path.split(".") if p}
    for call in expressions(case.problem.file, case.problem.line, ast.Call):
        f = call.func
        if not ((isinstance(f, ast.Attribute) and f.attr in names) or isinstance(f, ast.Subscript)) or len(call.args) != 1:
            continue
        it, layer = ast.unparse(call.args[0]), ast.unparse(f)
        whole = "in_features" not in case.layer[1] and "in_channels" not in case.layer[1]
        if len(x) == 4 and x[1] == wanted and x[-1] != wanted:
            new = f"{layer}({it}.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)"
            yield line_edit(case.problem.file, case.problem.line, call, new, f"the {wanted} channels last for {name}", 0.9)
        if len(x) == 3:
            at = [i for i, n in enumerate(x) if n == wanted]
            if (1 in at and x[-1] != wanted) or (2 in at and x[1] != wanted):
                back = ".transpose(1, 2)" if whole else ""
                yield line_edit(
                    case.problem.file,
                    case.problem.line,
                    call,
                    f"{layer}({it}.transpose(1, 2)){back}",
                    f"axis {at[-1]} holds the {wanted} that {name} wants",
                    1.0,
                )
        if len(x) == 4 and x[-1] == wanted and x[1] != wanted and "in_channels" in case.layer[1]:
            yield line_edit(
                case.problem.file, case.problem.line, call, f"{layer}({it}.permute(0, 3, 1, 2))", f"channels in front for {name}", 1.0
            )
        return


def loss_call(case: Case) -> Iterator[Offer]:
    """The call of a loss, what it is given put in the order it wants."""
    if len(case.call_inputs) < 2:
        return
    out, target = (case.graph.tensors[i].shape for i in case.call_inputs[:2])
    leaf = case.problem.path.rpartition(".")[2]
    for call in expressions(case.problem.file, case.problem.line, ast.Call):
        f = call.func
        named = (isinstance(f, ast.Attribute) and f.attr in (leaf, case.problem.op.rpartition(".")[2])) or (
            isinstance(f, ast.Name) and f.id == case.problem.op.rpartition(".")[2]
        )
        if not named or len(call.args) < 2:
            continue
        a, b = (ast.unparse(e) for e in call.args[:2])
        rest = "".join(f", {ast.unparse(e)}" for e in call.args[2:]) + "".join(f", {ast.unparse(k)}" for k in call.keywords)
        make = partial(given_to, case, call, rest)
        if len(out) == 3 and target == out[:2]:
            yield make(f"{a}.transpose(1, 2)", b, "the classes belong on axis 1", 0.8)
            yield make(f"{a}.flatten(0, 1)", f"{b}.flatten()", "every place is one case", 1.0)
        if len(out) == 4 and target == out[:3]:
            yield make(f"{a}.permute(0, 3, 1, 2)", b, "the classes belong on axis 1", 0.8)
        if [n for n in out if n != 1] == [n for n in target if n != 1] and out != target:
            yield make(f"{a}.reshape({b}.shape)", b, "the output without its axes of 1", 1.0)
        if len(out) == 4 and len(target) == 3 and out[0] == target[0] and out[2:] != target[1:]:
            yield make(f"{RESIZE}({a}, size={b}.shape[1:])", b, "the output as large as the target", 1.0)
        if len(out) == len(target) + 1:
            for dim in range(1, len(out)):
                if out[dim] == 1 and out[:dim] + out[dim + 1 :] == target:
                    yield make(f"{a}.squeeze({dim})", b, "the output without its axis of 1", 0.9)
        if len(out) == 3 and len(target) == 1 and out[0] == target[0]:
            yield make(f"{a}[:, -1]", b, "the last step only", 1.5)
        if len(out) == 3 and len(target) == 1 and out[0] * out[1] == target[0]:
            yield make(f"{a}.flatten(0, 1)", b, "every place is one case", 0.8)
        if len(target) == 2 and out[:1] != target[:1] and len(out) == 2 and target[0] * target[1] == out[0]:
            yield make(a, f"{b}.flatten()", "every place is one case", 0.8)
        return


def given_to(case: Case, call: ast.Call, rest: str, x: str, y: str, says: str, cost: float) -> Offer:
    """The loss called with another output and target."""
    return line_edit(case.problem.file, case.problem.line, call, f"{ast.unparse(call.func)}({x}, {y}{rest})", says, cost)


def picked(case: Case) -> Iterator[Offer]:
    """A layer that gives several things, used as if it gave one."""
    if "tuple" not in case.problem.message or case.problem.kind != "other":
        return
    for call in expressions(case.problem.file, case.problem.line, ast.Call):
        for argument in call.args:
            if isinstance(argument, (ast.Name, ast.Call)):
                yield line_edit(
                    case.problem.file, case.problem.line, argument, f"{ast.unparse(argument)}[0]", "the first of what the layer gives", 0.8
                )


__all__ = ["offers"]
