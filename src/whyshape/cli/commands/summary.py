"""`whyshape summary`: the table torchinfo's users know."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.commands.costs import graph_of
from whyshape.cli.output import show_lines

HELP = "the table torchinfo's users know, with every number computed"
COLUMNS = ("input_size", "output_size", "other_order", "num_params", "params_percent", "kernel_size", "mult_adds", "trainable")
ROWS = ("depth", "var_names", "ascii_only", "hide_recursive_layers")


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser)
    opt.output(parser)
    parser.add_argument("--depth", type=opt.levels, default=3, metavar="N", help="how deep modules are opened (default: 3)")
    parser.add_argument(
        "--columns", nargs="+", choices=COLUMNS, default=["output_size", "num_params", "mult_adds"], metavar="NAME", help=", ".join(COLUMNS)
    )
    opt.both(parser)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=["depth"], metavar="NAME", help=", ".join(ROWS))


def run(options) -> int:
    from whyshape.analyses.summary import summarised

    columns = list(dict.fromkeys(options.columns))
    if options.both and "other_order" not in columns:
        columns.insert(columns.index("output_size") + 1 if "output_size" in columns else 0, "other_order")
    found = summarised(graph_of(options), options.depth, tuple(columns), frozenset(options.rows))
    show_lines(str(found), found.to_dict(), options, wrap=False)
    return 0
