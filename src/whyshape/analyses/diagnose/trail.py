"""Where a size comes from: every size up to a refused call as an expression over what somebody chose and what went in.

Each node's rule is asked for its local formula (`derive`), and the axes in it are replaced by the formulas of the tensors
they belong to. The expression then rests on leaves only: constructor arguments, parameters' axes, axes of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from whyshape.graph import Derived, Graph, Node, derive, resolve
from whyshape.sizes import CHOSEN, INPUT, Cond, Size, ceil_div, leaf, leaves, scaled
from whyshape.sizes.expr import RELATIONS


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

    def __init__(self, graph: Graph, given: list[int], before: Trail | None = None):
        self.graph, self.given = graph, given
        self.producers = graph.producers()
        self.known: dict[tuple[int, int], int] = {}  # (tensor, axis) -> its size over the leaves
        self.asked: dict[int, Derived | None] = {}  # node -> its own formulas
        self.inputs = {index: place for place, index in enumerate(graph.inputs)}
        if before is not None:
            self.take_over(before)

    def take_over(self, before: Trail) -> None:
        """What was found on the trail of another run, as far as the two runs are one and the same."""
        old, new = before.graph, self.graph
        if [old.tensors[i] for i in old.inputs] != [new.tensors[i] for i in new.inputs]:
            return
        shared = set(new.inputs)
        for a, b in zip(old.nodes, new.nodes):
            touched = (*b.inputs, *b.outputs)
            if a != b or any(old.tensors[i] != new.tensors[i] for i in touched):
                break
            shared.update(touched)
            if a.index in before.asked:
                self.asked[a.index] = before.asked[a.index]
        self.known = {at: size for at, size in before.known.items() if at[0] in shared}

    def derived(self, node: Node) -> Derived | None:
        """The node's own formulas, asked once."""
        if node.index not in self.asked:
            self.asked[node.index] = derive(self.graph, node)
        return self.asked[node.index]

    def size(self, tensor: int, axis: int) -> int:
        """One axis as an expression over the leaves; what it does not depend on is not looked at."""
        stack = [(tensor, axis)]  # deep networks are deeper than Python's recursion
        while stack:
            at = stack[-1]
            if at in self.known:
                stack.pop()
                continue
            local = self.local(*at)
            todo = [ref for ref in _axes(local) if ref not in self.known and ref != at]
            if todo:
                stack.extend(todo)
            else:
                self.known[at] = self.resolved(local) if isinstance(local, Size) and _axes(local) != [at] else local
                stack.pop()
        return self.known[tensor, axis]

    def resolved(self, size):
        """An expression with the axes in it replaced by theirs."""
        for tensor, axis in _axes(size):
            self.size(tensor, axis)
        return resolve(size, _Known(self.known))

    def local(self, tensor: int, axis: int) -> int:
        """One axis by the rule of the call that made it, over that call's own leaves."""
        t = self.graph.tensors[tensor]
        if tensor in self.inputs:
            return leaf(t.shape[axis], f"axis {axis} of {t.name}", INPUT, ("input", self.inputs[tensor], axis))
        node = self.producers.get(tensor)
        if node is None:
            return leaf(t.shape[axis], f"{t.name}.shape[{axis}]", CHOSEN, ("axis", tensor, axis)) if t.name else t.shape[axis]
        derived, out = self.derived(node), node.outputs.index(tensor)
        shapes = derived.shapes if derived is not None and derived.refusal is None else ()
        if out >= len(shapes) or tuple(map(int, shapes[out])) != t.shape:
            return t.shape[axis]
        return shapes[out][axis]

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
        return Cond(cond.relation, self.resolved(cond.left), self.resolved(cond.right))

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


def _axes(size) -> list[tuple[int, int]]:
    return [(at.leaf.ref[1], at.leaf.ref[2]) for at in leaves(size) if at.leaf and at.leaf.ref and at.leaf.ref[0] == "axis"]


class _Known:
    """The sizes found so far, read as `resolve` reads a list of shapes."""

    def __init__(self, known, tensor=None):
        self.known, self.tensor = known, tensor

    def __getitem__(self, i):
        return _Known(self.known, i) if self.tensor is None else self.known[self.tensor, i]


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
    """A demand as a plain function of the few leaves that vary: everything else in it is folded to numbers."""

    def __init__(self, cond: Cond):
        self.cond = cond
        self.order: list[Size] = []  # every expression in it, parts before wholes
        self.above: dict[int, list[int]] = {}  # an expression (by `id`) -> the places of those it is a part of
        stack, seen = [(side, False) for side in (cond.left, cond.right) if isinstance(side, Size)], set()
        while stack:
            top, ready = stack.pop()
            if ready:
                for part in top.args:
                    self.above.setdefault(id(part), []).append(len(self.order))
                self.order.append(top)
            elif id(top) not in seen:
                seen.add(id(top))
                stack.append((top, True))
                stack.extend((part, False) for part in top.args if isinstance(part, Size))

    def sides(self, *groups: Iterable[int]) -> Callable[..., tuple[int, int]]:
        """Both sides as a function of one number for each group of leaves (given by `id`)."""
        names: dict[int, str] = {at: f"v{i}" for i, group in enumerate(groups) for at in group}
        todo, moving = list(names), set()
        while todo:
            found = [place for place in self.above.get(todo.pop(), ()) if place not in moving]
            moving.update(found)
            todo += [id(self.order[place]) for place in found]
        written = lambda part: names.get(id(part)) or repr(int(part) if isinstance(part, int) else part)
        lines: list[str] = []
        for place in sorted(moving):
            whole = self.order[place]
            if id(whole) not in names:
                lines.append(f"    t{place} = {WRITTEN[whole.op].format(*map(written, whole.args))}")
                names[id(whole)] = f"t{place}"
        arguments = ", ".join(f"v{i}" for i in range(len(groups)))
        scope: dict = {"ceil_div": ceil_div, "scaled": scaled}
        ends = f"    return {written(self.cond.left)}, {written(self.cond.right)}"
        exec("\n".join([f"def sides({arguments}):", *lines, ends]), scope)
        return scope["sides"]

    def holds(self, *groups: Iterable[int]) -> Callable[..., bool]:
        """Whether the demand is met, as a function of one number for each group of leaves; where a size is undefined it is not."""
        sides, relation = self.sides(*groups), RELATIONS[self.cond.relation]

        def holds(*values: int) -> bool:
            try:
                return relation(*sides(*values))
            except (ZeroDivisionError, OverflowError):
                return False

        return holds


WRITTEN = {
    "+": "{} + {}", "-": "{} - ({})", "*": "({}) * ({})", "//": "({}) // ({})", "%": "({}) % ({})", "ceil//": "ceil_div({}, {})",
    "min": "min({}, {})", "max": "max({}, {})", "neg": "-({})", "scale": "scaled({}, {})",
}  # fmt: skip


__all__ = ["Compiled", "Knob", "Trail", "references"]
