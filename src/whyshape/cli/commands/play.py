"""``whyshape play``: draw a digit and see every number the network makes of it."""

from __future__ import annotations

import argparse
import sys

from whyshape.cli.output import say
from whyshape.errors import WhyshapeError

HELP = "a page where you draw a digit and see every number the network makes of it"
EPILOG = "Naming a .py file or a package as TARGET imports it, which runs its code.\n"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="a model that takes 1,1,28,28; without one the trained network of the thread"
    )
    parser.add_argument("--save", metavar="FILE", help="write the page as one HTML file that needs nothing else, instead of serving it")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; a free one unless told")
    parser.add_argument("--mean", type=float, help="the mean your model's images were normalised with (pixels from 0 to 1)")
    parser.add_argument("--std", type=float, help="and their standard deviation")


def run(options: argparse.Namespace) -> int:
    from whyshape.lab import needs_extra

    with needs_extra("lab"):
        from whyshape.lab.pictures import network
        from whyshape.lab.trained import facts_shipped

    told = facts_shipped()
    if options.target is not None:  # another model: only the normalisation is taken over
        told = {"data": {"mean": told["data"]["mean"], "std": told["data"]["std"]}}
    for name in ("mean", "std"):
        if getattr(options, name) is not None:
            told["data"][name] = getattr(options, name)
    if not told["data"]["std"] > 0:
        raise WhyshapeError(f"--std must be above 0, {told['data']['std']} was given")
    model = network(options.target)
    title = f"whyshape play: {options.target or 'the network of the thread'}"
    return save(options.save, model, told, title) if options.save else serve(options.port, model, told, title)


def save(name: str, model, told: dict, title: str) -> int:
    from whyshape.lab.page import saved
    from whyshape.writers.pictures import put

    put(name, saved(model, told, title).encode())
    say(name)
    return 0


def serve(port: int, model, told: dict, title: str) -> int:
    from whyshape.lab import needs_extra

    with needs_extra("play"):
        from whyshape.lab import server

    def ready(address: str) -> None:
        say(address)
        print("Open this address in a browser on this machine; Ctrl+C ends.", file=sys.stderr, flush=True)

    server.serve(model, told, title, port, ready)
    return 0
