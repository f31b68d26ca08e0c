"""`whyshape costs`: parameters, operations, memory and receptive field of every layer."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.output import show, write
from whyshape.errors import WhyshapeError

HELP = "what a network costs: parameters, operations, memory and receptive field, layer by layer"
COUNTS = ("macs", "flops", "fvcore", "torch")


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser)
    opt.output(parser)
    parser.add_argument("--count", choices=COUNTS, default="macs", help="what an operation is: multiply-adds (macs), or as others count")
    opt.training(parser)
    opt.both(parser)
    parser.add_argument("--csv", action="store_true", help="print the layers as comma-separated values")
    parser.add_argument("--latex", action="store_true", help="print LaTeX (booktabs)")


def run(options) -> int:
    from whyshape.analyses.costs import COLUMNS, costs

    found = costs(
        graph_of(options), options.count, optimizer=options.optimizer, checkpoint=tuple(options.checkpoint), autocast=options.autocast
    )._replace(both=options.both)
    if options.csv:
        from whyshape.writers.csv import write as csv

        write(csv(COLUMNS, [row.values() for row in found.rows()]), options, end="")
    else:
        show(found, options)
    return 0


def graph_of(options, target=None):
    """The graph of the target, and a refusal where it does not run to its end."""
    from whyshape.api import read

    if target is not None:
        options.target = target
    model, shapes = opt.model_of(options)
    graph = read(model, shapes, None, options.dtype, options.mode)
    if graph.problem is not None:
        at = graph.problem.path or "forward"
        raise WhyshapeError(f"{at} ({graph.problem.op}) cannot run: {graph.problem.sentence}; whyshape diagnose says why")
    return graph
