"""A model read again and again at other sizes of its free axes: what `accepts` explores with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Problem, Run, Step, Tensor, collector_paused, letters, push, step
from whyshape.readers import notation, target
from whyshape.readers.net import fixed_at
from whyshape.sizes import INPUT, Cond, leaf

DEEP = 16  # how often a model is read again for functions that had not run before


class Again:
    """A model that can be read at any sizes of its letters: ``again(at)`` gives its graph, ``again.runs(inputs)`` whether each runs to its end."""

    def __init__(self, shapes: tuple[tuple, ...], dtypes, mode: str):
        self.shapes, self.dtypes, self.mode = shapes, dtypes, mode
        self.settled = False  # whether numbers that come in, where they were left open, are known
        self.notes: list[str] = []  # what is assumed of the model
        self.letters = [tuple(n if isinstance(n, str) else "" for n in shape) for shape in shapes]

    def sizes(self, at: Mapping[str, int]) -> list[tuple[int, ...]]:
        return [tuple(at[n] if isinstance(n, str) else n for n in shape) for shape in self.shapes]

    def __call__(self, at: Mapping[str, int]) -> Graph:
        raise NotImplementedError

    def learned(self, layers: Mapping[str, str], graph: Graph, at: Mapping[str, int]) -> None:
        """Says which of the layers that left a number open (by path) took one that the free axes decide, and from which input."""
        tied = {d.node.path for d in push(graph, letters(graph)).demands if d.node is not None and d.cond.relation == "=="}
        took = [layer for path, layer in layers.items() if path in tied]
        if not took:
            return
        which = took[0] if len(took) == 1 else f"{took[0]} and {len(took) - 1} more"
        first = ", ".join(f"{letter}={n}" for letter, n in at.items())
        self.notes.append(f"{which} took what comes in from the first input, here {first}; after another first input the set is another.")

    def held(self) -> AbstractContextManager:
        """Held around many readings it spares each of them what all have in common."""
        return nullcontext()

    def runs(self, inputs: Sequence[Mapping[str, int]]) -> list[bool]:
        """Whether the model runs to its end, for each of the inputs."""
        return [run.ok for run in self.followed(inputs, steps=False)]

    def followed(self, inputs: Sequence[Mapping[str, int]], steps: bool = True) -> list[Run]:
        """The same with the operator calls of each run, where code of the model's own makes them.

        What the model keeps from one of the inputs may be there in the next.
        """
        return [Run(self(at).problem is None) for at in inputs]


class _Notation(Again):
    def __init__(self, layers, shapes, dtypes, mode):
        super().__init__(shapes, dtypes, mode)
        if len(shapes) != 1:
            raise WhyshapeError(f"a network in notation takes one input, {len(shapes)} were given")
        self.layers = layers

    def __call__(self, at):
        dtype = str(self.dtypes[0]) if self.dtypes else "float32"
        graph = notation.build(self.layers, self.sizes(at)[0], dtype, self.letters[0], training=self.mode == "train")
        if not self.settled and graph.problem is None:
            waits = {module.path: module.found for module in graph.modules if module.found}
            if waits:
                self.layers = notation.settled(self.layers, graph)
                self.learned(waits, graph, at)
            self.settled = True
        return graph


class _Torch(Again):
    def __init__(self, model, shapes, dtypes, mode):
        super().__init__(shapes, dtypes, mode)
        self.model = model
        self.witness = None  # once sizes are in the hands of the model's own code

    @property
    def blind(self):
        """What of the model's code cannot be seen; empty where all of it can."""
        return self.witness.blind if self.witness is not None else ""

    @contextmanager
    def held(self):
        from whyshape.readers.torch.scope import calls_seen
        from whyshape.readers.torch.untouched import program_untouched

        with calls_seen(), program_untouched(), collector_paused():
            yield

    def __call__(self, at):
        from whyshape.readers.torch import read
        from whyshape.readers.torch.witness import Witness

        if not self.settled:
            self.settle(at)
        ran: list = []

        def graph():
            try:
                return read(self.model, self.sizes(at), dtypes=self.dtypes, mode=self.mode, letters=self.letters, ran=ran)
            except WhyshapeError as error:
                known = getattr(error, "graph", None)
                if known is None:
                    raise
                return known._replace(problem=Problem(str(error), {}, kind="other"))

        found = graph() if self.witness is None else None
        if self.witness is None and any(tracer.remembered for tracer in ran):
            self.witness = Witness()
        return found if self.witness is None else self.witnessed(graph)

    def witnessed(self, act):
        """What the act gives once every function of the model's that runs in it is seen."""
        for _ in range(DEEP):
            with self.witness.watching() as fresh:
                found = act()
            if not fresh:
                break
        return found

    def settle(self, at):
        """Lazy layers learn their sizes from one input, the first that runs; asked for is the set from then on."""
        from whyshape.readers.torch.forward import materialized, stand_ins, waiting
        from whyshape.readers.torch.untouched import walk

        modules = walk(self.model)
        waits = waiting(modules)
        if waits:
            learned, ran = materialized(modules, *stand_ins(self.sizes(at), None, self.dtypes), self.mode)
            if not ran:
                return
            self.model, self.settled = learned, True
            self.learned(waits, self(at), at)
        self.settled = True

    def followed(self, inputs, steps=True):
        from whyshape.readers.torch.follow import follow
        from whyshape.readers.torch.forward import in_mode, stand_ins
        from whyshape.readers.torch.untouched import untouched, walk

        if not self.settled:
            self.settle(inputs[0])
        modules = walk(self.model)

        def runs():
            found = []
            for at in inputs:  # no graph is made
                run = follow(modules, *stand_ins(self.sizes(at), None, self.dtypes))
                tracer = run.tracer
                if tracer.ended:  # what was refused on the way the model caught itself
                    tracer.refused = None
                found.append(None if run.wants_numbers else Run(tracer.ended, _steps(tracer) if steps else None))
            return found

        with self.held(), in_mode(modules, self.mode), untouched([m for _, m in modules]):
            found = runs() if self.witness is None else self.witnessed(runs)
        return [run or Run(self(at).problem is None) for at, run in zip(inputs, found)]


