"""Which functions of the model's own run while sizes are in its hands; for the while of a reading each runs as `rewritten`.

A function's code is exchanged and put back, as `nn.Module.__call__` is: what it computes is the same.
"""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

from whyshape.readers.torch.rewritten import rewritten
from whyshape.readers.torch.stopped import HOME, OWN

# Python's own functions and those of PyTorch: a size handed to the first is seen where it is handed over (`sizes.beside`), of those of
# the second none decides anything that its operators do not.
_OTHERS = (HOME, OWN, sysconfig.get_path("stdlib") + os.sep, "<frozen")
_SITE = tuple(sysconfig.get_path(p) + os.sep for p in ("purelib", "platlib"))
_C_LIBRARIES = tuple(site + name for site in _SITE for name in ("numpy", "scipy"))
_lock = threading.RLock()  # one reading at a time: two would put back each other's


class Witness:
    """The functions of one model that have been seen, and what each is rewritten to."""

    def __init__(self) -> None:
        self.codes: dict[FunctionType, tuple[CodeType, CodeType]] = {}  # as it is, and as it runs
        self.known: set[CodeType] = set()
        self.unread: list[CodeType] = []  # what ran and cannot be rewritten

    @contextmanager
    def watching(self) -> Iterator[set[CodeType]]:
        """The model's functions run rewritten; new ones among those that ran are found in the set."""
        ran: dict[CodeType, tuple[dict, Any]] = {}
        known = self.known

        def called(frame, event, arg):  # of every call, and of nothing inside it
            code = frame.f_code
            if code not in known and code not in ran:
                name = code.co_varnames[0] if code.co_argcount else ""
                ran[code] = frame.f_globals, frame.f_locals.get(name)

        fresh: set[CodeType] = set()
        with _lock:
            before = sys.gettrace()
            for function, (_, code) in self.codes.items():
                function.__code__ = code
            sys.settrace(called)
            try:
                yield fresh
            finally:
                sys.settrace(before)
                for function, (code, _) in self.codes.items():
                    function.__code__ = code
        fresh |= self._read({code: seen for code, seen in ran.items() if _is_the_models(code)})
        known.update(ran)

    def _read(self, ran: dict[CodeType, tuple[dict, Any]]) -> set[CodeType]:
        """Rewrite the functions that ran; gives those that will run otherwise from now on."""
        inside = {id(c) for code in (*ran, *(new for _, new in self.codes.values())) for c in _inside(code)}
        fresh, lost = set(), []
        for code, (scope, first) in ran.items():
            if id(code) in inside:  # a part of a function: it is rewritten with it
                continue
            function = _function(code, scope, first)
            if function is None:
                lost.append(code)
            elif self._rewrite(function, code):
                fresh.add(code)
        found = _anywhere(lost) if lost else {}
        for code in lost:
            made = [self._rewrite(function, code) for function in found.get(code, [])]
            if any(made):
                fresh.add(code)
            elif code not in self.unread:
                self.unread.append(code)
        return fresh

    def _rewrite(self, function: FunctionType, code: CodeType) -> bool:
        new = rewritten(code)
        if new is None:
            self.unread.append(code)
            return False
        self.codes[function] = code, new
        self.known.update((new, *_inside(new)))
        return True

    @property
    def blind(self) -> str:
        """What cannot be seen, in words; empty where all of it can."""
        if not self.unread:
            return ""
        code = self.unread[0]
        return f"{code.co_name} ({os.path.basename(code.co_filename)}, line {code.co_firstlineno}) cannot be read, and what it does with sizes is not known"


def _is_the_models(code: CodeType) -> bool:
    file = code.co_filename
    if code.co_names == ("_tuple_new",):  # what Python writes for a named tuple
        return False
    return (
        not file.startswith(_C_LIBRARIES) and (file.startswith(_SITE) or not file.startswith(_OTHERS)) and not file.startswith((HOME, OWN))
    )


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _function(code: CodeType, scope: dict, first) -> FunctionType | None:
    """The function whose code it is: a method of its first argument, or a name of its file."""
    kinds = (first if isinstance(first, type) else type(first)).__mro__
    for value in (scope.get(code.co_name), *(vars(kind).get(code.co_name) for kind in kinds)):
        for _ in range(8):  # behind decorators
            if isinstance(value, FunctionType) and value.__code__ is code:
                return value
            for name in ("__wrapped__", "__func__", "fget", "func"):
                if (behind := getattr(value, name, None)) is not None:
                    value = behind
                    break
            else:
                break
    return None


def _anywhere(codes: list[CodeType]) -> dict[CodeType, list[FunctionType]]:
    """The same, looked for among everything there is."""
    found: dict[CodeType, list[FunctionType]] = {}
    for holder in gc.get_referrers(*codes):
        if isinstance(holder, FunctionType):
            found.setdefault(holder.__code__, []).append(holder)
    return found


__all__ = ["Witness"]
