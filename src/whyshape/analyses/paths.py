"""One way through a model: what was demanded on it, which branches it took, and for which inputs it is the way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from whyshape.analyses.lies import Views, views
from whyshape.errors import DoesNotFit
from whyshape.graph import Demand, Graph, Problem, Pushed, free, push, rebuild, resolve
from whyshape.rules import RULES, Spec
from whyshape.sizes import INPUT, Cond, LookedUp, Match, Size, leaf, recording
from whyshape.sizes.algebra import Algebra, Form
from whyshape.sizes.blocks import Block
from whyshape.sizes.conditions import within


class Path(NamedTuple):
    """A trace at one input, as conditions over the free axes."""

    needs: tuple[Demand, ...]  # in the order they were asked
    branches: tuple[Demand, ...]  # conditions under which this is the way
    finished: bool
    failing: Demand | None  # the last of the needs, where it stopped the trace
    problem: Problem | None
    outputs: tuple[tuple[int, ...], ...]
    graph: Graph
    sizes: list[tuple[int, ...]]  # of every tensor of the graph, as functions of the free axes
    blind: str = ""  # why the conditions may not be all there is: a step that no rule explains


def path(graph: Graph, at: Mapping[str, int]) -> Path:
    """The way the graph's trace took at these sizes of its letters."""
    shapes = {}
    known = {letter: leaf(n, letter, INPUT, ("free", letter)) for letter, n in at.items()}
    for index in graph.inputs:
        t = graph.tensors[index]
        axes = t.axes or ("",) * len(t.shape)
        shapes[index] = tuple(known[a] if a else n for n, a in zip(t.shape, axes))
    pushed = push(graph, shapes)
    seen = views(graph, pushed.shapes) if pushed.refusal is None else Views()
    demands = [*pushed.demands, *seen.branches]
    problem = pushed.refusal or graph.problem
    blind = _blind(graph, pushed) or _looked_up(demands) or seen.blind
    failing = None
    if problem is not None:
        asked = demands
        # A module's own check, in Python, is a branch like any other: only an operator may have reasons that cannot be seen.
        if pushed.refusal is None and problem.kind == "shape" and problem.op != problem.type:
            asked, refused = _asked_again(graph, problem, pushed)
            demands += asked
            if not refused and not seen.refused:
                blind = blind or f"{problem.op or 'an operator'} refuses for a reason its rule does not give: {problem.sentence}"
        if problem.kind == "other" and not demands and at:
            blind = blind or f"the model refuses, and why cannot be seen: {problem.sentence}"
        last = next((d for d in reversed(asked) if d.sentence), None)
        if problem.kind == "shape" and last is not None and not last.cond.holds:
            failing = last
    outputs = tuple(tuple(pushed.shapes[i]) for i in graph.outputs)
    needs = tuple(d for d in demands if d.sentence)
    branches = tuple(d for d in demands if not d.sentence and not isinstance(d.cond, LookedUp))
    return Path(needs, branches, problem is None, failing, problem, outputs, graph, pushed.shapes, blind)


def _asked_again(graph: Graph, problem: Problem, pushed: Pushed) -> tuple[list[Demand], bool]:
    """What the call that could not be made demands, and whether its rule refuses."""
    rule = RULES.get(problem.op)
    if rule is None:
        return [], False
    sizes = pushed.shapes
    at = lambda ref: Spec(sizes[ref.tensor], graph.tensors[ref.tensor].dtype)
    number = lambda n: resolve(n, sizes) if isinstance(n, Size) else n
    args, kwargs = rebuild(problem.args, at, number), rebuild(problem.kwargs, at, number)
    refused, kept = False, []
    with recording() as facts:
        try:
            made = rule.shape(*args, **kwargs)
        except DoesNotFit:
            refused = True
        else:
            kept = _put_in_place(problem, args, made)
            refused = bool(kept)
    demands = [Demand(c, "", problem) for c in facts.branches if free(c)]  # type: ignore[arg-type]
    demands += [Demand(n.cond, n.sentence, problem) for n in facts.needs if free(n.cond)]  # type: ignore[arg-type]
    return demands + kept, refused