class _File(Again):
    """An ``.onnx`` or ``.keras`` file. An axis that the file fixes is a branch: what it states, or another size, which is refused."""

    def __init__(self, path: str, shapes, dtypes, mode):
        from whyshape.readers.file import opened

        super().__init__(shapes, dtypes, mode)
        self.file = opened(path, dtypes)
        stated = [of for _, of in self.file.inputs]
        if len(stated) != len(shapes) or any(len(s) != len(of) for s, of in zip(shapes, stated)):
            given = " and ".join("x".join(map(str, s)) for s in shapes)
            raise WhyshapeError(f"The file has inputs of {' and '.join(str(len(of)) for of in stated)} axes; {given} is given.")
        self.fixed = [(i, a, n) for i, of in enumerate(stated) for a, n in enumerate(of) if isinstance(n, int) and self.letters[i][a]]

    def __call__(self, at):
        sizes = self.sizes(at)
        apart = [(i, a, n) for i, a, n in self.fixed if sizes[i][a] != n]
        if not apart:
            return self.marked(self.file.read(sizes, letters=self.letters), self.fixed, "==")
        i, a, _ = apart[0]
        label, stated = self.file.inputs[i]
        held = tuple(Tensor(s, "float32", "input", name) for s, (name, _) in zip(sizes, self.file.inputs))
        refused = fixed_at(label, stated, sizes[i], [a], "the file")._replace(type="input")  # the file's own check, not an operator's
        alone = Graph(held, (), tuple(range(len(held))), (), problem=refused)
        return self.marked(alone, apart[:1], "!=")

    def marked(self, graph: Graph, where, relation: str) -> Graph:
        """The graph with its letters, and the branches on the axes that the file fixes."""
        tensors, branches = list(graph.tensors), list(graph.branches)
        for index, axes in zip(graph.inputs, self.letters):
            tensors[index] = tensors[index]._replace(axes=axes)
        for i, a, n in where:
            t = graph.inputs[i]
            branches.append(Cond(relation, leaf(graph.tensors[t].shape[a], self.letters[i][a], INPUT, ("axis", t, a)), n))
        return graph._replace(tensors=tuple(tensors), branches=tuple(branches))


def _steps(tracer) -> list[Step]:
    """The calls a tracer followed, and the one that was refused."""
    from whyshape.readers.torch.values import tensors_in

    calls = [step(c[0], c[1], c[2], [t.shape for t in tensors_in(c[3])]) for c in tracer.calls if c[0] != "alias"]
    if tracer.refused is not None:
        call = tracer.refused[1]
        calls.append(step(call.op, call.args, call.kwargs, None))
    return calls


def again(model: Any, shapes: tuple[tuple, ...], dtypes=None, mode: str = "eval") -> Again:
    """A model to be read at any sizes of its letters.

    ``model``: a `torch.nn.Module`, a network in notation, or the name of an ``.onnx`` or ``.keras`` file. ``shapes``: one for each input, letters for free axes.
    A forward that raises gives the graph up to there, with a `Problem` of kind "other".

    >>> net = again("Conv2d(1, 10, 5)", [(1, 1, "H", 28)])
    >>> net.runs([{"H": 4}, {"H": 5}])
    [False, True]
    """
    if isinstance(model, str):
        if target.kind_of(model) in ("onnx", "keras"):
            return _File(model, tuple(shapes), dtypes, mode)
        model = notation.parse(model)
    kind = _Notation if isinstance(model, list) else _Torch
    return kind(model, tuple(shapes), dtypes, mode)


__all__ = ["Again", "again"]
