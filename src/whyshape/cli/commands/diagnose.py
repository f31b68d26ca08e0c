"""``whyshape diagnose``: why a model fails on an input, and the changes that make it run."""

from __future__ import annotations

import argparse

from whyshape.cli import options as common

HELP = "why it fails, fixes that were tried, and silent mistakes"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.target(parser)
    common.inputs(parser, "same")
    common.output(parser)


def run(options: argparse.Namespace) -> int:
    from whyshape.analyses.diagnose import diagnose
    from whyshape.errors import WhyshapeError
    from whyshape.readers import target

    if options.target is None:
        from whyshape.lab.network import ThreadNet

        model, shapes = ThreadNet(), common.shapes(options.input) or [(1, 1, 28, 28)]
    else:
        shapes = common.shapes(options.input)
        if target.kind_of(options.target) in ("onnx", "keras", "json"):
            return answered(of_file(options.target, shapes, options.dtype), options)
        model = target.load(options.target)
    if shapes is None:
        raise WhyshapeError("an input is needed: add --input, as --input 1,3,224,224")
    numbers_only(shapes)
    return answered(diagnose(model, shapes, dtypes=options.dtype, mode=options.mode), options)


def of_file(path: str, shapes, dtypes):
    """A file's network; without ``--input`` at the sizes the file states."""
    from whyshape.analyses.diagnose_graph import diagnose_graph

    numbers_only(shapes or [])
    return diagnose_graph(path, shapes, dtypes)


def numbers_only(shapes) -> None:
    from whyshape.errors import WhyshapeError

    if any(isinstance(n, str) for s in shapes for n in s):
        raise WhyshapeError("diagnose asks about one input: give numbers for every axis; `whyshape accepts` takes letters")


def answered(found, options: argparse.Namespace) -> int:
    """The diagnosis printed; its exit code."""
    common.write(found.to_json() if options.json else str(found), options)
    return found.exit_code
