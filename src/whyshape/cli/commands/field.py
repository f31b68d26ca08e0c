"""`whyshape field`: which part of the input a cell looks at."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.commands.costs import graph_of, show
from whyshape.errors import WhyshapeError

HELP = "the receptive field of every layer, or of one cell: whyshape field net.py:Net conv.pool_2 --cell 1,2"
EPILOG = "One word names a layer of the thread's network; with a TARGET, the second word names the layer. Cells are counted from 0.\n"


def arguments(parser) -> None:
    parser.add_argument("words", nargs="*", metavar="[TARGET] [LAYER]", help="the target, and the path of a layer")
    opt.inputs(parser)
    opt.output(parser)
    parser.add_argument("--cell", metavar="I,J", help="a place of the layer's output, counted from 0")


def run(options) -> int:
    from whyshape.analyses.looks import cell_of, table_of

    words = list(options.words)
    if len(words) > 2:
        raise WhyshapeError(f"a target and a layer are wanted, {len(words)} words arrived")
    options.target = words.pop(0) if words and (len(words) == 2 or _is_target(words[0])) else None
    graph = graph_of(options)
    if options.cell is not None:
        try:
            cell = tuple(int(n) for n in options.cell.split(","))
        except ValueError:
            raise WhyshapeError(f"{options.cell!r} is no cell; write 1,2 for row 1, column 2") from None
        show(cell_of(graph, words[0] if words else "", cell), options)
    else:
        show(table_of(graph, words[0] if words else ""), options)
    return 0


def _is_target(word: str) -> bool:
    return ":" in word or "(" in word or ">" in word or word.endswith((".onnx", ".keras", ".json"))
