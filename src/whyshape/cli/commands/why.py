"""`whyshape why`: where a number comes from."""

from __future__ import annotations

from whyshape.cli import options as opt
from whyshape.cli.output import show
from whyshape.errors import WhyshapeError

HELP = 'where a number comes from: why 320, why net.py:Net fc.fc1.in_features, why "24->12"'
EPILOG = """\
WHAT is a number (320), a place (conv_1.out_channels, conv_1.parameters,
conv_1), a step in quotes ("24->12"), or one of the words input, channels,
keras, accepts. With --error, the text of an error message is read instead.
Naming a .py file or a package as TARGET imports it, which runs its code.
"""


def arguments(parser) -> None:
    parser.add_argument("words", nargs="*", metavar="[TARGET] WHAT", help="what to ask, after the target where one is meant")
    opt.inputs(parser)
    opt.output(parser)
    parser.add_argument("--mine", type=int, metavar="N", help="your own result, to see which slip gives it")
    parser.add_argument("--error", metavar="TEXT", help="an error message to read")


def run(options) -> int:
    words = list(options.words)
    if options.error is not None:
        return explain_error(options, words)
    if not words:
        raise WhyshapeError("nothing is asked: write a number, a place or a step, as whyshape why 320")
    what = words.pop()
    if len(words) > 1:
        raise WhyshapeError(f"one target and one question are wanted, {len(words) + 1} words arrived; put a target with blanks in quotes")
    if what.endswith("-") and what[:-1].isdigit():
        raise WhyshapeError(f'the shell read the > after {what} and wrote to a file; put a step in quotes: whyshape why "{what}>12"')
    options.target = words[0] if words else None
    from whyshape.cli.commands.explain import asked

    found = asked(options).why(what, mine=options.mine)
    show(found, options)
    return 0


def explain_error(options, words: list[str]) -> int:
    """What an error message says, and with a target the diagnosis."""
    from whyshape.analyses.diagnose.message import read_message

    graph = model = None
    options.target = words[0] if words else None
    if options.target is not None or options.input:
        from whyshape.cli.commands.explain import asked

        explained = asked(options)
        graph, model = explained.graph, explained.model
    show(read_message(options.error, graph, model), options)
    return 0
