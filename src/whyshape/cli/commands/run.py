"""``whyshape run``: a script as it is, and under its traceback, if a shape error escapes, the diagnosis.

The process is the script's from its first line on: `__main__`, `sys.argv` and the hook of its threads stay what they then are, so that
threads and `atexit` functions that outlive the last line find what they would under Python alone.
"""

from __future__ import annotations

import argparse
import atexit
import io
import os
import runpy
import signal
import sys
import threading
import types
import zipfile
from functools import partial
from importlib.machinery import SourceFileLoader

HELP = "run a script unchanged; if a shape error escapes, the diagnosis stands under its traceback"
NOTED = sys.version_info >= (3, 11)  # Python shows an exception's notes


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module's name, as after python -m")
    parser.add_argument("script", metavar="SCRIPT", help="the Python script to run: it runs with all it does")
    rest = parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARGS", help="what the script gets as its own arguments")
    rest.required = False  # or argparse asks for ARGS where SCRIPT is missing


def run(options: argparse.Namespace) -> int:
    from whyshape.errors import WhyshapeError
    from whyshape.watch import guard

    if not options.module and not os.path.isfile(options.script):
        raise WhyshapeError(f"there is no script {options.script!r}")
    sys.argv = [options.script, *options.args]
    sys.path.insert(0, os.getcwd() if options.module else os.path.dirname(os.path.realpath(options.script)))
    threading.excepthook = partial(_in_a_thread, threading.excepthook)
    interrupted: list[bool] = []
    atexit.register(_end_as_interrupted, interrupted)  # the first to be entered is the last to be called
    watched = guard()
    try:
        with watched:
            if options.module:
                runpy.run_module(options.script, run_name="__main__", alter_sys=True)
            else:
                _run_file(options.script)
    except Exception as error:
        _show(error)
        if watched.diagnosis is not None and not (NOTED and sys.excepthook is sys.__excepthook__):
            print(watched.diagnosis, file=sys.stderr)  # whoever shows the exception may not show its notes
        return 1  # as Python ends a program whose exception nobody caught
    except KeyboardInterrupt as error:
        _show(error)
        interrupted.append(True)
        return 130
    return 0


def _run_file(path: str) -> None:
    """Run a script as Python does: in a module of its own that is `__main__`, and stays it."""
    if zipfile.is_zipfile(path) or path.endswith(".pyc"):
        runpy.run_path(path, run_name="__main__")
        return
    file = os.path.join(os.getcwd(), path)  # Python puts the folder in front, and changes nothing else
    with io.open_code(file) as source:
        code = compile(source.read(), file, "exec", dont_inherit=True)
    main = types.ModuleType("__main__")
    vars(main).update(
        __file__=file, __cached__=None, __spec__=None, __loader__=SourceFileLoader("__main__", file), __builtins__=__builtins__
    )
    vars(main)["__doc__"] = None
    sys.modules["__main__"] = main
    exec(code, vars(main))


def _show(error: BaseException) -> None:
    """Show what ended the script as Python would: by the hook the script may have set."""
    sys.stdout.flush()
    error.__traceback__ = _of_the_script(error.__traceback__)
    sys.excepthook(type(error), error, error.__traceback__)


def _end_as_interrupted(interrupted: list[bool]) -> None:
    """A program that was interrupted ends by the signal itself, so that the shell and who waits for it know."""
    if interrupted and os.name == "posix":
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def _in_a_thread(shown, failed) -> None:
    """An exception that ends a thread: shown as it would be, with the diagnosis under it."""
    from whyshape.watch import add_note, diagnosis_of_error

    if isinstance(failed.exc_value, Exception):
        found = diagnosis_of_error(failed.exc_value)
        if found is not None:
            add_note(failed.exc_value, str(found))
    shown(failed)


def _of_the_script(tb):
    """The traceback as Python alone would show it: without the frames that started the script."""
    while tb is not None and (tb.tb_frame.f_code.co_filename == __file__ or "runpy" in tb.tb_frame.f_code.co_filename):
        tb = tb.tb_next
    return tb
