"""A model whose constructor raised, built again as a whole, with one call on the way given other arguments.

Building a model twice is a liberty: it is taken only where the first arguments are known for certain, are plain data, and where the
constructors neither print, nor log, nor touch files, the network, other processes or a module's globals. The same construction must first
fail again as it did. Everything is made on the meta device; dice, modes and the patched constructor are put back.
"""

from __future__ import annotations

import ast
import builtins
import copy
import dis
import enum
import functools
import inspect
import io
import linecache
import logging
import os
import random
import sys
import tokenize
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import torch

from whyshape.readers.torch.edit import building
from whyshape.readers.torch.source import tree_of
from whyshape.readers.torch.stopped import HOME, OWN, frames

ALIKE = 64  # calls of the same class with the same arguments that are changed together
OUTSIDE = {"io", "_io", "posix", "nt", "_socket", "_posixsubprocess"}  # functions of these reach out of the process ...
READS = {"stat", "lstat", "fspath", "getcwd", "listdir", "scandir", "getpid", "urandom", "cpu_count"}  # ... but these change nothing
LIBRARY = os.path.dirname(os.__file__) + os.sep  # Python's own files keep caches in their globals
SOURCES = {linecache.__file__, tokenize.__file__}  # Python reads the source for a stack that is kept
ATOMS = (int, float, complex, str, bytes, bool, type(None), type, types.FunctionType, types.BuiltinFunctionType, torch.dtype, torch.device,
         enum.Enum, range, slice)  # fmt: skip


class Unsafe(BaseException):
    """The construction cannot be repeated; the reason in words. No `Exception`, so that no model's own handler keeps it."""


@contextmanager
def harmless() -> Iterator[None]:
    """Constructors may run here on this thread: what would leave a trace in the program raises `Unsafe` before it happens."""
    if sys.getprofile() is not None:
        raise Unsafe("a profiler watches this program")
    dice, kind, grad = random.getstate(), torch.get_default_dtype(), torch.is_grad_enabled()
    numpy = sys.modules.get("numpy")
    numbers = numpy.random.get_state() if numpy else None
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), building(real=False):
        warnings.simplefilter("ignore")
        sys.setprofile(_watch)
        try:
            yield
        finally:
            sys.setprofile(None)
            random.setstate(dice)
            torch.set_default_dtype(kind)
            torch.set_grad_enabled(grad)
            if numpy:
                numpy.random.set_state(numbers)


def _watch(frame, event: str, called) -> None:
    if event == "c_call":
        module, name = getattr(called, "__module__", None), getattr(called, "__name__", "")
        if frame.f_code.co_filename in SOURCES:
            return
        if called is builtins.print or called is io.open or (module in OUTSIDE and name not in READS):
            raise Unsafe(f"a constructor calls {name}")
    elif event == "call":
        code = frame.f_code
        if code is logging.Logger.handle.__code__ or code is torch.save.__code__:
            raise Unsafe("a constructor writes a log" if code is logging.Logger.handle.__code__ else "a constructor saves a file")
        if not code.co_filename.startswith((HOME, OWN, LIBRARY, "<")) and _sets_globals(code):
            raise Unsafe(f"{code.co_name} sets a global")


@functools.lru_cache(maxsize=1024)
def _sets_globals(code) -> bool:
    return any(i.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for i in dis.get_instructions(code))


