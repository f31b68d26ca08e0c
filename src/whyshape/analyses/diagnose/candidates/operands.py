"""The line of the operation that refused: its two sides, or the tensors it joins, brought to sizes that meet."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import RESIZE, Operand, calls, expressions, line_edit, operands, replaced


def offers(case: Case) -> Iterator[Offer]:
    given = operands(case)
    yield from one_side(case)
    if len(given) == 2:
        for a, b in ((given[0], given[1]), (given[1], given[0])):
            yield from beside(case, a, b)
    if len(given) >= 2:
        yield from other_axis(case, given)
    if given:
        yield from of_batches(case, given)
        yield from turned(case, given)
        yield from other_letters(case, given)


def one_side(case: Case) -> Iterator[Offer]:
    """`x - f(x)` typed for `x = f(x)`: one side of an operation alone."""
    shapes = [case.graph.tensors[i].shape for i in case.call_inputs]
    if len(shapes) != 2 or len(shapes[0]) == len(shapes[1]):
        return
    for operation in expressions(case.problem.file, case.problem.line, ast.BinOp):
        left, right = ast.unparse(operation.left), ast.unparse(operation.right)
        if isinstance(operation.right, ast.Call) and left in right:
            yield line_edit(case.problem.file, case.problem.line, operation, right, f"{right} alone: a sign typed for =", 1.1)


def beside(case: Case, a: Operand, b: Operand) -> Iterator[Offer]:
    """One tensor made to stand beside the other."""
    if len(a.shape) == len(b.shape):
        differ = [d for d, (n, m) in enumerate(zip(a.shape, b.shape)) if n != m]
        if len(a.shape) >= 3 and a.shape[:1] == b.shape[:1] and (a.shape[1] == b.shape[1] or joins(a)) and not case.multiplies:
            second = case.graph.tensors[a.tensor].kind != "parameter" and a.part is not first(a)
            says = "resize the second to the first" if second else "resize the first to the second"
            yield a.instead(case, f"{RESIZE}({a.text}, size={b.text}.shape[2:])", says, 1.9 + 0.1 * (not second))
        yield from exchanged(case, a, b)
        yield from shortened(case, a, b)
        if joins(a) and len(differ) <= 2 and any(a.shape[d] == 1 < b.shape[d] for d in differ):
            sizes = [f"{b.text}.size({d})" if a.shape[d] == 1 < b.shape[d] else "-1" for d in range(len(a.shape))]
            yield a.instead(case, f"{a.text}.expand({', '.join(sizes)})", f"{a.text} repeated for each of the other", 0.8)
        return
    if not 0 < len(a.shape) < len(b.shape):
        return
    missing = len(b.shape) - len(a.shape)
    if len(a.shape) >= 2 and set(b.shape[len(a.shape) :]) == {1} and not case.multiplies:
        yield b.instead(case, f"{b.text}.flatten({len(a.shape) - 1})", f"{b.text} without its axes of 1", 0.5)
    if missing > 1 and joins(a) and len(a.shape) == 2 and a.shape[0] == b.shape[0]:
        places = ", ".join([":", ":"] + ["None"] * missing)
        yield a.instead(case, f"{a.text}[{places}].expand(-1, -1, *{b.text}.shape[2:])", f"{a.text} at every place of the other", 0.9)
    if missing == 1 and joins(a):
        for d in range(1, len(b.shape)):
            if sum(n != m for n, m in zip(a.shape, b.shape[:d] + b.shape[d + 1 :])) <= 1:
                places = ", ".join(f"{b.text}.size({d})" if i == d else "-1" for i in range(len(b.shape)))
                yield a.instead(case, f"{a.text}.unsqueeze({d}).expand({places})", f"{a.text} at every place of axis {d}", 0.9 + 0.1 * d)
    if a.shape == b.shape[: len(a.shape)] and a.shape != b.shape[-len(a.shape) :]:
        if len(a.shape) == 1 and missing == 1:
            yield a.instead(case, f"{a.text}.unsqueeze(1)", "one number for each row", 1.3)
        else:
            index = ", ".join([":"] * len(a.shape) + ["None"] * missing)
            yield a.instead(case, f"{a.text}[{index}]", "one number for each place of the other", 0.7)
    elif missing == 1 and case.graph.tensors[a.tensor].kind == "activation":
        for d in range(len(b.shape)):
            if all(n == m for i, (n, m) in enumerate(zip((*a.shape[:d], 1, *a.shape[d:]), b.shape)) if i != d):
                yield a.instead(case, f"{a.text}.unsqueeze({d})", "an axis of 1 where the other has one more", 1.4)


def exchanged(case: Case, a: Operand, b: Operand) -> Iterator[Offer]:
    """Two axes of one tensor the other way round, where it then stands beside the other."""
    if case.multiplies:
        return
    for i, j in ((0, 1), (1, 2), (2, 3))[: len(a.shape) - 1]:
        turned = list(a.shape)
        turned[i], turned[j] = turned[j], turned[i]
        unlike = sum(n != m if joins(a) else n != m and 1 not in (n, m) for n, m in zip(turned, b.shape))
        if tuple(turned) != a.shape and unlike <= joins(a) and not crossed(turned, b.shape):
            placed = case.graph.tensors[a.tensor].kind != "input" and 1 in a.shape[i : j + 1]  # an axis of 1 on the wrong side
            says = f"axes {i} and {j} of {a.text} change places"
            yield a.instead(case, f"{a.text}.transpose({i}, {j})", says, (1.0 if placed else 1.5) + 0.1 * i)


def crossed(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether each of the two is repeated along an axis of the other: every number of one then meets every number of the other."""
    sizes = list(zip(a, b))
    return any(n == 1 < m for n, m in sizes) and any(m == 1 < n for n, m in sizes)


