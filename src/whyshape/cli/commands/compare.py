"""`whyshape compare`: two networks side by side."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.commands.costs import graph_of, show

HELP = "what differs between two networks: sizes, costs, receptive field"


def arguments(parser) -> None:
    parser.add_argument("a", metavar="A", help="the first target")
    parser.add_argument("b", metavar="B", help="the second target")
    opt.inputs(parser)
    opt.output(parser)


def run(options) -> int:
    from whyshape.analyses.compare import compare

    found = compare(graph_of(options, options.a), graph_of(options, options.b))
    show(found, options)
    return 0 if found.equal else 1