def _put_in_place(problem: Problem, args: tuple, made) -> list[Demand]:
    """The demands of a result that did not fit into the tensor it was to be put into, the one that failed last."""
    first = getattr(args[0], "shape", None) if args else None
    if type(made) is not tuple or first is None or problem.numbers != {"wanted": [*map(int, first)], "arrived": [*map(int, made)]}:
        return []
    kept = [Cond("==", new, old) for new, old in zip(made, first) if new is not old]
    sentence = "the result does not fit into the tensor it is put into"
    return [Demand(c, sentence, problem) for c in sorted(kept, key=lambda c: not c.holds) if free(c)]  # type: ignore[arg-type]


def _blind(graph: Graph, pushed: Pushed) -> str:
    for node in graph.nodes:
        if node.by != "rule" and any(isinstance(n, Size) for t in node.inputs for n in pushed.shapes[t]):
            return f"{node.op}{f' in {node.path}' if node.path else ''} was measured, not explained"
    for note in graph.notes:
        if "real numbers" in note or "catches a refusal" in note or "lie in memory" in note:
            return note
    return ""


def _looked_up(demands: list[Demand]) -> str:
    """Where a size was looked for in a dict or a set: which others are in there is not known."""
    place = next((d.cond for d in demands if isinstance(d.cond, LookedUp)), None)
    return (
        f"a size is looked up in a dict or a set{at_line(place.file, place.line)}, and what other sizes would find is not known"
        if place
        else ""
    )


def at_line(file: str, line: int) -> str:
    """A place in the model's own code, as it stands in a sentence."""
    return f" ({os.path.basename(file)}, line {line})" if line else ""


class Cell(NamedTuple):
    """What one path settles: the inputs that take it to its end, and those of its branches that it says nothing about."""

    taken: list[Block]  # the inputs whose branches are those of the path
    accepted: list[Block]
    open: list[Block]


def cell(algebra: Algebra, path: Path, universe: list[Block]) -> Cell:
    """Which inputs of the universe the path answers for.

    An input that takes the path's branches meets the path's demands in their order: one that is not met refuses it. Two kinds are left
    open: where the trace stopped, the inputs that would have gone on; and where sizes were matched, those for which one side is stretched.
    """
    marked = len(algebra.divisors)
    branches = [demanded(algebra, d.cond) for d in path.branches]
    needs = [(d, *demanded(algebra, d.cond)) for d in path.needs]
    blocks = universe
    for relation, form in branches:
        blocks = narrowed(algebra, blocks, relation, form)
    taken, left, seen = blocks, [], set()
    for divisor in algebra.divisors[marked:]:
        blocks = narrowed(algebra, blocks, "!=", divisor)
    for demand, relation, form in needs:
        key = (relation, algebra.key(form))
        if key in seen:
            continue
        seen.add(key)
        met = narrowed(algebra, blocks, relation, form)
        if isinstance(demand.cond, Match) and met != blocks:
            apart = narrowed(algebra, blocks, "!=", form)
            a, b = (algebra.plus(algebra.normal(side), -1) for side in (demand.cond.left, demand.cond.right))
            left += narrowed(algebra, apart, "==", a) + narrowed(algebra, narrowed(algebra, apart, "!=", a), "==", b)
        blocks = met
    if path.finished:
        return Cell(taken, blocks, left)
    return Cell(taken, [], left + blocks if path.failing else left)


def demanded(algebra: Algebra, cond: Cond) -> tuple[str, Form]:
    """A condition as ``form <relation> 0``."""
    known = algebra.asked.get(id(cond))
    if known is None:
        right = cond.right if type(cond.right) is int else algebra.normal(cond.right)
        form = algebra.plus(algebra.normal(cond.left), -right if type(right) is int else algebra.times(right, -1))
        known = algebra.asked[id(cond)] = cond, cond.relation, form
    return known[1:]


def narrowed(algebra: Algebra, blocks: list[Block], relation: str, form: Form) -> list[Block]:
    """The part of the blocks where ``form <relation> 0``; the same list where that is all of it."""
    if len(blocks) == 1:
        part = within(algebra, blocks[0], relation, form)
        return blocks if len(part) == 1 and part[0] is blocks[0] else part
    return [part for block in blocks for part in within(algebra, block, relation, form)]


__all__ = ["Cell", "Path", "at_line", "cell", "demanded", "narrowed", "path"]
