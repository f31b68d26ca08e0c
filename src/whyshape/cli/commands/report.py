"""`whyshape report`: one offline page about a model."""

from __future__ import annotations

import shlex
import sys

from whyshape.cli import options as opt
from whyshape.cli.output import write

HELP = "write one offline HTML page: every layer, its formula with numbers, knobs to turn, what sizes fit"


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser)
    parser.add_argument("-o", "--output", metavar="FILE", default="report.html", help="the page (default: report.html)")
    parser.add_argument("--verify", action="store_true", help="run PyTorch's own shapes beside the rules and say so in the page")
    parser.add_argument("--stamp", action="store_true", help="write the command into the page; without it equal models give equal bytes")


def run(options) -> int:
    from whyshape.analyses.diagnose.message import diagnosed
    from whyshape.analyses.known import known
    from whyshape.analyses.report import report
    from whyshape.api import explain
    from whyshape.writers.html import page

    model, shapes = opt.model_of(options, options.verify)
    answer = explain(model, shapes, dtypes=options.dtype, mode=options.mode, verify=options.verify)
    diagnosis = diagnosed(answer.graph, answer.model) if answer.problem is not None else None
    extras = known(answer.graph, diagnosis, answer.verified_sentence() if answer.verified is not None else "")
    if options.stamp:
        extras["checks"].append(f"Written by: whyshape {shlex.join(sys.argv[1:])}")
    write(page(report(answer.graph, **extras)), options, end="")
    return 1 if answer.problem is not None else 0
