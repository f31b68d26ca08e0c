"""Runs held against what a path says of them: where they differ, the model's own code lost where a size came from.

A path's expressions give, at any input that takes the path, every number that is handed to an operator and every size that comes back.
Python can make a number of a size without asking it (``0.5 * h``, ``math.isqrt(h)``): the path then holds the number of its own input.
A run at another input shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whyshape.analyses.paths import Path, at_line
from whyshape.graph import Node, Problem, Run, numbers, resolve
from whyshape.sizes import Size, plain, substitute


class Expected:
    """What a path says of each operator call, to be asked for any input."""

    def __init__(self, path: Path):
        self.path, self.nodes = path, path.graph.nodes
        calls: list[Node | Problem] = [*self.nodes]
        if path.graph.problem is not None and path.graph.problem.kind == "shape":
            calls.append(path.graph.problem)
        told = lambda call: [resolve(n, path.sizes) for n in numbers((call.args, call.kwargs))]
        self.asked = [(call.op, told(call)) for call in calls]
        self.made = [[path.sizes[i] for i in node.outputs] for node in self.nodes]

    def differs(self, at: Mapping[str, int], run: Run) -> str:
        """Where a run at these sizes is not what the path says of it; empty where it is, or where the path says nothing of that input."""
        if run.steps is None:
            return ""
        memo: dict = {}
        value = lambda n: substitute(n, lambda end: _put(end, at), memo) if isinstance(n, Size) else n
        holds = lambda cond: cond.over(value(cond.left), value(cond.right)).holds
        if not all(holds(d.cond) for d in self.path.branches):
            return ""
        steps = run.steps
        refused = next((d.node for d in self.path.needs if not holds(d.cond)), None)
        end = refused.index if isinstance(refused, Node) else len(self.nodes)
        for i, step in enumerate(steps[: end + 1]):
            if i == len(self.asked):
                return self.place(i - 1, "after")
            op, given = self.asked[i]
            if step.op != op or step.numbers != [value(n) for n in given]:
                return self.place(i)
            if i < end and step.shapes is not None and step.shapes != [tuple(map(value, shape)) for shape in self.made[i]]:
                return self.place(i)
        return self.place(len(steps) - 1, "after") if len(steps) < end or (run.ok and len(steps) < len(self.nodes)) else ""

    def place(self, i: int, word: str = "before") -> str:
        """The sentence that names the line."""
        call: Any = self.nodes[i] if 0 <= i < len(self.nodes) else self.path.graph.problem
        where = at_line(call.file, call.line) if call is not None else ""
        what = f"{word} {call.op or 'the end'}{where}" if call is not None else "in the model's own code"
        return f"the model's code makes a plain number of a size {what}, and what follows from it at other sizes is not known"


def _put(end: Size, at: Mapping[str, int]) -> int:
    ref = end.leaf.ref if end.leaf else None
    return at[ref[1]] if ref and ref[0] == "free" else plain(end)


__all__ = ["Expected"]
