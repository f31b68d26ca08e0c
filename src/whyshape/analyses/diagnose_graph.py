"""Why a file's network does not take an input, every place in one pass, and changes that make it: to the input, or to the file.

A file has no Python code to change. What can be changed is the input, the axes that the file fixes, and the sizes typed into a reshape;
last, a weight, which then has to be trained again. Each way was written into a copy of the file, which was then followed to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

from whyshape.analyses.diagnose.because import because
from whyshape.analyses.diagnose.case import Case
from whyshape.analyses.diagnose.problem import NEW, Diagnosis, Finding, Fix
from whyshape.analyses.diagnose_graph_inputs import Other, laid_out, nearest, shown, text
from whyshape.analyses.hazards import hazards
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Problem, letters, push

if TYPE_CHECKING:
    from whyshape.readers.file import File
    from whyshape.readers.mend import Mend, Mending

KEPT = "the file's weights stay"
SHOWN = 6  # fixes of one problem
LISTED = 20  # problems


class Way(NamedTuple):
    """An input, and what is changed in the file so that it takes it."""

    other: Other
    mends: tuple[Mend, ...]
    graph: Graph  # followed to its end, the file so changed
    retrained: bool  # whether a weight has another size

    @property
    def edits(self) -> tuple[dict, ...]:
        return (*self.other.edits, *(m.edit for m in self.mends))

    @property
    def cost(self) -> float:
        """The likelier people meant it, the smaller: weights stay; the batch is the file's affair, channels and sides are the input's."""
        change = sum(2.0 if "batch" in e else 1.0 for e in self.other.edits)
        return 10.0 * self.retrained + change + (0.5 + 0.05 * len(self.mends) if self.mends else 0.0)

    def fix(self) -> Fix:
        says = [*self.other.says, *(m.says for m in self.mends)]
        if len(says) > 8:
            says = [*says[:4], f"{len(says) - 5} more such changes", says[-1]]
        return Fix(self.edits, "; and ".join(says), NEW if self.retrained else KEPT, True, self.cost)


def diagnose_graph(source, input_size=None, dtypes=None) -> Diagnosis:
    """Why a graph, or the ``.onnx``, ``.keras`` or ``.json`` file of that name, does not take these inputs; None: those the file states.

    >>> from whyshape.api import read
    >>> diagnose_graph(read("Flatten > Linear(320, 50)", (1, 20, 4, 4))).fits
    True
    """
    from whyshape.readers.file import opened

    file = opened(source, dtypes)
    asked = None if input_size is None else _shapes(input_size, len(file.inputs))
    ranks = [i for i, (s, (_, of)) in enumerate(zip(asked or (), file.inputs)) if len(s) != len(of)]
    graph = file.read(None if ranks else asked)
    if graph.problem is None and not ranks:
        return Diagnosis(graph.name, hazards=hazards(graph), notes=graph.notes)
    found = [of_rank(graph, file, asked, i) for i in ranks if asked is not None]
    if not ranks:
        mending = _mending(file, asked)
        last = file.read(asked, (), mending)
        stops = [*(m.graph for m in mending.found), *([last] if last.problem is not None else [])]
        found = [finding(stop) for stop in stops[:LISTED]]
    fixes = tuple(way.fix() for way in ways(file, asked)) if asked is not None else ()
    problems = tuple(f._replace(fixes=fixes[:SHOWN]) for f in found)
    told = hazards(graph) if not ranks else ()
    return Diagnosis(graph.name, problems, told, ran=False, notes=graph.notes)


def _shapes(input_size, wanted: int) -> tuple[tuple[int, ...], ...]:
    shapes = (tuple(input_size),) if all(isinstance(n, int) for n in input_size) else tuple(tuple(s) for s in input_size)
    if len(shapes) != wanted:
        raise WhyshapeError(f"The file has {wanted} inputs; {len(shapes)} shapes are given.")
    return shapes


def finding(graph: Graph) -> Finding:
    """One place where the sizes do not fit, as if the places before it had been repaired."""
    p = graph.problem
    assert p is not None
    case = Case(None, SimpleNamespace(graph=graph))
    links = because(case) if p.args or p.kwargs else ()
    where = {"layer": p.path or None, "type": p.type, "file": p.file, "line": p.line, "op": p.op}
    return Finding(where, p.sentence, case.wanted, case.arrived, links, (), p.kind, p.message)


def of_rank(graph: Graph, file: File, asked, i: int) -> Finding:
    """An input of another number of axes than the file says it has."""
    (label, stated), given = file.inputs[i], asked[i]
    sides = text("?" if n is None else n for n in stated)
    sentence = f"the input {label[:60]!r} has {len(stated)} axes in the file, {sides}; {len(given)} are given, {text(given)}"
    problem = Problem(sentence, {"wanted": len(stated), "arrived": len(given)}, "input", label, "Input")
    return finding(graph._replace(problem=problem))


def ways(file: File, asked) -> list[Way]:
    """What makes the file take these inputs, best first."""
    base = file.read()
    found: dict[str, Way] = {}
    for other in others(file, base, asked):
        way = followed(file, base, other)
        if way is not None and way.edits:
            found.setdefault(repr(sorted(map(repr, way.edits))), way)
    best = sorted(found.values(), key=lambda way: way.cost)
    trained = [way for way in best if way.retrained]
    return [way for way in best if not way.retrained or way is trained[0]]


def others(file: File, base: Graph, asked) -> Iterator[Other]:
    """The inputs as they are, laid out as the file says, and of the sizes nearest to them that the file takes."""
    starts = [Other(asked), *laid_out(file, asked)]
    yield from starts
    for start in starts:
        for keep in (True, False):
            near = nearest(file, base, start.shapes, keep)
            if near is None or near.shapes == start.shapes:
                continue
            yield start.then(near)
            own_rows = shown(file, start.shapes, tuple((old[:1] + new[1:]) for old, new in zip(start.shapes, near.shapes)))
            if own_rows is not None and own_rows.edits:
                yield start.then(own_rows)


def followed(file: File, base: Graph, other: Other) -> Way | None:
    """The inputs with whatever the file needs changed for them; None where that does not lead to the end, or not with its batch."""
    if any(len(s) != len(of) for s, (_, of) in zip(other.shapes, file.inputs)):
        return None
    mending = _mending(file, other.shapes)
    if file.read(other.shapes, (), mending).problem is not None:
        return None
    try:
        graph = file.read(other.shapes, [m.edit for m in mending.found])
    except WhyshapeError:  # the file has no words for the change
        return None
    if graph.problem is not None or not rows_survive(base, graph):
        return None
    mends = tuple(mending.found)
    tie = tied(file, graph) if other.edits and not mends else None
    same = {m.edit.get("param") for m in mends if m.repeats}
    was, now = ({name: shape for name, shape in weights(g).items() if name not in same} for g in (base, graph))
    return Way(other, mends if tie is None else (tie,), graph, was != now and bool(mends))


def _mending(file: File, shapes) -> Mending:
    from whyshape.readers.mend import Mending

    stated = file.inputs[0][1][0] if file.inputs and file.inputs[0][1] else None
    arrives = shapes[0][0] if shapes and shapes[0] else None
    return Mending((stated, arrives) if isinstance(stated, int) and isinstance(arrives, int) else None)


def weights(graph: Graph) -> dict[str, tuple[int, ...]]:
    return {t.name: t.shape for t in graph.tensors if t.kind in ("parameter", "buffer") and t.name}


def rows_survive(base: Graph, graph: Graph) -> bool:
    """Whether each result whose first axis was the batch has the batch there again."""
    first = lambda g, i: g.tensors[i].shape[:1]
    if not graph.inputs or not graph.outputs:
        return bool(graph.outputs)
    if base.problem is not None or len(base.outputs) != len(graph.outputs):
        return all(first(graph, i) == first(graph, graph.inputs[0]) for i in graph.outputs)
    was, now = first(base, base.inputs[0]), first(graph, graph.inputs[0])
    return all(first(base, a) != was or first(graph, b) == now for a, b in zip(base.outputs, graph.outputs))


def tied(file: File, graph: Graph) -> Mend | None:
    """Two free axes under two names that have to be equal, stated under one name: then a wrong size is refused where it comes in."""
    from whyshape.readers.mend import Mend

    alone = lambda n: n.leaf.ref[1] if getattr(n, "op", "") == "leaf" and n.leaf and n.leaf.ref and n.leaf.ref[0] == "free" else None
    for demand in push(graph, letters(graph)).demands:
        a, b = alone(demand.cond.left), alone(demand.cond.right)
        if demand.cond.relation != "==" or a is None or b is None or a == b:
            continue
        for name, stated in reversed(file.inputs):
            if b in stated or a in stated:
                keep, gone = (a, b) if b in stated else (b, a)
                shape = [keep if n == gone else n for n in stated]
                says = f"the input {name} stated as ({', '.join(map(str, shape))}) in the file, since {gone} has to equal {keep}"
                return Mend(graph, {"layer": name, "attr": "shape", "value": shape}, says)
    return None


__all__ = ["diagnose_graph"]
