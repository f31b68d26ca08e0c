"""One place where a model stopped, with everything the sources of fixes ask about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from whyshape.analyses.diagnose.reading import Reading, read
from whyshape.analyses.diagnose.rows import mixing
from whyshape.analyses.diagnose.trail import Trail, references
from whyshape.graph import Graph, Problem
from whyshape.rules import RULES
from whyshape.rules.base import Rule
from whyshape.sizes import Cond, Size, leaves, product


class Offer(NamedTuple):
    """A change somebody thinks may help. ``cost`` orders the offers: the likelier what people meant, the smaller."""

    edits: tuple[dict, ...]
    cost: float
    says: str


class Input(NamedTuple):
    """One tensor among the model's inputs."""

    arg: int  # which input
    tensor: int  # in the graph
    shape: tuple[int, ...]
    dtype: str
    name: str

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers: class numbers, word numbers."""
        return self.dtype.startswith(("int", "uint", "bool"))


class Case:
    """The patient, where it stopped, and how the sizes came about."""

    def __init__(self, patient, trial, edits: tuple[dict, ...] = (), before: Case | None = None):
        self.patient, self.trial, self.edits, self.before = patient, trial, edits, before
        self.graph: Graph = trial.graph
        assert self.graph.problem is not None
        self.problem: Problem = self.graph.problem

    @cached_property
    def trail(self) -> Trail:
        return Trail(self.graph, self.call_inputs, self.before.trail if self.before else None)

    @cached_property
    def reading(self) -> Reading | None:
        """What PyTorch's own words say, where no rule refused."""
        return read(self.problem.message or self.problem.sentence)

    @cached_property
    def wanted(self) -> Any:
        return self.said("wanted", "b")

    @cached_property
    def arrived(self) -> Any:
        return self.said("arrived", "a")

    def said(self, word: str, side: str) -> Any:
        """A number of the refusal: by its name, as one side of an operation on two tensors, or as PyTorch's words give it."""
        numbers = self.problem.numbers
        return numbers.get(word, numbers.get(side, getattr(self.reading, word, None)))

    @cached_property
    def inputs(self) -> list[Input]:
        found = []
        for place, index in zip(self.patient.places, self.graph.inputs):
            t = self.graph.tensors[index]
            if place is not None:
                found.append(Input(place, index, t.shape, t.dtype, t.name))
        return found

    @property
    def rows(self) -> tuple[int, ...]:
        """The first axis of the first input: the batch, as a shape of one number; empty where there is none."""
        return self.inputs[0].shape[:1] if self.inputs else ()

    @cached_property
    def rows_demand(self) -> Cond | None:
        """Behind a view that cut the batch into other rows: what one row holds must be what the view writes down for it."""
        upstream = {n.index for n in self.trail.upstream}
        for node in mixing(self.graph):
            before, after = self.graph.tensors[node.inputs[0]].shape, self.graph.tensors[node.outputs[0]].shape
            if node.index in upstream:
                sizes = [[self.trail.size(t, i) for i in range(1, len(s))] for t, s in ((node.inputs[0], before), (node.outputs[0], after))]
                return Cond("==", product(sizes[0]), product(sizes[1]))
        return None

    @cached_property
    def one_row_each(self) -> Cond | None:
        """The demand; where a `view(-1, n)` asks for any multiple of n, the one that gives each of the batch its own row."""
        demand = self.trail.demand
        if demand is None:
            return self.rows_demand
        shape = self.problem.args[1] if len(self.problem.args) == 2 else self.problem.args[1:]
        counts_rows = isinstance(shape, (tuple, list)) and shape[:1] in ((-1,), [-1]) and self.x
        if not counts_rows or not isinstance(demand.left, Size) or demand.left.op != "%":
            return demand
        have, known = demand.left.args
        return Cond("==", have, known * self.trail.size(self.call_inputs[0], 0))

    @cached_property
    def lacking(self) -> int:
        """How many axes more are wanted than arrive, where the two numbers count axes; 0 where they count something else."""
        wanted, arrived = self.wanted, self.arrived
        if type(wanted) is not int or type(arrived) is not int or "a" in self.problem.numbers:
            return 0  # two sides of an operation: sizes
        ranks = {len(self.graph.tensors[i].shape) for i in (*self.call_inputs, *references((self.problem.args, self.problem.kwargs)))}
        return wanted - arrived if arrived in ranks else 0

    def came_in(self, axis: int) -> bool | None:
        """Whether an axis of what arrived came with the input, as places and steps do; False: the model chose it, as channels; None: unknown."""
        size = self.trail.size(self.call_inputs[0], axis % len(self.x))
        kinds = {at.leaf.ref[0] for at in leaves(size) if at.leaf and at.leaf.ref}
        return "input" in kinds if kinds else None

    @cached_property
    def multiplies(self) -> bool:
        """Whether the refused operation multiplies its operands, so that their sides need not be alike."""
        rule = RULES.get(self.problem.op)
        return rule is not None and not rule.pointwise and not rule.view and rule.macs is not Rule.macs

    @cached_property
    def call_inputs(self) -> list[int]:
        """The activations the refused call, or the module that raised, was given."""
        if self.problem.args or self.problem.kwargs:
            return [
                i for i in references((self.problem.args, self.problem.kwargs)) if self.graph.tensors[i].kind in ("activation", "input")
            ]
        for call in reversed(self.graph.calls):
            if call.path == self.problem.path:
                return [i for i in call.inputs if self.graph.tensors[i].kind in ("activation", "input")]
        return []

    @cached_property
    def x(self) -> tuple[int, ...]:
        """The shape of the first activation that arrived."""
        return self.graph.tensors[self.call_inputs[0]].shape if self.call_inputs else ()

    @cached_property
    def root(self) -> int | None:
        """Which input the first activation that arrived comes from; the first one where several do."""
        behind = {i for t in self.call_inputs[:1] for n in self.trail.before([t]) for i in n.inputs} | set(self.call_inputs[:1])
        return next((i for i in self.graph.inputs if i in behind), None)

    @cached_property
    def layer(self) -> tuple[str, dict]:
        """The type and arguments of the layer it stopped in."""
        return self.patient.layers.get(self.problem.path, (self.problem.type, {}))

    @cached_property
    def weight(self) -> tuple[int, ...] | None:
        """The shape of the first parameter the refused call reads."""
        for i in references((self.problem.args, self.problem.kwargs)):
            if self.graph.tensors[i].kind == "parameter":
                return self.graph.tensors[i].shape
        return None

    @cached_property
    def spatial(self) -> int:
        """How many axes the refused operator slides over, from its weight (out, in, k, k): 2 for conv2d; 0 where none."""
        return max(len(self.weight) - 2, 0) if self.weight else 0

    def near_input(self) -> Input | None:
        """The input whose axes arrive here as they are: nothing that learns lies between."""
        for i in self.inputs:
            if i.tensor in self.call_inputs:
                return i
        for i in self.inputs:
            if i.tensor == self.root and not any(self.graph.tensors[t].kind == "parameter" for n in self.trail.upstream for t in n.inputs):
                return i
        return None

    def image_inputs(self) -> Iterator[Input]:
        """Inputs with sides that can be resized: numbers with fractions, three axes or more."""
        for i in self.inputs:
            if not i.whole and len(i.shape) >= 3:
                yield i


def edit(layer: str, attr: str, value) -> dict:
    """A constructor argument changed."""
    return {"layer": layer, "attr": attr, "value": value}


def holds(values: Iterable[int], n: int) -> bool:
    """Whether the product of these sizes is ``n``."""
    return product(values) == n


__all__ = ["Case", "Input", "Offer", "edit", "holds"]
