"""How the tensors of a graph lie in memory, as functions of the free axes: a `view` is refused where only a copy would do.

`reshape` copies where it must, and whether it must can hang on a size that is 1, or on two that are equal. Each such comparison is a
branch of the path, as one of the model's own Python is. Asked for is only what a view hangs on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from whyshape.errors import DoesNotFit
from whyshape.graph import Demand, Graph, Node, Problem, free, rebuild, resolve
from whyshape.rules import RULES
from whyshape.rules.base import TOLD, Unexplained
from whyshape.rules.layout import Laid, lies, rows
from whyshape.rules.views import Refused
from whyshape.sizes import Cond, Size, plain, recording


class Views(NamedTuple):
    """What the views of a path hang on."""

    branches: tuple[Demand, ...] = ()
    refused: bool = False  # whether what stopped the trace is a view of numbers that do not lie for it
    blind: str = ""  # why that may not be all


def views(graph: Graph, sizes: Sequence[tuple[int, ...]]) -> Views:
    """The conditions under which each `view` of the graph is given, or refused, as it was; ``sizes``: of every tensor, pushed."""
    asks = lambda call: (rule := RULES.get(call.op)) is not None and rule.unmoved and getattr(call, "by", "rule") == "rule"
    calls: list[Node | Problem] = [node for node in graph.nodes if asks(node)]
    problem = graph.problem if graph.problem is not None and graph.problem.kind == "shape" else None
    if problem is not None and asks(problem):
        calls.append(problem)
    if not calls:
        return Views()
    memory, refused, blind = _Memory(graph, sizes), False, ""
    for call in calls:
        try:
            memory.settle(call.outputs[0] if isinstance(call, Node) else PROBLEM)
            refused = False
        except Refused:
            refused = True
        except DoesNotFit:  # for its sizes, and its rule says so
            continue
        except Unexplained as why:
            blind = f"whether {call.op}{f' in {call.path}' if call.path else ''} finds its numbers as it wants them is not known: {why}"
            continue
        if refused and call is not problem:
            blind = f"{call.op}{f' in {call.path}' if call.path else ''} should be refused for how its numbers lie, and is not"
    return Views(tuple([Demand(c, "", None) for c in _defined(memory.branches) if free(c)]), refused, blind)


def _defined(branches: Iterable[Cond]) -> Iterator[Cond]:
    """Each branch behind those that say its divisions have something to divide by: where that is 0, no path comes to it."""
    seen: set[int] = set()
    for branch in branches:
        stack = [branch.left, branch.right]
        while stack:
            top = stack.pop()
            if isinstance(top, Size) and id(top) not in seen:
                seen.add(id(top))
                stack += [n for n in top.args if isinstance(n, Size)]
                if top.op in ("//", "%", "ceil//") and isinstance(top.args[1], Size):
                    yield Cond("!=", top.args[1], 0)
        yield branch


PROBLEM = -1  # stands for the result of the call that was refused


class _Wanted(Exception):
    """How another tensor lies has to be known first."""


class _Memory:
    """The steps of each tensor, computed when a view hangs on them."""

    def __init__(self, graph: Graph, sizes: Sequence[tuple[int, ...]]):
        self.graph, self.sizes = graph, sizes
        self.makers: dict[int, Node | Problem] = {**graph.producers()}
        if graph.problem is not None:
            self.makers[PROBLEM] = graph.problem
        self.known: dict[int, Any] = {}  # steps; None: row by row; `Unexplained` where nobody can tell
        self.branches: list[Cond] = []

    def settle(self, index: int) -> None:
        """Find how a tensor lies, and before it all that this hangs on: deep networks are deeper than Python can call.

        Raises `Refused` for a view of numbers that do not lie for it, and `Unexplained`.
        """
        waiting = [index]
        while waiting:
            at = waiting[-1]
            with recording() as facts:
                try:
                    made: Any = self.made(at)
                except _Wanted as other:
                    waiting.append(other.args[0])
                    continue
                except (Refused, Unexplained) as why:
                    made = why
            self.known[at] = made
            self.branches += facts.branches
            waiting.pop()
        if isinstance(made, Exception):
            raise made

    def at(self, index: int) -> Laid:
        """A tensor, as it is asked how it lies."""

        def steps():
            if index not in self.known:
                raise _Wanted(index)
            if isinstance(self.known[index], Exception):
                raise Unexplained(*self.known[index].args)
            return self.known[index]

        return Laid(self.sizes[index], self.graph.tensors[index].dtype, steps)

    def made(self, index: int) -> tuple[int, ...] | None:
        """The steps of a tensor."""
        maker = self.makers.get(index)
        tensor = self.graph.tensors[index] if index != PROBLEM else None
        if maker is None or (isinstance(maker, Node) and maker.rule is None):
            if tensor.strides is not None and any(isinstance(n, Size) for n in self.sizes[index]):
                raise Unexplained(f"{maker.op if maker else 'an input'} does not say how it lies")
            return tensor.strides
        rule = RULES[maker.op]
        number = lambda n: resolve(n, self.sizes) if isinstance(n, Size) else n
        args, kwargs = (rebuild(part, lambda ref: self.at(ref.tensor), number) for part in (maker.args, maker.kwargs))
        first = next(_laid((args, kwargs)), None)
        if isinstance(maker, Node) and maker.inplace and not rule.view:
            return first.steps
        if tensor is None:
            return TOLD["lays"][maker.op](rule.bind(args, kwargs), tuple(rule.shape(*args, **kwargs)))
        try:
            if rule.view:
                steps = TOLD["lays"].get(maker.op, _not_told)(rule.bind(args, kwargs), self.sizes[index])
            else:
                steps = lies(maker.op, rule, args, kwargs, first, self.sizes[index])
        except Unexplained:
            if any(map(_free, _laid((args, kwargs)))):
                raise
            return tensor.strides  # of what is the same at every size it is known
        if not self.true(tensor, steps):
            raise Unexplained(f"the result of {maker.op} lies otherwise than its rule says")
        return steps

    def true(self, tensor, steps) -> bool:
        """Whether these are the steps that were met in the trace; along an axis of 1 none is made."""
        here = rows(tensor.shape) if tensor.strides is None else tensor.strides
        told = rows(tensor.shape) if steps is None else plain(steps)
        return 0 in tensor.shape or all(a == b for n, a, b in zip(tensor.shape, here, told) if n != 1)


def _not_told(given, shape):
    raise Unexplained("how its result lies is not told")


def _free(tensor: Laid) -> bool:
    """Whether anything of how a tensor lies may be otherwise at other sizes."""
    return any(isinstance(n, Size) for n in (*tensor.shape, *(tensor.steps or ())))


def _laid(value):
    if isinstance(value, Laid):
        yield value
    elif isinstance(value, dict):
        yield from _laid(tuple(value.values()))
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _laid(v)


__all__ = ["Views", "views"]
