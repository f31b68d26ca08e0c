"""`whyshape layer`: one layer, no framework needed."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.output import write, write_json, write_text
from whyshape.errors import WhyshapeError

HELP = 'explain one layer, without any framework: whyshape layer "Conv2d(1, 10, 5)" --input 1,28,28'


def arguments(parser) -> None:
    parser.add_argument("layer", metavar="LAYER", help='the layer as PyTorch writes it: "Conv2d(1, 10, 5)", or several joined by >')
    parser.add_argument("--input", metavar="SHAPE", help="the shape that comes in, as 1,28,28 (maps, height, width) or with a batch")
    parser.add_argument(
        "--mode", choices=("eval", "train"), default="eval", help="as the layer behaves in eval or in training (default: eval)"
    )
    opt.output(parser)
    opt.both(parser)
    parser.add_argument("--brief", action="store_true", help="sizes only")


def run(options) -> int:
    from whyshape.api import explain
    from whyshape.readers import notation

    if not notation.looks_like(options.layer):
        notation.parse(options.layer)  # says what is wrong with it
        raise WhyshapeError(f"{options.layer!r} is no layer; write it as Conv2d(1, 10, 5)")
    answer = explain(options.layer, [opt.shape(options.input)] if options.input else None, mode=options.mode)
    if options.json:
        write_json(answer.to_dict(), options)
    elif options.markdown:
        write(answer.markdown("brief" if options.brief else "default", both=options.both), options)
    else:
        write_text(answer.text("brief" if options.brief else "default", both=options.both), options)
    return 1 if answer.problem is not None else 0
