"""Sizes as expressions: pushed through with free axes, they give PyTorch's sizes, and its refusals, for other inputs too."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from grid import FAMILIES, Case, Refused, T, eager
from test_windows import reason

from whyshape.graph import Graph, derive, letters, push
from whyshape.graph.builder import Builder, Stopped
from whyshape.sizes import Cond, substitute


def graph_of(case: Case) -> Graph | None:
    """The case as a graph whose every input axis is free; None where it is refused."""
    builder = Builder()
    inputs = [builder.input(*t, axes=[f"{'abcdefg'[i]}{axis}" for axis in range(len(t.shape))]) for i, t in enumerate(case.inputs)]
    try:
        if case.is_layer:
            made = builder.layer(case.name, "layer", *inputs, args=case.args, kwargs=case.kwargs)
        else:
            args = [builder.parameter(f"arg{i}", *a) if isinstance(a, T) else a for i, a in enumerate(case.args)]
            made = builder.call(case.name, *inputs, *args, **case.kwargs)
    except Stopped:
        return None
    return builder.graph(*(made if isinstance(made, list) else [made]))


def nudged(rng: random.Random, case: Case) -> Case:
    """The same call on other sizes; the same axis of several inputs changes alike."""
    change = [rng.choice((0, 0, 0, 0, 1, -1, 2, 5)) for _ in range(6)]
    return case._replace(inputs=tuple(t._replace(shape=tuple(max(n + d, 0) for n, d in zip(t.shape, change))) for t in case.inputs))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("draws", [150, pytest.param(4_000, marks=pytest.mark.full)])
def test_expressions_hold_for_other_inputs(family, draws):
    """Where branches and demands hold at other sizes, PyTorch makes what the expressions give; where a demand fails, it refuses."""
    rng, seen = random.Random(f"symbolic {family}"), Counter()
    for _ in range(draws):
        case = FAMILIES[family](rng)
        graph = graph_of(case)
        if graph is None:
            continue
        free = letters(graph)
        pushed = push(graph, free)
        assert pushed.refusal is None
        made = [pushed.shapes[i] for i in graph.outputs]
        assert [tuple(map(int, shape)) for shape in made] == [graph.tensors[i].shape for i in graph.outputs]
        other = nudged(rng, case)
        sizes = {axis.leaf.name: n for index, t in zip(graph.inputs, other.inputs) for axis, n in zip(free[index], t.shape)}
        at = lambda leaf, sizes=sizes: sizes[leaf.leaf.name]
        holds = lambda cond, at=at: Cond(cond.relation, substitute(cond.left, at), substitute(cond.right, at)).holds
        if not all(holds(d.cond) for d in pushed.demands if not d.sentence):
            seen["another branch"] += 1
            continue
        theirs = eager(other)
        if all(holds(d.cond) for d in pushed.demands):
            we = [tuple(substitute(n, at) for n in shape) for shape in made]
        else:
            we = Refused(next(d.sentence for d in pushed.demands if not holds(d.cond)))
        if isinstance(we, Refused) != isinstance(theirs, Refused):
            assert reason(other, theirs, we), (other, theirs, we)
        elif not isinstance(we, Refused):
            assert we == theirs, (other, pushed.shapes)
        seen["refused" if isinstance(we, Refused) else "made"] += 1
    assert seen["made"] > draws / 20, seen
    assert seen["another branch"] < draws / 3, seen


@pytest.mark.parametrize("family", FAMILIES)
def test_derived_sizes_are_the_same_numbers(family):
    """A node derived with named numbers makes the sizes it made with plain ones."""
    rng, derived = random.Random(f"derived {family}"), 0
    for _ in range(120):
        graph = graph_of(FAMILIES[family](rng))
        for node in graph.nodes if graph else ():
            shapes = derive(graph, node).shapes
            assert [tuple(map(int, shape)) for shape in shapes] == [graph.tensors[i].shape for i in node.outputs], node
            derived += 1
    assert derived > 20
