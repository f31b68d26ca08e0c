"""One run of a forward under the tracer, and what is to be thought of it where it stopped."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch

from whyshape.errors import ModelError
from whyshape.readers.torch.execute import Executing
from whyshape.readers.torch.record import NeedsValues, Stop
from whyshape.readers.torch.scope import following
from whyshape.readers.torch.stopped import HOME, OWN
from whyshape.readers.torch.tracer import Tracer
from whyshape.sizes import recording


class Followed(NamedTuple):
    """One run of a forward, as its tracer saw it."""

    modules: list  # (path, module), the whole model first
    tracer: Tracer
    result: Any  # what the forward gave
    facts: Any  # what was asked of sizes
    failure: Exception | None  # what stopped it that is no refusal of an operator

    @property
    def ran(self) -> bool:
        """Whether it came to its end."""
        return self.failure is None and self.tracer.refused is None

    @property
    def wants_numbers(self) -> bool:
        """Whether empty tensors did not do, or may be to blame."""
        return isinstance(self.failure, NeedsValues) or self.tracer.doubted


def follow(modules, args, kwargs, execute=False, closed=frozenset()) -> Followed:
    """Run the forward under a tracer. ``execute``: PyTorch computes as well; ``closed``: paths of modules that run unseen."""
    tracer = (Executing if execute else Tracer)({id(m): path for path, m in modules}, closed)
    model = modules[0][1]
    result: Any = None
    failure: Exception | None = None
    with recording() as facts, torch.random.fork_rng(devices=[]) if execute else nullcontext():
        try:
            with following(tracer):
                result = model(*args, **kwargs)
            tracer.ended = True
        except Stop as stop:
            failure = stop
        except RecursionError:
            raise ModelError("the modules are nested deeper than Python can call, or one holds itself") from None
        except Exception as error:
            if tracer.refused is None and not _asks_for_values(error) and tracer.broke_in is not None and _is_a_check(error):
                tracer.refuse_in_module(error, *_caller(error))
            if tracer.refused is None:
                failure = _other(error, tracer)
            tracer.doubted |= (tracer.error is not None and not _is_said_by_a_layer(error)) or _may_be_ours(failure, error)
    tracer.handlers.clear()  # they hold the tracer as it holds them: without them it goes when nobody needs it, and no collector has to look for it
    return Followed(modules, tracer, result, facts, failure)


def _is_a_check(error: Exception) -> bool:
    """Whether PyTorch's own Python code raised it: a check of its modules, in which sizes are what is checked."""
    return isinstance(error, (ValueError, RuntimeError, AssertionError, IndexError)) and _innermost(
        error
    ).tb_frame.f_code.co_filename.startswith(HOME)


def _is_said_by_a_layer(error: Exception) -> bool:
    """Whether one of torch.nn's layers or functions, or an assertion, objected: they check sizes, and ours are PyTorch's."""
    return isinstance(error, AssertionError) or _innermost(error).tb_frame.f_code.co_filename.startswith(HOME + "nn" + os.sep)


def _may_be_ours(failure, error: Exception) -> bool:
    """Whether something that is no check of sizes was raised under our hands, in PyTorch or ours, or by a type that nobody expected."""
    if failure is None or isinstance(failure, NeedsValues):
        return False
    return isinstance(error, (TypeError, AttributeError)) or _innermost(error).tb_frame.f_code.co_filename.startswith((HOME, OWN))


def _caller(error: Exception) -> tuple:
    """The innermost line of the user's that the error went through."""
    at, found = error.__traceback__, None
    while at is not None:
        if found is None or not at.tb_frame.f_code.co_filename.startswith((HOME, OWN)):
            found = at
        at = at.tb_next
    return found.tb_frame.f_code, found.tb_lasti  # type: ignore[union-attr]


def _before(error: Exception, last):
    """The frame that called it, among those the error went through."""
    at = error.__traceback__
    while at is not None and at.tb_next is not last:
        at = at.tb_next
    return at


def _innermost(error: Exception):
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last


def _other(error: Exception, tracer: Tracer) -> Exception:
    """What the model raised that is no refusal of an operator, as one sentence."""
    if _asks_for_values(error):
        return NeedsValues(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    place = tracer.paths.get(id(tracer.broke_in[0]), "") if tracer.broke_in else ""
    last = _innermost(error)
    while last.tb_frame.f_code.co_filename.startswith(OWN) and (before := _before(error, last)) is not None:  # the model's line, not ours
        last = before
    line = f"{last.tb_frame.f_code.co_filename}, line {last.tb_lineno}"
    said = str(error).strip().partition("\n")[0] or "without a message"
    told = ModelError(f"the model's forward raised {type(error).__name__}: {said} ({f'in {place}, ' if place else ''}{line})")
    told.__cause__ = error
    return told


def _asks_for_values(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, (RuntimeError, NotImplementedError)) and ("meta tensor" in text.lower() or "item()" in text)


__all__ = ["Followed", "follow"]
