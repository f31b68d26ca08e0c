"""The chain of sizes behind a mismatch, back to the choices and inputs that caused it."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case
from whyshape.analyses.diagnose.problem import Link
from whyshape.analyses.layers import without_ones
from whyshape.graph import derive
from whyshape.rules import RULES
from whyshape.sizes import Formula, Size, leaves

LONGEST = 12  # steps of a chain that are shown; the middle of a longer one is left out


def because(case: Case) -> tuple[Link, ...]:
    """Each number of the demand that failed, traced back: what arrived first, then what was wanted."""
    derived = derive(case.graph, case.problem) if case.problem.kind == "shape" else None
    failed = [n.cond for n in derived.needs if not n.cond.holds] if derived else []
    if failed:
        sides = sorted((failed[-1].left, failed[-1].right), key=lambda s: all(_knob(at) for at in leaves(s)))
        links = [link for side in sides for link in of_size(case, side)]
    elif derived and RULES[case.problem.op].view and (turned := list(lying(case))):  # all sizes fit: how the numbers lie does not
        links = turned
    else:  # the number of axes, or a check in Python: the shapes themselves
        links = [link for t in case.call_inputs[:2] for link in shape_of(case, t)]
    return tuple(dict.fromkeys(links))


def _knob(at) -> bool:
    return bool(at.leaf and at.leaf.ref and at.leaf.ref[0] == "knob")


def of_size(case: Case, size, place: str = "") -> Iterator[Link]:
    """One side of a demand: its own formula, then each number in it."""
    if not isinstance(size, Size):
        return
    if size.op == "*" and all(_knob(at) for at in leaves(size)):
        counted = [at for at in leaves(size) if int(at) != 1]
        if len(counted) <= 1:  # in_channels * groups with one group: nobody multiplied
            size = (*counted, *leaves(size))[0]
    if size.op != "leaf":
        yield Link(int(size), str(Formula(size)), "calculated", place, f"{int(size)} = {Formula(size)}")
    for at in leaves(size):
        ref = at.leaf.ref if at.leaf else None
        if ref and ref[0] == "axis":
            yield from axis(case, ref[1], ref[2])
        elif ref and ref[0] == "knob":
            yield chosen(case, int(at), ref[2], ref[1])


def chosen(case: Case, value: int, name: str, node: int) -> Link:
    path = case.graph.nodes[node].path if node >= 0 else case.problem.path
    return Link(
        value, name.partition("[")[0], "chosen", path, f"{value} is chosen: {name.partition('[')[0]}{f' of {path}' if path else ''}"
    )


def axis(case: Case, tensor: int, i: int) -> Iterator[Link]:
    """An axis of a tensor: followed through the operators that change it step by step, to a choice, a product or the input."""
    steps: list[tuple[int, str]] = []
    value = int(case.graph.tensors[tensor].shape[i])
    while True:
        t = case.graph.tensors[tensor]
        node = case.trail.producers.get(tensor)
        if node is None:
            where = t.name or t.kind
            if steps:
                yield stepped(value, int(t.shape[i]), steps, where)
            elif t.kind == "input":
                yield Link(value, "", "input", where, f"{value} is axis {i} of the input {where}")
            else:
                yield Link(value, "", "chosen", where, f"{value} is axis {i} of {where}")
            return
        derived = case.trail.derived(node)
        out = node.outputs.index(tensor)
        size = derived.shapes[out][i] if derived is not None and out < len(derived.shapes) and i < len(derived.shapes[out]) else None
        size = without_ones(size)  # out_channels * groups with one group
        name = node.path or node.op.rpartition(".")[2]
        if not isinstance(size, Size):
            yield Link(value, "", "calculated", name, f"{value} is made by {name}")
            return
        axes = [at for at in leaves(size) if at.leaf.ref[0] == "axis" and not _parameter(case, at)]
        if size.op != "leaf" and len(axes) != 1:
            at_end = f", and {value} from it: {arrows(int(size), steps)}" if steps else ""
            yield Link(
                value, str(Formula(size)), "calculated", name, f"{int(size)} = {Formula(size)}{f' in {name}' if node.path else ''}{at_end}"
            )
            for at in axes:
                yield from axis(case, at.leaf.ref[1], at.leaf.ref[2])
            for at in leaves(size):
                if _knob(at):
                    yield chosen(case, int(at), at.leaf.ref[2], at.leaf.ref[1])
            return
        if not axes:
            ref = leaves(size)[0].leaf.ref if leaves(size) else None
            if steps:
                yield stepped(value, int(size), steps, name)
            if ref and ref[0] == "knob":
                yield chosen(case, int(size), ref[2], ref[1])
            elif ref:
                at = case.graph.tensors[ref[1]]
                yield Link(int(size), "", "chosen", at.name or name, f"{int(size)} is axis {ref[2]} of {at.name or name}")
            return
        if size.op != "leaf":
            steps.insert(0, (int(size), name))
        tensor, i = axes[0].leaf.ref[1], axes[0].leaf.ref[2]


def _parameter(case: Case, at) -> bool:
    return case.graph.tensors[at.leaf.ref[1]].kind in ("parameter", "buffer")


def stepped(value: int, start: int, steps: list[tuple[int, str]], where: str) -> Link:
    return Link(
        value,
        " -> ".join(str(n) for n in [start, *[n for n, _ in steps]]),
        "calculated",
        where,
        f"{value} is calculated from the {start} of {where}: {arrows(start, steps)}",
    )


def arrows(start: int, steps: list[tuple[int, str]]) -> str:
    """32 -> 28 (conv_1) -> 14 (pool_1)"""
    if len(steps) > LONGEST:
        steps = [*steps[: LONGEST // 2], (-1, ""), *steps[-LONGEST // 2 :]]
    return " -> ".join([str(start), *[f"{n} ({name})" if n >= 0 else "..." for n, name in steps]])


def lying(case: Case) -> Iterator[Link]:
    """Where the numbers of a view's input were first laid otherwise than row by row."""
    at = case.call_inputs[0] if case.call_inputs else -1
    while at >= 0 and case.graph.tensors[at].strides is not None:
        t, node = case.graph.tensors[at], case.trail.producers.get(at)
        before = [i for i in node.inputs if case.graph.tensors[i].kind in ("activation", "input")] if node else []
        at = next((i for i in before if case.graph.tensors[i].strides is not None), -1)
        if at >= 0:
            continue
        text, name = "x".join(map(str, t.shape)), (node.path or node.op.rpartition(".")[2]) if node else t.name or t.kind
        if node and node.rule is not None and node.rule.view:
            said = f"{name} gives {text} and moves no number: in memory they stay in their old order"
        else:
            last = len(t.shape) in (4, 5) and t.strides is not None and t.strides[1] == 1
            order = "the channels lie last" if last else "the numbers do not lie row by row"
            said = f"{name} {'gives' if node else 'is'} {text}, and in memory {order}"
        yield Link(len(t.shape), text, "calculated" if node else "input", name, said)
        yield Link(len(t.shape), text, "calculated", name, "view moves no number either, so it cannot put these axes together")


def shape_of(case: Case, tensor: int) -> Iterator[Link]:
    """Where a tensor of the wrong number of axes comes from."""
    t = case.graph.tensors[tensor]
    text = "x".join(map(str, t.shape)) or "a single number"
    node = case.trail.producers.get(tensor)
    if node is None:
        by = "input" if t.kind == "input" else "chosen"
        yield Link(len(t.shape), text, by, t.name or t.kind, f"{t.name or t.kind} has shape {text}")
    else:
        name = node.path or node.op.rpartition(".")[2]
        before = ", ".join(
            "x".join(map(str, case.graph.tensors[i].shape))
            for i in node.inputs[:2]
            if case.graph.tensors[i].kind in ("activation", "input")
        )
        yield Link(len(t.shape), text, "calculated", name, f"{name} gives {text}{f' from {before}' if before else ''}")


__all__ = ["because"]
