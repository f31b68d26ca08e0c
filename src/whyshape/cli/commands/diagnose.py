"""`whyshape diagnose`: why a model fails on an input, and the changes that make it run."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.output import show_lines
from whyshape.errors import WhyshapeError

HELP = "why it fails, fixes that were tried, and silent mistakes"


def arguments(parser) -> None:
    opt.target(parser)
    opt.inputs(parser, "same")
    opt.output(parser)


def run(options) -> int:
    from whyshape.api import diagnose
    from whyshape.readers import target

    shapes = opt.shapes(options.input)
    if options.target is None:
        model, shapes = target.load(None), shapes or [(1, 1, 28, 28)]
    else:
        model = options.target
    if any(isinstance(n, str) for shape in shapes or () for n in shape):
        raise WhyshapeError("diagnose asks about one input: give numbers for every axis; `whyshape accepts` takes letters")
    if shapes is None and not target.is_file(model):
        raise WhyshapeError("an input is needed: add --input, as --input 1,3,224,224")
    found = diagnose(model, shapes, dtypes=options.dtype, mode=options.mode)
    show_lines(str(found), found.to_dict(), options)
    return found.exit_code
