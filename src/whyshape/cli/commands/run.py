"""``whyshape run``: a script as it is, and under its traceback, if a shape error escapes, the diagnosis."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import threading
import traceback
from functools import partial

HELP = "run a script unchanged; if a shape error escapes, the diagnosis stands under its traceback"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module's name, as after python -m")
    parser.add_argument("script", metavar="SCRIPT", help="the Python script to run: it runs with all it does")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARGS", help="what the script gets as its own arguments")


def run(options: argparse.Namespace) -> int:
    from whyshape.errors import WhyshapeError
    from whyshape.watch import guard

    if not options.module and not os.path.isfile(options.script):
        raise WhyshapeError(f"there is no script {options.script!r}")
    before = list(sys.argv), list(sys.path), threading.excepthook
    sys.argv = [options.script, *options.args]
    sys.path.insert(0, os.getcwd() if options.module else os.path.dirname(os.path.abspath(options.script)))
    threading.excepthook = partial(_in_a_thread, threading.excepthook)
    try:
        with guard():
            if options.module:
                runpy.run_module(options.script, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(options.script, run_name="__main__")
    except Exception as error:
        sys.stdout.flush()
        traceback.print_exception(type(error), error, _of_the_script(error.__traceback__))
        return 1  # as Python ends a program whose exception nobody caught
    finally:
        sys.argv, sys.path, threading.excepthook = before
    return 0


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
    at = tb
    while at is not None and (at.tb_frame.f_code.co_filename == __file__ or "runpy" in at.tb_frame.f_code.co_filename):
        at = at.tb_next
    return at or tb
