"""``whyshape value``: one output number as what it is made of."""

from __future__ import annotations

import argparse
import sys

from whyshape.cli.output import say
from whyshape.errors import WhyshapeError

HELP = "one output number as window times kernel, channel by channel, beside PyTorch's value"
EPILOG = "Naming a .py file or a package as TARGET imports it, which runs its code.\n"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="file.py:Net or package.module:factory; the thread's network, trained, without one"
    )
    parser.add_argument("--layer", required=True, metavar="PATH", help="the layer's path, such as conv.conv_2")
    parser.add_argument("--at", required=True, metavar="I,J,K", help="which number: map,row,column, counted from 0")
    parser.add_argument("--input", metavar="INPUT", help="an image file, or a shape such as 1,3,32,32 for random numbers")
    parser.add_argument("--open", metavar="MAPS", help="show the products of these input maps one by one: 0,3 or all")
    parser.add_argument("--json", action="store_true", help="all of it as JSON")


def run(options: argparse.Namespace) -> int:
    from whyshape.lab import needs_extra

    at, shown = numbers("--at", options.at), options.open
    with needs_extra("lab"):
        from whyshape.lab.pictures import target_and_input
        from whyshape.lab.value_text import text
        from whyshape.lab.values import value

    model, taken, words = target_and_input(options.target, options.input)
    found = value(model, options.layer, at, taken)
    if options.json:
        say(found.to_json())
    else:
        maps = range(len(found.opened.parts)) if shown == "all" else numbers("--open", shown) if shown else None
        print(f"input: {words}", file=sys.stderr)
        say(text(found, maps))
    return 0 if found.equal else 1


def numbers(option: str, given: str) -> tuple[int, ...]:
    """``3,5,7`` as whole numbers."""
    try:
        return tuple(int(word) for word in given.split(","))
    except ValueError:
        raise WhyshapeError(f"{option} takes whole numbers with commas between, such as 3,5,7; {given!r} was given") from None
