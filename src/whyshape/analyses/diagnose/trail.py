"""Where a size comes from: every size up to a refused call as an expression over what somebody chose and what went in.

Each node's rule is asked for its local formula (`derive`), and the axes in it are replaced by the formulas of the tensors
they belong to. The expression then rests on leaves only: constructor arguments, parameters' axes, axes of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from whyshape.graph import Graph, Node, derive, resolve
from whyshape.sizes import INPUT, Cond, Size, leaf, leaves
from whyshape.sizes.expr import RELATIONS
from whyshape.sizes.formula import APPLY


class Knob(NamedTuple):
    """A number somebody chose that a size rests on: an argument of a layer, or one axis of a parameter."""

    path: str  # the layer's, or the parameter's own
    attr: str  # the argument's name; "" for an axis of a parameter
    leaves: tuple[Size, ...]  # one for each place: kernel_size has two
    nodes: tuple[int, ...]  # the calls it took part in, -1 for the refused one

    @property
    def value(self) -> int:
        return int(self.leaves[0])


class Trail:
    """The expressions of all sizes a refused call depends on."""

    def __init__(self, graph: Graph, given: list[int]):
        self.graph, self.given = graph, given
        self.producers = graph.producers()
        self.sizes: list[tuple[int, ...]] = [t.shape for t in graph.tensors]
        for place, index in enumerate(graph.inputs):
            t = graph.tensors[index]
            self.sizes[index] = tuple(leaf(n, f"axis {i} of {t.name}", INPUT, ("input", place, i)) for i, n in enumerate(t.shape))
        for node in self.upstream:
            self.put_in(node)

    @cached_property
    def upstream(self) -> list[Node]:
        """The calls the refused one depends on, in the order they ran."""
        problem = self.graph.problem
        return self.before([*self.given, *(references((problem.args, problem.kwargs)) if problem else ())])

    def before(self, tensors: Iterable[int]) -> list[Node]:
        """The calls these tensors depend on, in the order they ran."""
        found: dict[int, Node] = {}
        todo = list(tensors)
        while todo:
            node = self.producers.get(todo.pop())
            if node is not None and node.index not in found:
                found[node.index] = node
                todo.extend(node.inputs)
        return [found[i] for i in sorted(found)]

    def put_in(self, node: Node) -> None:
        derived = derive(self.graph, node)
        if derived is None or derived.refusal is not None:
            return
        for index, shape in zip(node.outputs, derived.shapes):
            if tuple(map(int, shape)) == self.graph.tensors[index].shape:
                self.sizes[index] = tuple(resolve(n, self.sizes) for n in shape)

    @cached_property
    def demand(self) -> Cond | None:
        """The demand that was not met, over the leaves of the whole trail; None where a rule did not state it as a comparison."""
        problem = self.graph.problem
        derived = derive(self.graph, problem) if problem.kind == "shape" else None
        if derived is None or derived.refusal is None:
            return None
        failed = [n.cond for n in derived.needs if not n.cond.holds]
        if not failed:
            return None
        cond = failed[-1]
        return Cond(cond.relation, resolve(cond.left, self.sizes), resolve(cond.right, self.sizes))

    def knobs(self, *sizes: int) -> list[Knob]:
        """The chosen numbers these sizes rest on, the last ones before the refused call first."""
        groups: dict[tuple[str, str], list[Size]] = {}
        nodes: dict[tuple[str, str], set[int]] = {}
        for size in sizes:
            for at in leaves(size):
                key, node = self.owner(at)
                if key is not None:
                    groups.setdefault(key, []).append(at)
                    nodes.setdefault(key, set()).add(node)
        found = [Knob(path, attr, tuple(group), tuple(sorted(nodes[path, attr]))) for (path, attr), group in groups.items()]
        return sorted(found, key=lambda k: -max((n if n >= 0 else len(self.graph.nodes)) for n in k.nodes))

    def owner(self, at: Size) -> tuple[tuple[str, str] | None, int]:
        ref = at.leaf.ref if at.leaf else None
        if not ref:
            return None, -1
        if ref[0] == "knob":
            path = self.graph.nodes[ref[1]].path if ref[1] >= 0 else self.graph.problem.path
            return (path, ref[2].partition("[")[0]), ref[1]
        if ref[0] == "axis" and self.graph.tensors[ref[1]].kind in ("parameter", "buffer") and self.graph.tensors[ref[1]].name:
            return (self.graph.tensors[ref[1]].name, f"[{ref[2]}]"), -1
        return None, -1


def references(value) -> Iterator[int]:
    """The tensors that arguments name, in order."""
    if type(value).__name__ == "Ref":
        yield value.tensor
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from references(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from references(v)


class Compiled:
    """A demand that is evaluated again and again with other numbers on its leaves."""

    def __init__(self, cond: Cond):
        self.relation = RELATIONS[cond.relation]
        self.steps: list[tuple[Callable | None, tuple, int]] = []
        self.places: dict[int, int] = {}
        self.kept = cond  # ids are only names while the sizes live
        self.left, self.right = self.place(cond.left), self.place(cond.right)

    def place(self, size) -> int:
        if not isinstance(size, Size):
            self.steps.append((None, (), size))
            return len(self.steps) - 1
        stack = [size]
        while stack:
            top = stack[-1]
            if id(top) in self.places:
                stack.pop()
                continue
            todo = [a for a in top.args if isinstance(a, Size) and id(a) not in self.places]
            if todo:
                stack.extend(todo)
                continue
            if top.op == "leaf":
                self.steps.append((None, (), int(top)))
            else:
                parts = tuple((True, self.places[id(a)]) if isinstance(a, Size) else (False, a) for a in top.args)
                self.steps.append((APPLY[top.op], parts, 0))
            self.places[id(top)] = len(self.steps) - 1
            stack.pop()
        return self.places[id(size)]

    def sides(self, put: dict[int, int]) -> tuple[int, int] | None:
        """Both sides with these numbers on the leaves (by `id`); None where a size is not defined."""
        found: list = []
        instead = {self.places[i]: v for i, v in put.items() if i in self.places}
        try:
            for i, (apply, parts, value) in enumerate(self.steps):
                if apply is None:
                    found.append(instead.get(i, value))
                else:
                    found.append(apply(*[found[p] if is_place else p for is_place, p in parts]))
        except ZeroDivisionError:
            return None
        return found[self.left], found[self.right]

    def holds(self, put: dict[int, int]) -> bool:
        sides = self.sides(put)
        return sides is not None and self.relation(*sides)


__all__ = ["Compiled", "Knob", "Trail", "references"]