def shortened(case: Case, a: Operand, b: Operand) -> Iterator[Offer]:
    """A table of the model's own, a mask or positions, longer than what arrives: as much of it as is needed."""
    behind = {a.tensor, *(i for n in case.trail.before([a.tensor]) for i in n.inputs)}
    kinds, longer = {case.graph.tensors[i].kind for i in behind}, [d for d, (n, m) in enumerate(zip(a.shape, b.shape)) if n > m > 1]
    if "input" in kinds or not longer or any(n != m for n, m in zip(a.shape, b.shape) if n <= m and n > 1):
        return
    cut = ", ".join(f":{b.text}.size({d})" if d in longer else ":" for d in range(longer[-1] + 1))
    counted = (
        "parameter" not in kinds or case.inputs[0].whole
    )  # places in a row, or what nobody learned; the table of a picture has two sides
    yield a.instead(case, f"{a.text}[{cut}]", f"as much of {a.text} as {b.text} is long", 0.9 if counted else 2.6)


def first(a: Operand) -> ast.expr:
    """The first operand of the operation."""
    if isinstance(a.whole, ast.BinOp):
        return a.whole.left
    held = a.whole.args[0] if isinstance(a.whole, ast.Call) and a.whole.args else a.whole
    return held.elts[0] if isinstance(held, (ast.List, ast.Tuple)) and held.elts else held


def joins(a: Operand) -> bool:
    """Whether the operation is given a list of tensors, to be laid side by side."""
    return isinstance(a.whole, ast.Call) and any(isinstance(arg, (ast.List, ast.Tuple)) and a.part in arg.elts for arg in a.whole.args)