class Again:
    """The outermost constructor of a traceback, ready to run again.

    ``kind`` is the class whose own constructor refused. Raises `Unsafe` where the construction cannot be repeated.
    """

    def __init__(self, error: BaseException, kind: type):
        self.make, self.given = outermost(error)
        self.kind = kind
        failed = self.run({})[1]
        if failed is None or self.refused is None or type(failed) is not type(error) or str(failed) != str(error):
            raise Unsafe(f"{self.make.__name__}, built again as it was, {'is built' if failed is None else f'fails otherwise: {failed}'}")
        self.at: int = self.refused  # which of the calls of `kind`, counted from the first, refuses

    def paths(self, **changes) -> list[str] | None:
        """The layers to change, by path, with which the whole model is built; None where it then fails elsewhere.

        The refusing layer alone, or with it all later ones that are built with the same arguments and refuse too.
        """
        changed: dict[int, dict] = {self.at: changes}
        first = self.calls[self.at][1]
        for _ in range(ALIKE):
            model, failed = self.run(changed)
            if failed is None:
                made = {id(self.calls[i][0]) for i in changed}
                found = [path for path, m in model.named_modules() if id(m) in made]
                return found if len(found) == len(changed) else None
            if self.refused is None or self.refused in changed or self.calls[self.refused][1] != first:
                return None
            changed[self.refused] = changes
        return None

    def run(self, changed: dict[int, dict]) -> tuple[Any, Exception | None]:
        """The model, or what its construction raises, while the calls counted in ``changed`` are given other arguments."""
        args, kwargs = copy.deepcopy(self.given)
        self.calls: list[tuple[torch.nn.Module, str]] = []
        self.refused: int | None = None
        with self.patched(changed), harmless():
            try:
                return self.make(*args, **kwargs), None
            except Exception as failed:  # any refusal of the user's constructors is an answer
                return None, failed

    @contextmanager
    def patched(self, changed: dict[int, dict]) -> Iterator[None]:
        """The constructor of `kind` counts its calls on this thread, and gives those in ``changed`` other arguments."""
        original: Callable = vars(self.kind)["__init__"]
        signature, mine = inspect.signature(original), get_ident()

        @functools.wraps(original)
        def counted(made, *args, **kwargs):
            if get_ident() != mine or type(made) is not self.kind:
                return original(made, *args, **kwargs)
            bound = signature.bind(made, *args, **kwargs)
            bound.apply_defaults()
            number = len(self.calls)
            self.calls.append((made, repr(list(bound.arguments.values())[1:])))
            bound.arguments.update(changed.get(number, {}))
            try:
                return original(*bound.args, **bound.kwargs)
            except Exception:
                self.refused = number if self.refused is None else self.refused
                raise

        self.kind.__init__ = counted  # type: ignore[misc]
        try:
            yield
        finally:
            self.kind.__init__ = original  # type: ignore[misc]


def outermost(error: BaseException) -> tuple[type, tuple[tuple, dict]]:
    """The outermost module under construction in a traceback, and what its constructor was given."""
    makers = []
    for at, _ in frames(error):
        if at.f_code.co_name == "__init__" and at.f_code.co_argcount:
            held = at.f_locals.get(at.f_code.co_varnames[0])
            makers += [(held, at)] if isinstance(held, torch.nn.Module) else []
    made, frame = makers[0]
    if made is makers[-1][0]:
        raise Unsafe("it is built outside any model's constructor, so the rest of the model is not known")
    code, function = frame.f_code, inspect.unwrap(type(made).__init__)
    if getattr(function, "__code__", None) is not code:
        raise Unsafe(f"the constructor of {type(made).__name__} is wrapped by another")
    parameters = list(inspect.signature(function).parameters.values())[1:]
    held = frame.f_locals
    touched = reassigned(code, {p.name for p in parameters})
    if touched:
        raise Unsafe(f"the constructor of {type(made).__name__} changes its argument {sorted(touched)[0]}")
    args: list = []
    kwargs: dict = {}
    for p in parameters:
        if not plain(held[p.name]):
            raise Unsafe(f"the argument {p.name} of {type(made).__name__} is no plain data")
        if p.kind is p.VAR_POSITIONAL:
            args += held[p.name]
        elif p.kind is p.VAR_KEYWORD:
            kwargs |= held[p.name]
        elif p.kind is p.KEYWORD_ONLY:
            kwargs[p.name] = held[p.name]
        else:
            args.append(held[p.name])
    return type(made), (tuple(args), kwargs)


def reassigned(code, names: set[str]) -> set[str]:
    """Those of the names that a function assigns, deletes, changes in place, or hands to a method that may (``cfg.pop(0)``)."""
    tree = tree_of(code)
    if tree is None:
        raise Unsafe(f"the source of {code.co_filename} cannot be read")
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(node.ctx, (ast.Store, ast.Del)):
            found.add(_root(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
            found.add(_root(node.func))
    return found & names


CHANGES = {"append", "appendleft", "clear", "extend", "insert", "pop", "popitem", "popleft", "remove", "reverse", "setdefault", "sort",
           "update"}  # fmt: skip  # methods that change what they are called on


def _root(node) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def plain(value, depth: int = 6) -> bool:
    """Whether a value is numbers, words, classes and functions, and containers of them: a copy of it is as good as itself."""
    if isinstance(value, ATOMS):
        return True
    if depth == 0 or isinstance(value, (torch.nn.Module, torch.Tensor)):
        return False
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(plain(v, depth - 1) for v in value)
    if isinstance(value, dict):
        return all(plain(v, depth - 1) for pair in value.items() for v in pair)
    if isinstance(value, functools.partial):
        return plain((value.func, value.args, value.keywords), depth - 1)
    fields = getattr(value, "__dict__", None)  # a configuration
    return isinstance(fields, dict) and not isinstance(value, (types.ModuleType, io.IOBase)) and plain(fields, depth - 1)


__all__ = ["Again", "Unsafe", "harmless"]
