"""A model read again and again at other sizes of its free axes: what `accepts` explores with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.readers import notation


def again(model: Any, shapes: tuple[tuple, ...], dtypes=None, mode: str = "eval") -> Callable[[Mapping[str, int]], Graph]:
    """A function from the letters' sizes to the model's graph at these sizes.

    ``model``: a `torch.nn.Module`, or a network in notation. ``shapes``: one for each input, letters for free axes.
    A forward that raises gives the graph up to there, with a `Problem` of kind "other".
    """
    letters = [tuple(n if isinstance(n, str) else "" for n in shape) for shape in shapes]
    at_sizes = lambda at: [tuple(at[n] if isinstance(n, str) else n for n in shape) for shape in shapes]
    if isinstance(model, str):
        model = notation.parse(model)
    if isinstance(model, list):
        if len(shapes) != 1:
            raise WhyshapeError(f"a network in notation takes one input, {len(shapes)} were given")
        dtype = str(dtypes[0]) if dtypes else "float32"
        return lambda at: notation.build(model, at_sizes(at)[0], dtype, letters[0], training=mode == "train")

    from whyshape.readers.torch import read

    def run(at: Mapping[str, int]) -> Graph:
        try:
            return read(model, at_sizes(at), dtypes=dtypes, mode=mode, letters=letters)
        except WhyshapeError as error:
            graph = getattr(error, "graph", None)
            if graph is None:
                raise
            from whyshape.graph import Problem

            return graph._replace(problem=Problem(str(error), {}, kind="other"))

    return run
