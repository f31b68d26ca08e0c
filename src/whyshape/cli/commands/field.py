"""`whyshape field`: which part of the input a cell looks at."""

from __future__ import annotations

import difflib

from whyshape.cli import options as opt
from whyshape.cli.commands.costs import graph_of
from whyshape.cli.output import show
from whyshape.errors import WhyshapeError

HELP = "the receptive field of every layer, or of one cell: field net.py:Net conv.pool_2 --cell 1,2"
EPILOG = """\
One word names a layer of the thread's network; with a TARGET, the second word
names the layer. Naming a .py file or a package imports it, which runs its code.
"""


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
    words = [_path(graph, word) for word in words]
    if options.cell is not None:
        try:
            cell = tuple(int(n) for n in options.cell.split(","))
        except ValueError:
            raise WhyshapeError(f"{options.cell!r} is no cell; write 1,2 for row 1, column 2") from None
        show(cell_of(graph, words[0] if words else "", cell), options)
    else:
        show(table_of(graph, words[0] if words else ""), options)
    return 0


def _path(graph, word: str) -> str:
    """The path of a layer or of a module that holds layers, which may be told by its end where only one has it."""
    paths = dict.fromkeys(node.path for node in graph.nodes)
    if any(path == word or path.startswith(f"{word}.") for path in paths):
        return word
    ends = [path for path in paths if path.endswith(f".{word}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise WhyshapeError(f"{len(ends)} layers end in {word!r}: {', '.join(ends[:5])}{', ...' if len(ends) > 5 else ''}; write one whole")
    near = difflib.get_close_matches(word.rpartition(".")[2], {path.rpartition(".")[2]: path for path in paths}, 2)
    raise WhyshapeError(f"there is no layer {word!r}{'; did you mean ' + ' or '.join(near) + '?' if near else ''}")


def _is_target(word: str) -> bool:
    return ":" in word or "(" in word or ">" in word or word.endswith((".onnx", ".keras", ".json"))
