"""Figures for papers and lessons: the architecture, one layer's window, its steps and its weights, the receptive field, the graph of parts.

Every number is the graph's own. The doors: `drawn` for any figure, `find` for a layer by its name.
"""

from __future__ import annotations

from whyshape.analyses.figure.arch import architecture
from whyshape.analyses.figure.conv import convolution
from whyshape.analyses.figure.found import find, first_learned, first_window
from whyshape.analyses.figure.parts import parts
from whyshape.analyses.figure.rf import receptive
from whyshape.analyses.figure.steps import steps
from whyshape.analyses.figure.table import table
from whyshape.analyses.figure.weight import weights
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.story.scene import WIDTHS, Scene

KINDS = ("arch", "conv", "steps", "weight", "rf", "graph")
STYLES = ("lenet", "blocks", "table")


def drawn(graph: Graph, kind: str, layer: str | None = None, width: str | None = None, style: str = "lenet", depth: int = 1) -> Scene:
    """The figure of that kind.

    ``width`` is ``column`` (84 mm) or ``page`` (174 mm; what arch takes by itself); ``style`` is of arch: ``lenet``, ``blocks`` or
    ``table``; ``layer`` is which layer of conv, steps and weight, which module of graph; ``depth`` is how many levels of modules graph opens.
    Raises `WhyshapeError` where there is nothing of that kind to draw.
    """
    if width not in (None, *WIDTHS):
        raise WhyshapeError(f"a figure is a column or a page wide, not {width!r}")
    if style not in STYLES:
        raise WhyshapeError(f"the styles of arch are {', '.join(STYLES)}, not {style!r}")
    room = WIDTHS[width or ("page" if kind == "arch" else "column")]
    match kind:
        case "arch":
            return table(graph, room) if style == "table" else architecture(graph, room, style)
        case "conv":
            return convolution(graph, find(graph, layer) if layer else first_window(graph), room)
        case "steps":
            return steps(graph, find(graph, layer) if layer else first_window(graph), room)
        case "weight":
            return weights(graph, find(graph, layer) if layer else first_learned(graph), room)
        case "rf":
            return receptive(graph, room)
        case "graph":
            return parts(graph, layer or "", WIDTHS[width] if width else 0, depth)
    raise WhyshapeError(f"a figure is {', '.join(KINDS[:-1])} or {KINDS[-1]}, not {kind!r}")


__all__ = [
    "KINDS",
    "STYLES",
    "architecture",
    "convolution",
    "drawn",
    "find",
    "first_window",
    "parts",
    "receptive",
    "steps",
    "table",
    "weights",
]
