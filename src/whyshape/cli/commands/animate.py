"""`whyshape animate`: a layer's window walking over its true sizes."""

from __future__ import annotations

import sys
from pathlib import Path

from whyshape.cli import options as opt
from whyshape.cli.output import say

HELP = "let a layer's window walk: an SVG that moves, a GIF, an MP4, or one picture a place"


def arguments(parser) -> None:
    parser.add_argument("layer", metavar="LAYER", help="the path of a convolution or a pool, or the end of it: conv_1")
    opt.target(parser)
    opt.inputs(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file; its ending says how: .svg .gif .mp4")
    parser.add_argument(
        "--frames", action="store_true", help="one file for each place: FILE with a number before its ending (.svg .pdf .png)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if FILE is not what the model gives now")


def run(options) -> int:
    from whyshape.analyses.animate import film
    from whyshape.analyses.figure import find
    from whyshape.api import explain
    from whyshape.writers.pictures import ending, film_bytes, put, scene_bytes, stale
    from whyshape.writers.text import wrapped

    model, shapes = opt.model_of(options)
    graph = explain(model, shapes, dtypes=options.dtype, mode=options.mode).graph
    shown, kind = film(graph, find(graph, options.layer)), ending(options.output)
    if options.frames:
        frames, path = shown.frames, Path(options.output)
        for i, scene in enumerate(frames):
            put(path.with_stem(f"{path.stem}-{i:03d}"), scene_bytes(scene, kind))
        print(f"written: {len(frames)} files", file=sys.stderr)
    else:
        content = film_bytes(shown, kind)
        if options.check:
            old = stale(options.output, content)
            print(f"{options.output} {'is stale: the layer walks differently now' if old else 'is what the model gives'}", file=sys.stderr)
            return int(old)
        put(options.output, content)
        print(f"written: {options.output}", file=sys.stderr)
    say("\n".join(wrapped(shown.still.words)))
    return 0
