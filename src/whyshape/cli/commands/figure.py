"""`whyshape figure`: a picture for a paper or a lesson, every number from the model."""

from __future__ import annotations

import sys

from whyshape.cli import options as opt
from whyshape.errors import WhyshapeError

HELP = "draw the architecture, one convolution, the receptive field or a module's graph as SVG, PDF, PNG or TikZ"
KINDS = ("arch", "conv", "rf", "graph")
EPILOG = """\
arch   the whole model from left to right          conv   one layer: its window, what it makes, its formula
rf     what the middle cell of each layer sees     graph  the parts of a module and how they are joined; -o x.dot for Graphviz
"""


def arguments(parser) -> None:
    parser.add_argument("kind", choices=KINDS, help="what to draw")
    opt.target(parser)
    opt.inputs(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file; its ending says how: .svg .pdf .png .tex (.dot)")
    parser.add_argument("--layer", metavar="PATH", help="conv: which layer; graph: which module")
    parser.add_argument("--width", choices=("column", "page"), help="84 mm or 174 mm (default: page for arch, column otherwise)")
    parser.add_argument("--style", choices=("lenet", "blocks"), default="lenet", help="arch: drawn sizes, or plain blocks")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if FILE is not what the model gives now")


def run(options) -> int:
    from whyshape.api import explain
    from whyshape.writers.pictures import ending, put, scene_bytes, stale

    model, shapes = opt.model_of(options)
    graph = explain(model, shapes, dtypes=options.dtype, mode=options.mode).graph
    kind = ending(options.output)
    if kind == "dot":
        if options.kind != "graph":
            raise WhyshapeError(".dot is written for graph only: whyshape figure graph -o model.dot")
        from whyshape.analyses.parts import dot

        words, content = "", dot(graph, options.layer or "").encode()
    else:
        from whyshape.analyses.figure import drawn

        scene = drawn(graph, options.kind, options.layer, options.width, options.style)
        words, content = scene.words, scene_bytes(scene, kind)
    if options.check:
        old = stale(options.output, content)
        print(
            f"{options.output} {'is stale: the model gives other numbers or shapes now' if old else 'is what the model gives'}",
            file=sys.stderr,
        )
        return int(old)
    put(options.output, content)
    print(f"written: {options.output}", file=sys.stderr)
    if words:
        print(words)
        if kind == "pdf":
            print(f"\\includegraphics{{{options.output}}}")
    return 0