def other_axis(case: Case, given: list[Operand]) -> Iterator[Offer]:
    """Tensors joined along one axis that differ along another alone: joined along that one."""
    shapes = [g.shape for g in given]
    if not joins(given[0]) or len({len(s) for s in shapes}) != 1:
        return
    differ = [d for d in range(len(shapes[0])) if len({s[d] for s in shapes}) > 1]
    if len(differ) != 1:
        return
    for call, _, rest in calls(case.problem.file, case.problem.line, case.problem.op):
        typed = rest[0] if rest else next((k.value for k in call.keywords if k.arg in ("dim", "axis")), None)
        says = f"the rest is alike: joined along axis {differ[0]}"
        new = replaced(call, (typed, str(differ[0]))) if typed is not None else f"{ast.unparse(call)[:-1]}, dim={differ[0]})"
        yield line_edit(case.problem.file, case.problem.line, call, new, says, 0.9 if differ[0] else 2.4)


def of_batches(case: Case, given: list[Operand]) -> Iterator[Offer]:
    """A product of two matrices asked for where one of the two is a batch of them."""
    ranks = {len(g.shape) for g in given}
    if not case.multiplies or len(given) != 2 or case.wanted not in (2, 3) or case.arrived not in ranks - {case.wanted}:
        return
    a, b = given
    says = "matmul multiplies batches of matrices too"
    yield line_edit(case.problem.file, case.problem.line, a.whole, f"torch.matmul({ast.unparse(a.part)}, {ast.unparse(b.part)})", says, 1.2)


def turned(case: Case, given: list[Operand]) -> Iterator[Offer]:
    """A product of matrices, one of them the wrong way round."""
    if not case.multiplies or len(given) < 2 or min(len(g.shape) for g in given[:2]) < 2:
        return
    a, b = given[:2]
    weight = case.weight is not None and case.graph.tensors[b.tensor].kind == "parameter"  # linear reads its weight as (out, in)
    sides = [(b, (b.shape[-2] if weight else b.shape[-1]) == a.shape[-1]), (a, a.shape[-2] == b.shape[-1 if weight else -2])]
    if not weight and b.shape[-1] == a.shape[-2]:
        text = replaced(a.whole, (a.part, b.text), (b.part, a.text))
        yield line_edit(case.problem.file, case.problem.line, a.whole, text, "the two sides change places", 1.0)
    for i, (side, meets) in enumerate(sides):
        if meets:
            source = 0.9 * (case.graph.tensors[side.tensor].kind == "input")  # the inputs' own axes are changed where they come in
            yield side.instead(case, f"{side.text}.transpose(-2, -1)", "rows and columns change places", 0.9 + 0.2 * i + source)


def other_letters(case: Case, given: list[Operand]) -> Iterator[Offer]:
    """An equation of letters that names an axis more than the tensors have, or one less: a letter all of them share goes, or comes."""
    call = given[0].whole
    if not (isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)):
        return
    terms, arrow, result = call.args[0].value.replace(" ", "").partition("->")
    names = terms.split(",")
    if len(names) != len(given) or not call.args[0].value.replace(" ", "").replace(",", "").replace("->", "").isalpha():
        return
    if all(len(n) == len(g.shape) - 1 for n, g in zip(names, given)):
        letter = next(letter for letter in "hgabcdefijklmnopqrstuvwxyz" if letter not in terms + result)
        for at in (1, 0):
            new = ",".join(n[:at] + letter + n[at:] for n in names) + arrow + (result and result[:at] + letter + result[at:])
            text = replaced(call, (call.args[0], repr(new)))
            says = f"every tensor has an axis more: {letter}"
            yield line_edit(case.problem.file, case.problem.line, call, text, says, 0.8 + 0.4 * (at == 0))
    if any(len(n) != len(g.shape) + 1 for n, g in zip(names, given)):
        return
    for i, letter in enumerate(n for n in names[0] if all(n in other for other in names)):
        new = ",".join(n.replace(letter, "") for n in names) + arrow + result.replace(letter, "")
        text = replaced(call, (call.args[0], repr(new)))
        yield line_edit(case.problem.file, case.problem.line, call, text, f"no axis {letter} arrives", 0.6 + 0.4 * (i == 0))


__all__ = ["offers"]
