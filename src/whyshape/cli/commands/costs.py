"""`whyshape costs`: parameters, operations, memory and receptive field of every layer."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.errors import WhyshapeError

HELP = "what a network costs: parameters, operations, memory and receptive field, layer by layer"
COUNTS = ("macs", "flops", "fvcore", "torch")


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser)
    opt.output(parser)
    parser.add_argument("--count", choices=COUNTS, default="macs", help="what an operation is: multiply-adds (macs), or as others count")
    parser.add_argument(
        "--optimizer", default="adam", metavar="NAME", help="none, sgd, momentum, adam, adamw, rmsprop, adagrad (default: adam)"
    )
    parser.add_argument("--autocast", metavar="DTYPE", help="as under torch.autocast: bfloat16, float16, cuda:float16, cuda:bfloat16")
    parser.add_argument(
        "--checkpoint", action="append", default=[], metavar="PATH", help="a module whose activations are computed again instead of kept"
    )
    opt.both(parser)
    parser.add_argument("--csv", action="store_true", help="print the layers as comma-separated values")
    parser.add_argument("--latex", action="store_true", help="print LaTeX (booktabs)")


def run(options) -> int:
    from whyshape.analyses.costs import COLUMNS, costs

    found = costs(
        graph_of(options), options.count, optimizer=options.optimizer, checkpoint=tuple(options.checkpoint), autocast=options.autocast
    )._replace(both=options.both)
    if options.csv:
        from whyshape.writers.csv import write

        opt.write(write(COLUMNS, [row.values() for row in found.rows()]), options, end="")
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


def show(found, options) -> None:
    """Print an answer as it was asked for: JSON, Markdown, LaTeX or text."""
    if options.json:
        import json

        opt.write(json.dumps(found.to_dict(), indent=2, allow_nan=False), options)
    elif options.markdown:
        from whyshape.writers.markdown import write

        opt.write(write(found.story()), options)
    elif getattr(options, "latex", False):
        from whyshape.writers.latex import write

        opt.write(write(found.story()), options)
    else:
        opt.write_text(str(found), options)
