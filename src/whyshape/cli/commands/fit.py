"""`whyshape fit`: the largest batch and the largest image for a given memory."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.commands.costs import graph_of
from whyshape.cli.output import show

HELP = "the largest batch and the largest image that fit: whyshape fit net.py:Net --input N,3,H,W --memory 24GiB"


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser, "train")
    opt.output(parser)
    parser.add_argument("--memory", required=True, metavar="SIZE", help="how much there is, as 24GiB, 512MB or a number of bytes")
    parser.add_argument("--inference", action="store_true", help="for running, not for training")
    opt.training(parser)


def run(options) -> int:
    from whyshape.analyses.fit import amount_of_bytes, fit

    budget = amount_of_bytes(options.memory)
    if options.target is None and not options.input:
        options.input = ["N,1,28,28"]
    found = fit(
        graph_of(options),
        budget,
        not options.inference,
        optimizer=options.optimizer,
        checkpoint=tuple(options.checkpoint),
        autocast=options.autocast,
    )
    show(found, options)
    return 0 if found.fits else 1
