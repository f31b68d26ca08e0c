"""The command line: finds the command, runs it, and turns what goes wrong into one sentence.

Exit codes: 0 answered or fits, 1 a finding, 2 usage, 3 the model could not be run.
"""

from __future__ import annotations

import os
import sys
import textwrap
from importlib import import_module

from whyshape.cli.options import Parser
from whyshape.cli.output import answers_alone, by_ending, stdout
from whyshape.errors import WhyshapeError
from whyshape.writers.plain import safe
from whyshape.writers.text import width_of_screen

COMMANDS = os.path.join(os.path.dirname(__file__), "commands")
# Shown first in --help, in the order somebody new meets them; every other command follows by name.
FIRST = ("explain", "why", "accepts", "diagnose", "layer", "solve")

# Where the package to install has another name than the module.
PACKAGES = {"sklearn": "scikit-learn", "PIL": "pillow", "lightning_fabric": "lightning-fabric"}

EPILOG = """\
TARGET is file.py:Name, file.py:make(depth=3), package.module:factory,
model.onnx, model.keras, graph.json, or a network written out in quotes,
"Conv2d(1, 10, 5) > ReLU > Flatten". Without one, commands take the network of
the thread that started this tool. Naming a .py file or a package imports it,
which runs its code: do that only with code you trust.
"""


def names() -> list[str]:
    """Every command there is."""
    found = {f[:-3] for f in os.listdir(COMMANDS) if f.endswith(".py") and f[0] != "_"}
    return [n for n in FIRST if n in found] + sorted(found - set(FIRST))


def parser(only: str | None = None) -> Parser:
    """The parser, with all commands or, for speed, the one that was asked for."""
    top = Parser(prog="whyshape", description="Ask a neural network where its numbers come from.", epilog=EPILOG)
    top.add_argument("--version", action="store_true", help="print the version and leave")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser, prog="whyshape")
    for name in [only] if only else names():
        module = import_module(f"whyshape.cli.commands.{name}")
        about = commands.add_parser(name, help=module.HELP, description=textwrap.fill(module.HELP, width_of_screen() - 2))
        about.add_argument("--traceback", action="store_true", help="show Python's traceback when something goes wrong")
        module.arguments(about)
        about.epilog = getattr(module, "EPILOG", EPILOG if about.takes("target", "a") else None)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a command and give its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    only = argv[0] if argv and argv[0] in names() else None
    if argv[:1] == ["--version"]:
        from whyshape import __version__

        print(f"whyshape {__version__}")
        return 0
    if argv and only is None and not argv[0].startswith("-"):
        return _unknown(argv[0])
    try:
        options = parser(only).parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    if options.command is None:
        parser().print_help()
        return 0
    try:
        return _run(options)
    except BrokenPipeError:  # the reader left (`| head`): not an error, and Python must not complain at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout().fileno())
        return 0
    except KeyboardInterrupt:
        print("whyshape: stopped", file=sys.stderr)
        return 130
    except (Exception, SystemExit) as error:
        if options.traceback or (isinstance(error, SystemExit) and options.command == "run"):
            raise
        said, code = _sentence(error)
        print(f"whyshape: {said}", file=sys.stderr)
        return code


def _run(options) -> int:
    by_ending(options)
    command = import_module(f"whyshape.cli.commands.{options.command}")
    if options.command == "run":  # the process is the script's
        return command.run(options)
    with answers_alone():
        return command.run(options)


def _unknown(word: str) -> int:
    """Say that there is no such command, and which are near."""
    import difflib

    near = difflib.get_close_matches(word, names(), 2)
    hint = f"did you mean {' or '.join(near)}" if near else "see whyshape --help"
    print(f"whyshape: there is no command {word[:60]!r}; {hint}", file=sys.stderr)
    return 2


def _sentence(error: BaseException) -> tuple[str, int]:
    """What went wrong, as one sentence, and the exit code."""
    match error:
        case WhyshapeError():
            return safe(str(error)), error.exit_code
        case SystemExit():
            return f"the model's own code ended the program by sys.exit({safe(repr(error.code))[:100]})", 3
        case RecursionError():
            return "the network is nested deeper than Python can follow, or one module holds itself", 3
        case ModuleNotFoundError() if (package := (error.name or "").partition(".")[0]) not in ("", "whyshape"):
            return f"this question needs {package}, which is not installed: pip install {PACKAGES.get(package, package)}", 2
    told = f"{type(error).__name__}: {error}"
    return f"this is a defect of whyshape itself, please report it: {safe(told)[:300]} (--traceback shows where)", 3


__all__ = ["main", "names", "parser"]
