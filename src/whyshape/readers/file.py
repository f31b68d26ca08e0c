"""A file's network, opened once and read again: at other input sizes, with changes written into it, and on past what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.readers.mend import MOST, Mend, Mending, asked, others
from whyshape.rules.base import given


class File:
    """``inputs``: each input's name and its sizes, an int where the file fixes it, a letter or None where it is free."""

    inputs: list[tuple[str, tuple]]
    maps_last = False

    def read(self, shapes=None, edits=(), mending: Mending | None = None, letters=None) -> Graph:
        """The graph at these input sizes (None: those the file states), with the edits made; ``letters``: of each input's free axes."""
        raise NotImplementedError


class _Onnx(File):
    def __init__(self, path, dtypes):
        from whyshape.readers.onnx import inputs_of
        from whyshape.readers.onnx.wire import load

        self.model, self.name, self.dtypes = load(path), Path(path).name, dtypes
        self.inputs = [(name, of.shape) for name, of in inputs_of(self.model) if of.shape is not None]

    def read(self, shapes=None, edits=(), mending=None, letters=None):
        from whyshape.readers.onnx import followed
        from whyshape.readers.onnx.edits import edited

        return followed(edited(self.model, edits), self.name, shapes, self.dtypes, letters, mending)


class _Keras(File):
    maps_last = True

    def __init__(self, path, dtypes):
        from whyshape.readers.keras import inputs_of
        from whyshape.readers.keras.archive import config_of

        self.config, self.dtypes = config_of(path), dtypes
        self.inputs = [(name, tuple(shape)) for name, shape, _ in inputs_of(self.config)]

    def read(self, shapes=None, edits=(), mending=None, letters=None):
        from whyshape.readers.keras import followed
        from whyshape.readers.keras.edits import edited

        return followed(edited(self.config, edits), shapes, self.dtypes, letters, mending)


class _Held(File):
    """A graph: written as JSON, or in memory. It says no axis to be fixed."""

    def __init__(self, graph: Graph):
        self.graph = graph
        tensors = [graph.tensors[i] for i in graph.inputs]
        self.inputs = [(t.name, tuple(a or f"A{i}" for i, a in enumerate(t.axes or ("",) * len(t.shape)))) for t in tensors]

    def read(self, shapes=None, edits=(), mending=None, letters=None):
        from whyshape.readers.jsongraph import at_sizes

        if shapes is None and not edits:
            return self.graph
        args = dict(self.args(edit) for edit in edits)
        made = at_sizes(self.graph, shapes, args)
        while mending is not None and made.problem is not None and len(made.nodes) < len(self.graph.nodes):
            found = self.mended(made, self.graph.nodes[len(made.nodes)])
            if found is None or len(mending.found) >= MOST:
                break
            mending.found.append(found)
            args.update([self.args(found.edit)])
            made = at_sizes(self.graph, shapes, args)
        return made

    def args(self, edit: dict[str, Any]) -> tuple[int, tuple]:
        """A node, and its arguments with the sizes it is told changed."""
        for node in self.graph.nodes:
            if edit.get("layer") == self.named(node) and edit.get("attr") == "shape":
                return node.index, (node.args[0], tuple(edit["value"]))
        raise WhyshapeError(f"The graph has no call {str(edit.get('layer'))[:60]!r} whose sizes can be told.")

    def named(self, node: Node) -> str:
        """What a call is called in a fix: its path where no other call has that, else its place too."""
        shared = not node.path or sum(n.path == node.path for n in self.graph.nodes) > 1
        return f"{node.path or node.op}#{node.index}" if shared else node.path

    def mended(self, graph: Graph, node: Node) -> Mend | None:
        """Other sizes that a call which is told its sizes takes; those first that keep the first axis."""
        typed = given(node.args[1:])
        if node.rule is None or not node.rule.told_sizes or not node.inputs or not all(isinstance(n, int) for n in typed):
            return None
        x = graph.spec(node.inputs[0])
        made = [(wanted, asked(node.op, (x, wanted), {})) for wanted in others(x.shape, tuple(typed))]
        found = sorted((shape[:1] != x.shape[:1], wanted) for wanted, shape in made if shape is not None)
        if not found:
            return None
        now = [int(n) for n in found[0][1]]
        says = f"{self.named(node)}: the shape {now} instead of {[int(n) for n in typed]}"
        return Mend(graph, {"layer": self.named(node), "attr": "shape", "value": now}, says)


def opened(source: Graph | str | Path, dtypes=None) -> File:
    """The file of that name, or a graph. Raises `WhyshapeError` for a file that cannot be read."""
    from whyshape.readers import jsongraph, target

    if isinstance(source, Graph):
        return _Held(source)
    kind = target.kind_of(str(source))
    if kind == "json":
        return _Held(jsongraph.read(source))
    return {"onnx": _Onnx, "keras": _Keras}[kind](source, dtypes)


__all__ = ["File", "opened"]
