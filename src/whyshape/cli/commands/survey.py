"""`whyshape survey`: many models, one table."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.output import write, write_json, write_text
from whyshape.errors import WhyshapeError

HELP = "many models in one table: parameters, multiply-adds, output, receptive field; filtered and sorted"
EPILOG = """\
examples:
  whyshape survey torchvision.models --where "macs < 5e9" --sort params
  whyshape survey "torchvision.models:resnet*" "timm:vit_tiny*" --columns name,macs,smallest
  whyshape survey net.py --input 1,1,28,28                  every model of a file
columns: name, params, macs, output, operators, field, smallest, input, source, problem
A condition knows < <= > >= == != in, and, or, not, numbers and texts:
"'resnet' in name and not params > 3e7".
Naming a .py file or a package imports it, which runs its code.
"""


def arguments(parser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a target, a file or package (all its models), or a pattern of names")
    parser.add_argument("--where", metavar="CONDITION", help="only the models that fit, as \"macs < 5e9 and 'vit' in name\"")
    parser.add_argument("--sort", metavar="COLUMN", help="by this column; -COLUMN, as --sort=-macs, for the largest first")
    parser.add_argument("--columns", metavar="A,B,..", help="which columns, in this order")
    parser.add_argument("--input", metavar="SHAPE", help="one shape for all models, as 1,3,224,224 (default: each model's own)")
    parser.add_argument("--dtype", action="append", metavar="DTYPE", help="the input's dtype, as int64")
    opt.modes(parser, "eval", "the models are")
    opt.output(parser)
    parser.add_argument("--csv", action="store_true", help="print CSV")


def run(options) -> int:
    from whyshape.surveys import survey

    size = opt.shape(options.input) if options.input else None
    if size is not None and any(isinstance(n, str) for n in size):
        raise WhyshapeError("a survey counts: give a number for every axis of --input")
    answer = survey(options.models, options.where, options.sort, options.columns, size, options.dtype, options.mode)
    if options.csv:
        write(answer.csv(), options, end="")
    elif options.json:
        write_json(answer.to_dict(), options)
    elif options.markdown:
        write(answer.markdown(), options)
    else:
        write_text(str(answer), options)
    failed = answer.rows and all(r["problem"] for r in answer.rows)
    return 3 if failed and len(answer.rows) == answer.asked else 0
