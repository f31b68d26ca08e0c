"""``whyshape maps``: the feature maps of every layer as one picture."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from whyshape.cli.output import say
from whyshape.errors import WhyshapeError

HELP = "the feature maps of every layer as one PNG"
EPILOG = "Naming a .py file or a package as TARGET imports it, which runs its code.\n"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="file.py:Net or package.module:factory; without one the trained network of the thread"
    )
    parser.add_argument("--input", metavar="INPUT", help="an image file, or a shape such as 1,3,32,32 for random numbers")
    parser.add_argument("--scale", choices=["layer", "map"], default="layer", help="one colour scale for a layer, or one for each map")
    parser.add_argument("-o", "--output", default="maps.png", metavar="FILE", help="where the PNG goes; maps.png unless told")


def run(options: argparse.Namespace) -> int:
    from whyshape.lab import needs_extra

    path = Path(options.output)
    if path.suffix.lower() != ".png":
        raise WhyshapeError(f"the picture is a PNG, so its name must end in .png; {path} does not")
    with needs_extra("lab"):
        from whyshape.lab.maps import maps
        from whyshape.lab.pictures import target_and_input
        from whyshape.writers.pictures import put

    model, taken, words = target_and_input(options.target, options.input)
    content = io.BytesIO()
    maps(model, taken, scale=options.scale).save(content, "PNG")
    put(path, content.getvalue())
    print(f"input: {words}", file=sys.stderr)
    say(str(path))
    return 0
