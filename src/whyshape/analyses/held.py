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
from whyshape.sizes import Size, plain
from whyshape.sizes.expr import RELATIONS
from whyshape.sizes.formula import APPLY


class Expected:
    """What a path says of each operator call, to be asked for any input."""

    def __init__(self, path: Path):
        self.path, self.nodes = path, path.graph.nodes
        calls: list[Node | Problem] = [*self.nodes]
        if path.graph.problem is not None and path.graph.problem.kind == "shape":
            calls.append(path.graph.problem)
        self.tape = Tape()
        size = self.tape.place
        self.asked = [(call.op, [size(resolve(n, path.sizes)) for n in numbers((call.args, call.kwargs))]) for call in calls]
        self.made = [[tuple(map(size, path.sizes[i])) for i in node.outputs] for node in self.nodes]
        held = lambda d: (RELATIONS[d.cond.relation], size(d.cond.left), size(d.cond.right))
        self.branches = [held(d) for d in path.branches]
        self.needs = [(held(d), d.node) for d in path.needs]

    def differs(self, at: Mapping[str, int], run: Run) -> str:
        """Where a run at these sizes is not what the path says of it; empty where it is, or where the path says nothing of that input."""
        if run.steps is None:
            return ""
        value = self.tape.values(at).__getitem__
        holds = lambda cond: None not in (sides := [value(i) for i in cond[1:]]) and cond[0](*sides)
        if not all(map(holds, self.branches)):
            return ""
        steps = run.steps
        refused = next((node for cond, node in self.needs if not holds(cond)), None)
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


class Tape:
    """Sizes written down as steps, each once, to be computed for one input after another.

    >>> from whyshape.sizes import leaf
    >>> tape, h = Tape(), leaf(28, "H", "input", ("free", "H"))
    >>> half = tape.place(h // 2)
    >>> tape.values({"H": 9})[half]
    4
    """

    def __init__(self) -> None:
        self.steps: list[tuple[Any, Any]] = []  # (None, a number), (None, a letter), (operation, places)
        self.places: dict[Any, int] = {}
        self.held: list[Size] = []  # so that no id is used again

    def place(self, size) -> int:
        """Where the size's value will stand."""
        if not isinstance(size, Size):
            return self._write((float, size) if isinstance(size, float) else size, None, size)
        stack = [size]
        while stack:  # expressions of deep networks are deeper than Python's recursion
            top = stack[-1]
            todo = [a for a in top.args if isinstance(a, Size) and ("", id(a)) not in self.places]
            if todo:
                stack += todo
                continue
            stack.pop()
            if ("", id(top)) not in self.places:
                self.held.append(top)
                self.places["", id(top)] = self._leaf(top) if top.op == "leaf" else self._made(top)
        return self.places["", id(size)]

    def values(self, at: Mapping[str, int]) -> list:
        """The values of all places where the letters have these sizes; None where they have none: no path leads there."""
        found: list = []
        for act, what in self.steps:
            if act is None:
                found.append(at[what] if type(what) is str else what)
                continue
            try:
                found.append(act(*[found[i] for i in what]))
            except (ZeroDivisionError, TypeError):  # a division by zero, or what is made of one
                found.append(None)
        return found

    def _leaf(self, size: Size) -> int:
        ref = size.leaf.ref if size.leaf else None
        return self._write(ref[1], None, ref[1]) if ref and ref[0] == "free" else self.place(plain(size))

    def _made(self, size: Size) -> int:
        places = tuple([self.places["", id(a)] if isinstance(a, Size) else self.place(a) for a in size.args])
        return self._write((size.op, places), APPLY[size.op], places)

    def _write(self, key, act, what) -> int:
        known = self.places.get(key)
        if known is None:
            known = self.places[key] = len(self.steps)
            self.steps.append((act, what))
        return known


__all__ = ["Expected", "Tape"]
