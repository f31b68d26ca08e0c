"""From an exception that escaped a program to the call that failed: a model with its inputs, a loss, a batch put together, a constructor."""

from __future__ import annotations

import ast
import inspect
import linecache
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from whyshape.graph import Problem
from whyshape.readers.torch.loss import network, with_loss
from whyshape.readers.torch.stopped import HOME, OWN, frames, line_of, stopped_by
from whyshape.readers.torch.trial import Patient

FUNCTIONAL = os.path.join("torch", "nn", "functional.py")


class Escaped(NamedTuple):
    """What failed: a module and what it was called with, and the prefix its own paths have here."""

    model: torch.nn.Module
    args: tuple
    kwargs: dict
    prefix: str = ""
    file: str = ""  # the user's line that made the call
    line: int = 0

    def patient(self) -> Patient:
        return Patient(self.model, input_data=self.args, keywords=self.kwargs)


class _Function(torch.nn.Module):
    """A function of torch.nn.functional, called as it was."""

    def __init__(self, function, rest):
        super().__init__()
        self.function, self.rest = function, rest

    def forward(self, *tensors):
        return self.function(*tensors, **self.rest)


class _Stack(torch.nn.Module):
    """A batch put together from single pictures."""

    def forward(self, *pictures):
        return torch.stack(pictures, 0)


class _Load(torch.nn.Module):
    """Weights loaded into a model."""

    def __init__(self, net, state, strict):
        super().__init__()
        self.net, self.state, self.strict = net, state, strict

    def forward(self):
        self.net.load_state_dict(self.state, strict=self.strict)


def escaped(error: BaseException) -> Escaped | None:
    """The outermost call in the traceback that can be made again; None where there is none."""
    file, line = line_of(error)
    for frame, _ in frames(error):
        name, held = frame.f_code.co_name, frame.f_locals
        module = held.get("self")
        internal = frame.f_code.co_filename.startswith((HOME, OWN))
        if isinstance(module, torch.nn.Module) and internal and name in ("_wrapped_call_impl", "_call_impl", "__call__"):
            args, kwargs = tuple(held.get("args", ())), dict(held.get("kwargs", {}))
            module = getattr(module, "_orig_mod", module)  # what torch.compile wraps has the names the user knows
            if isinstance(module, torch.nn.modules.loss._Loss) and len(args) > 1 and not kwargs:
                return _with_network(error, module, args, {}, file, line) or Escaped(module, args, kwargs, "", file, line)
            return Escaped(module, args, kwargs, "", file, line)
        if isinstance(module, torch.nn.Module) and internal and name == "load_state_dict" and isinstance(held.get("state_dict"), dict):
            return Escaped(_Load(module, dict(held["state_dict"]), held.get("strict", True)), (), {}, "net", file, line)
        if name == "collate_tensor_fn" and isinstance(held.get("batch"), (list, tuple)):
            return Escaped(_Stack(), tuple(held["batch"]), {}, "", file, line)
        if frame.f_code.co_filename.endswith(FUNCTIONAL) and not name.startswith("_"):
            function = getattr(torch.nn.functional, name, None)
            if callable(function):
                given = {k: held[k] for k in inspect.signature(function).parameters if k in held}
                tensors = [k for k, v in given.items() if isinstance(v, torch.Tensor)]
                lead = list(given)[: len(tensors)]
                if lead == tensors:
                    rest, args = {k: v for k, v in given.items() if k not in lead}, tuple(given[k] for k in lead)
                    alone = Escaped(_Function(function, rest), args, {}, "", file, line)
                    return (_with_network(error, function, args, rest, file, line) if len(args) > 1 else None) or alone
    return None


def _with_network(error, loss, args: tuple, rest: dict, file: str, line: int) -> Escaped | None:
    """The call of a loss together with the network its first tensor came out of, where that is found in the user's lines."""
    at = [frame for frame, _ in frames(error) if frame.f_code.co_filename == file]
    made = network(at[-1], line, args[0]) if at and isinstance(args[0], torch.Tensor) else None
    if made is None:
        return None
    return Escaped(with_loss(made, loss, rest), (*made.inputs, *args[1:]), {}, made.names[0], file, line)


class Built(NamedTuple):
    """A constructor that raised: the class, its arguments, and the path the layer would have had."""

    kind: type
    args: dict[str, Any]
    path: str
    file: str
    line: int

    def builds(self, **changes) -> bool:
        """Whether the constructor takes these arguments instead; not asked of one that would leave a trace in the program."""
        from whyshape.readers.torch.rebuild import Unsafe, harmless

        try:
            with harmless():
                self.kind(**{**self.args, **changes})
        except (Exception, Unsafe):  # any refusal, the user's own too, answers the question
            return False
        return True

    def whole(self, error: BaseException) -> Callable[..., list[str] | None]:
        """The construction of the whole model, to be tried with other arguments of this layer; raises `CannotApply` with the reason."""
        from whyshape.readers.torch.edit import CannotApply
        from whyshape.readers.torch.rebuild import Again, Unsafe

        try:
            again = Again(error, self.kind)
        except Unsafe as reason:
            raise CannotApply(str(reason)) from None

        def paths(**changes) -> list[str] | None:
            try:
                return again.paths(**changes)
            except Unsafe:  # what the unchanged constructors left alone, those behind the change do not
                return None

        return paths


def built(error: BaseException) -> Built | None:
    """The innermost constructor of a module in the traceback, with the path made of the names it is assigned to on the way."""
    path: list[str] = []
    found = None
    file, line = line_of(error)
    for frame, number in frames(error):
        held, name = frame.f_locals, frame.f_code.co_name
        maker = held.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None
        if name == "__init__" and isinstance(maker, torch.nn.Module):
            function = vars(type(maker)).get("__init__")
            if getattr(function, "__code__", None) is not frame.f_code:
                continue  # a base class's constructor: the class itself is what the user wrote
            names = inspect.signature(function).parameters
            plain = {k: held[k] for k, p in list(names.items())[1:] if k in held and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
            found = (type(maker), plain)
        if not frame.f_code.co_filename.startswith((HOME, OWN)):
            path += assigned(frame.f_code.co_filename, number) if isinstance(maker, torch.nn.Module) else []
    if found is None:
        return None
    return Built(found[0], found[1], ".".join(path), file, line)


def assigned(file: str, line: int) -> list[str]:
    """The name an attribute gets on that line: ``self.attn = ...`` is attn; inside Sequential(...) its place as well."""
    text = "".join(linecache.getlines(file))
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not node.lineno <= line <= (node.end_lineno or node.lineno):
            continue
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            found = [target.attr]
            calls = node.value.args if isinstance(node.value, ast.Call) and ast.unparse(node.value.func).endswith("Sequential") else []
            at = [i for i, call in enumerate(calls) if call.lineno <= line <= (call.end_lineno or call.lineno)]
            return found + ([str(at[0])] if len(at) == 1 and len(calls) > 1 else [])
    return []


def as_problem(error: BaseException) -> Problem:
    """An exception as a problem, where nothing can be run again."""
    found = stopped_by(error, [("", torch.nn.Module())])
    return found._replace(type="")


__all__ = ["Built", "Escaped", "as_problem", "built", "escaped"]
