"""`whyshape explain`: every layer, derived."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.output import write, write_json, write_text

HELP = "explain every size of a network: the formula with its numbers, and who decides each"


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser)
    opt.output(parser)
    parser.add_argument("--depth", type=opt.levels, metavar="N", help="how deep the table of a large network goes")
    opt.both(parser)
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--brief", action="store_true", help="sizes only")
    level.add_argument("--full", action="store_true", help="a card for every call, with its line of code")
    parser.add_argument("--latex", action="store_true", help="print LaTeX")
    parser.add_argument("--verify", action="store_true", help="run PyTorch's own shapes beside the rules and compare every one")


def run(options) -> int:
    answer = asked(options, verify=options.verify)
    level = "brief" if options.brief else "full" if options.full else "default"
    if options.json:
        write_json(answer.to_dict(), options)
    elif options.markdown:
        write(answer.markdown(level, options.depth, options.both), options)
    elif options.latex:
        write(answer.latex(level, options.depth, options.both), options)
    else:
        write_text(answer.text(level, options.depth, both=options.both), options)
    differs = answer.verified is not None and bool(answer.verified.differences)
    return 1 if answer.problem is not None or differs else 0


def asked(options, verify: bool = False):
    """The explanation of the target the options name; none means the thread's network, which needs no framework."""
    from whyshape.api import explain

    model, shapes = opt.model_of(options, verify)
    return explain(model, shapes, dtypes=options.dtype, mode=options.mode, verify=verify)
