"""`whyshape compare`: two networks side by side."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.commands.costs import graph_of
from whyshape.cli.output import show

HELP = "whether two networks are the same, and what differs: sizes, costs, receptive field, weights"


def arguments(parser) -> None:
    parser.add_argument("a", metavar="A", help="the first target")
    parser.add_argument("b", metavar="B", help="the second target")
    parser.add_argument("--weights", nargs="?", const="inline", choices=("inline", "all"), help="compare the values of the weights too, "
                        "those in the files themselves; with all, also those that an .onnx file keeps in files beside it")  # fmt: skip
    parser.add_argument("--run", action="store_true", help="run both on the same random numbers (PyTorch models, .onnx and .keras files)")
    opt.inputs(parser)
    opt.output(parser)
    opt.both(parser)


def run(options) -> int:
    from whyshape.analyses.compare import compare
    from whyshape.analyses.compare_keras import beside, translates
    from whyshape.api import read

    pair = beside(options.a, options.b, bool(options.weights or options.run))
    module = lambda made: read(made, opt.shapes(options.input), None, options.dtype, options.mode)
    before, after = (graph_of(options, one) if isinstance(one, str) else module(one) for one in pair)
    found = compare(before, after, weights=options.weights, run=options.run, models=pair,
                    keras=translates(options.a, options.b))  # fmt: skip
    show(found._replace(both=options.both), options)
    return 0 if found.equal else 1
