"""`whyshape compare`: two networks side by side."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.commands.costs import graph_of, show

HELP = "whether two networks are the same, and what differs: sizes, costs, receptive field, weights"


def arguments(parser) -> None:
    parser.add_argument("a", metavar="A", help="the first target")
    parser.add_argument("b", metavar="B", help="the second target")
    parser.add_argument("--weights", nargs="?", const="inline", choices=("inline", "all"), help="compare the values of the weights too, "
                        "those in the files themselves; with all, also those that an .onnx file keeps in files beside it")  # fmt: skip
    parser.add_argument("--run", action="store_true", help="run both on the same random numbers (PyTorch models and .onnx files)")
    opt.inputs(parser)
    opt.output(parser)


def run(options) -> int:
    from whyshape.analyses.compare import compare

    before, after = (graph_of(options, target) for target in (options.a, options.b))
    found = compare(before, after, weights=options.weights, run=options.run, models=(options.a, options.b))
    show(found, options)
    return 0 if found.equal else 1
