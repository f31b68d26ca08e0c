"""Where an exception that is no refusal of an operator stopped a model: read off its traceback."""

from __future__ import annotations

import os

import torch

from whyshape.graph import Problem

HOME = os.path.dirname(torch.__file__) + os.sep
OWN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep

CELL = "<ipython-input-"


def stopped_by(error: BaseException, modules) -> Problem:
    """The problem an exception is: the innermost module on its way, and the user's line that led there."""
    paths = {id(m): path for path, m in modules}
    path, kind, file, line, op = "", type(modules[0][1]).__name__ if modules else "", "", 0, ""
    for frame, number in frames(error):
        code = frame.f_code
        held = frame.f_locals.get("self")
        if isinstance(held, torch.nn.Module) and id(held) in paths:
            path, kind = paths[id(held)], type(held).__name__
        if not foreign(code.co_filename):
            file, line = code.co_filename, number
        op = code.co_name
    text = str(error).strip() or type(error).__name__
    return Problem(text.splitlines()[0], {}, op, path, kind, file, line, (), {}, "other", text)


def line_of(error: BaseException) -> tuple[str, int]:
    """The innermost line that is neither PyTorch's nor ours."""
    found = ("", 0)
    for frame, line in frames(error):
        if not foreign(frame.f_code.co_filename):
            found = (frame.f_code.co_filename, line)
    return found


def foreign(file: str) -> bool:
    """Whether a file is not the user's: PyTorch's, ours, or none at all. A notebook's cell is the user's, though it has no file."""
    return file.startswith((HOME, OWN)) or (file.startswith("<") and not file.startswith(CELL))


def frames(error: BaseException):
    """The frames of a traceback with their lines, outermost first."""
    at = error.__traceback__
    while at is not None:
        yield at.tb_frame, at.tb_lineno
        at = at.tb_next


__all__ = ["HOME", "OWN", "frames", "line_of", "stopped_by"]
