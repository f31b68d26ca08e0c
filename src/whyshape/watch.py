"""The diagnosis on the program people already have: a guard around it, `whyshape run`, and IPython.

Nothing happens until an exception escapes. Then its traceback is read, the call that failed is made again on a copy, and what is
found is added to the exception as a note. The exception stays what it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any


class guard:
    """Diagnose a shape error that escapes from the block; the error goes on as it was, with the diagnosis as a note.

    >>> import torch
    >>> try:
    ...     with guard() as watched:
    ...         torch.nn.Linear(320, 50)(torch.zeros(16, 500))
    ... except RuntimeError as error:
    ...     print(watched.diagnosis.problems[0].sentence)
    320 features are wanted on the last axis, 500 arrive
    """

    def __init__(self):
        self.diagnosis: Any = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if isinstance(error, Exception):
            self.diagnosis = diagnosis_of_error(error)
            if self.diagnosis is not None:
                add_note(error, str(self.diagnosis))


def add_note(error: BaseException, text: str) -> None:
    """`BaseException.add_note`, also where Python is older than it."""
    error.__notes__ = [*getattr(error, "__notes__", []), text]  # type: ignore[attr-defined]


def diagnosis_of_error(error: Exception):
    """What can be said about an exception that escaped; None where it has nothing to do with a model's sizes.

    Never raises: the user's own exception is on its way, and must not be covered by one of ours.
    """
    if "torch" not in sys.modules:
        return None
    try:
        return next((found for at in _behind(error) if (found := _diagnosed(at)) is not None), None)
    except Exception as ours:
        if isinstance(ours, (MemoryError, RecursionError)):
            return None
        from whyshape.analyses.diagnose.problem import Diagnosis

        return Diagnosis("", notes=(f"the diagnosis itself failed: {type(ours).__name__}: {ours}",), ran=False)


def _behind(error: BaseException) -> Iterator[Exception]:
    """An exception, those it was raised from or while handling, and the members of a group: each once."""
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        at = todo.pop(0)
        if at is None or id(at) in seen:
            continue
        seen.add(id(at))
        if isinstance(at, Exception):
            yield at
        todo += [*getattr(at, "exceptions", ()), at.__cause__ or (None if at.__suppress_context__ else at.__context__)]


def _diagnosed(error: Exception):
    from whyshape.analyses.diagnose.construct import refused
    from whyshape.analyses.diagnose.problem import Diagnosis, Finding
    from whyshape.analyses.diagnose.reading import PYTHONS, about_shapes, read
    from whyshape.analyses.diagnose.run import diagnosis_of
    from whyshape.readers.torch.escaped import as_problem, built, escaped

    message = str(error)
    call = escaped(error)
    if call is not None:
        found = diagnosis_of(call.patient())
        if not found.fits and found.problems[0].kind == "shape":
            return placed(found, call)
    maker = built(error) if call is None else None
    if maker is not None:
        return Diagnosis(maker.kind.__name__, (refused(maker, error),), ran=False)
    if not about_shapes(message):
        return None
    p, known = as_problem(error), read(message)
    where = {"layer": p.path or None, "type": p.type, "file": p.file, "line": p.line, "op": p.op}
    if call is None and (known is None or known.kind in PYTHONS):
        return None
    finding = Finding(
        where,
        understood(message) or p.sentence,
        known.wanted if known else None,
        known.arrived if known else None,
        kind="shape",
        message=message,
        tried=False,
    )
    return Diagnosis("", (finding,), ran=False)


def understood(message: str) -> str:
    """The last line of a message that says something about sizes: an error of a DataLoader's worker arrives with its whole traceback."""
    from whyshape.analyses.diagnose.reading import read

    return next((line.strip() for line in reversed(message.splitlines()) if read(line) is not None), "")


def placed(found, call):
    """The diagnosis with the paths and lines of the user's program, not of what we built to run the call again."""
    problems = []
    for p in found.problems:
        where = dict(p.where)
        if call.prefix and where["layer"]:
            where["layer"] = where["layer"].removeprefix(call.prefix).removeprefix(".") or None
        if not where["file"]:
            where.update(file=call.file, line=call.line)
        if where["type"] in ("_Stack", "_Load", "_Function", "WithLoss"):
            where["type"] = ""
        without = (lambda text: text.replace(f"{call.prefix}.", "")) if call.prefix else (lambda text: text)
        fixes = tuple(f._replace(edits=tuple(_without(e, call.prefix) for e in f.edits), says=without(f.says)) for f in p.fixes)
        problems.append(p._replace(where=where, fixes=fixes))
    return found._replace(problems=tuple(problems), model="" if found.model.startswith("_") or found.model == "WithLoss" else found.model)


def _without(edit: dict, prefix: str) -> dict:
    return {
        k: v.removeprefix(f"{prefix}.") if prefix and isinstance(v, str) and k in ("layer", "before", "replace", "remove", "param") else v
        for k, v in edit.items()
    }


def load_ipython_extension(ipython) -> None:
    """``%load_ext whyshape``: under a traceback in a notebook, its diagnosis."""
    ipython.events.register("post_run_cell", _after_cell)


def unload_ipython_extension(ipython) -> None:
    """``%unload_ext whyshape``"""
    ipython.events.unregister("post_run_cell", _after_cell)


def _after_cell(result) -> None:
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, Exception):
        found = diagnosis_of_error(error)
        if found is not None and found.problems:
            print(found, file=sys.stderr)


__all__ = ["guard", "load_ipython_extension", "unload_ipython_extension"]
