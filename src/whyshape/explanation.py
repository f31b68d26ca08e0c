"""An explanation: a network that was read, and every question that can be asked of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph

LEVELS = ("brief", "default", "full")  # how much is told


class Explanation:
    """A network, explained. Prints itself; every further question is a method."""

    def __init__(self, graph: Graph, model: Any = None, verified=None):
        self.graph = graph
        self.model = model
        self.verified = verified

    def __getstate__(self) -> dict:
        """What travels: the graph itself, where until then only its making stands."""
        return {**vars(self), "graph": self.graph.settled()}

    # -- what it says --------------------------------------------------------------------------------------------------

    def story(self, level: str = "default", depth: int | None = None, both: bool = False) -> list:
        """The explanation as display blocks. ``level``: brief, default, full; ``depth``: of a large network's table; ``both``: see `text`."""
        from whyshape.analyses.explain import story
        from whyshape.graph import collector_paused
        from whyshape.story import Sentence

        if level not in LEVELS:
            raise WhyshapeError(f"a level is {', '.join(LEVELS)}; {level!r} arrived")
        with collector_paused():
            blocks = story(self.graph, level, depth, both)
        if self.verified is not None:
            blocks.append(Sentence(self.verified_sentence()))
        return blocks

    def verified_sentence(self) -> str:
        """How many shapes PyTorch was asked for, and whether it agrees."""
        n, differ = self.verified.checked, self.verified.differences
        if not n and not differ:
            return "Nothing was compared with PyTorch: no result shape came from a rule."
        if not differ:
            return f"PyTorch agrees: {n:,} result shapes were computed by both and are equal."
        first = differ[0]
        where = first.path or "forward"
        return f"PyTorch differs in {len(differ)} of {n:,} results; first {first.op} in {where}: {first.rule} here, {first.torch} there."

    @cached_property
    def chain(self) -> str:
        """The sizes from input to output in one line."""
        from whyshape.analyses.explain import chain

        return " -> ".join(chain(self.graph))

    @property
    def problem(self):
        """Where the model stopped, or None."""
        return self.graph.problem

    @cached_property
    def hazards(self) -> tuple:
        """What runs and may yet be wrong, each with its evidence."""
        from whyshape.analyses.hazards import hazards

        return hazards(self.graph)

    def text(self, level: str = "default", depth: int | None = None, width: int | None = None, both: bool = False) -> str:
        """The explanation as text. ``both``: every size in Keras' order too, maps last; of a Keras model in PyTorch's, maps first."""
        from whyshape.writers.text import write

        return write(self.story(level, depth, both), width)

    def __str__(self):
        return self.text()

    def __repr__(self):
        return f"Explanation({self.chain})"

    def markdown(self, level: str = "default", depth: int | None = None, both: bool = False) -> str:
        """The explanation as Markdown."""
        from whyshape.writers.markdown import write

        return write(self.story(level, depth, both))

    def to_dict(self) -> dict:
        """The explanation as data: schema ``whyshape.explanation.v1``."""
        from whyshape.analyses.data import explanation

        return explanation(self)

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    # -- where, which, why ---------------------------------------------------------------------------------------------

    def why(self, what, mine: int | None = None):
        """Where a number, a place or a step comes from: ``320``, ``"fc.fc1.in_features"``, ``"24->12"``."""
        from whyshape.analyses.why import why

        return why(self.graph, what, mine=mine)

    def accepts(self):
        """The exact set of inputs, over the letters the explanation was asked with, else over the places of the first input."""
        from whyshape.api import accepts

        graph = self.graph
        shapes = []
        for i in graph.inputs:
            t = graph.tensors[i]
            shapes.append(tuple(letter or int(n) for n, letter in zip(t.shape, t.axes or ("",) * len(t.shape))))
        if not any(isinstance(n, str) for s in shapes for n in s) and len(shapes[0]) > 1:
            words = ("D", "H", "W") if len(shapes[0]) > 4 else ("H", "W") if len(shapes[0]) == 4 else ("L",)
            shapes[0] = (*shapes[0][: -len(words)], *words)
        dtypes = [graph.tensors[i].dtype for i in graph.inputs]
        return accepts(graph if self.model is None else self.model, shapes, dtypes, "train" if graph.training else "eval")

    # -- what it costs -------------------------------------------------------------------------------------------------

    @cached_property
    def parameters(self):
        """Every parameter and buffer, with its multiplication."""
        from whyshape.analyses.parameters import parameters

        return parameters(self.graph)

    @cached_property
    def costs(self):
        """The operations of every call: multiply-adds, other work, the backward pass, published conventions."""
        from whyshape.analyses.operations import operations

        return operations(self.graph)

    def memory(self, optimizer: str = "adam", **settings):
        """What training and inference hold in memory, in bytes. ``settings``: ``autocast="bfloat16"``, ``checkpoint``, ``state_dtype``,
        and other sizes for letters of the input (``N=64``)."""
        from whyshape.analyses.memory import memory

        return memory(self.graph, optimizer, **settings)

    def receptive_field(self, layer: str):
        """Which part of the input a cell of the layer's result sees: by axis of the input a `Field`. Prints itself."""
        from whyshape.analyses.field import fields
        from whyshape.analyses.figure import find
        from whyshape.analyses.looks import Sight

        found = fields(self.graph).of(find(self.graph, layer))
        if found is None:
            raise WhyshapeError(f"{layer} does not depend on the input")
        return Sight(found)

    def _layers(self, count: str):
        from whyshape.analyses.costs import costs

        return costs(self.graph, count)

    def to_pandas(self, count: str = "macs"):
        """Every operator call with its costs as a `pandas.DataFrame`; operations as ``count`` counts: macs, flops, fvcore, torch."""
        return self._layers(count).to_pandas()

    def to_csv(self, path: str | None = None, count: str = "macs") -> str:
        """The same as comma-separated values; written to a file if a ``path`` is given."""
        from whyshape.analyses.costs import COLUMNS
        from whyshape.writers.csv import write
        from whyshape.writers.pictures import put

        text = write(COLUMNS, [row.values() for row in self._layers(count).rows()])
        if path:
            put(path, text.encode())
        return text

    def latex(self, level: str = "default", depth: int | None = None, both: bool = False) -> str:
        """The explanation as LaTeX."""
        from whyshape.writers.latex import write

        return write(self.story(level, depth, both))

    # -- real numbers --------------------------------------------------------------------------------------------------

    def value(self, layer: str, at, input=None):
        """One number of a layer's result, opened into what it is made of, beside PyTorch's own. Needs a PyTorch model."""
        from whyshape.lab.values import value

        if self.model is None or isinstance(self.model, str):
            raise WhyshapeError("a value needs the model itself: explain a torch.nn.Module")
        if input is None:
            import torch

            shape = [int(n) for n in self.graph.tensors[self.graph.inputs[0]].shape]
            input = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        return value(self.model, layer, at, input)

    # -- pictures ------------------------------------------------------------------------------------------------------

    def page(self) -> str:
        """The interactive report, one offline HTML page."""
        from whyshape.analyses.known import known
        from whyshape.analyses.report import report
        from whyshape.writers.html import page

        return page(report(self.graph, **known(self.graph, verified=self.verified_sentence() if self.verified else "")))

    def report(self, path: str) -> None:
        """Write the interactive report to a file."""
        from whyshape.writers.pictures import put

        put(path, self.page().encode())

    def figure(self, kind: str = "arch", path: str | None = None, layer: str | None = None, width: str | None = None,
               style: str = "lenet", depth: int = 1) -> bytes:  # fmt: skip
        """A figure (``arch``, ``conv``, ``steps``, ``weight``, ``rf``, ``graph``) as bytes: SVG, or what the ending of ``path`` says (.svg .pdf .png .tex).

        ``width``: ``column`` (84 mm) or ``page`` (174 mm). ``style`` of arch: ``lenet``, ``blocks``, ``table``. ``depth``: how many levels
        of modules graph opens.
        """
        from whyshape.analyses.figure import drawn
        from whyshape.writers.pictures import ending, put, scene_bytes

        content = scene_bytes(drawn(self.graph, kind, layer, width, style, depth), ending(path) if path else "svg")
        if path:
            put(path, content)
        return content

    def animate(self, layer: str, path: str | None = None) -> bytes:
        """The layer's window on its way, as bytes: SVG, or what the ending of ``path`` says (.svg .gif .mp4)."""
        from whyshape.analyses.animate import film
        from whyshape.analyses.figure import find
        from whyshape.writers.pictures import ending, film_bytes, put

        content = film_bytes(film(self.graph, find(self.graph, layer)), ending(path) if path else "svg")
        if path:
            put(path, content)
        return content

    def show(self, height: int = 900):
        """The interactive report in a notebook one trusts, in a frame of its own."""
        from IPython.display import HTML

        from whyshape.writers.notebook import frame

        return HTML(frame(self.page(), height))

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        from whyshape.analyses.notebook import mimebundle

        return mimebundle(self)

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]
