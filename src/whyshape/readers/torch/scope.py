"""Which module is being called: while any trace runs, `nn.Module.__call__` goes through `_call`.

It keeps the scope of the tracer of its own thread. Nothing of the user's model is changed for this, and other threads are passed through.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager

import torch

from whyshape.readers.torch.record import END, GAVE
from whyshape.readers.torch.tracer import Tracer, transformed


class _Active(threading.local):
    tracer: Tracer | None = None


_active = _Active()
_original_call = torch.nn.Module.__call__
_lock = threading.Lock()
_running = 0
COMPILED, SCRIPTED = "compiled by torch.compile", "compiled by TorchScript"


def _kind(cls: type) -> str:
    """How modules of a class differ from others, or nothing."""
    if cls.__name__ == "OptimizedModule":
        return COMPILED
    return SCRIPTED if issubclass(cls, torch.jit.ScriptModule) else ""


def _alone(module, *args, **kwargs):
    """The call as PyTorch makes it, nobody looking."""
    tracer, _active.tracer = _active.tracer, None
    try:
        return _original_call(module, *args, **kwargs)
    finally:
        _active.tracer = tracer


def _call(module, *args, **kwargs):
    tracer = _active.tracer
    if tracer is None or transformed() is not None:
        return _original_call(module, *args, **kwargs)
    frame, calls, outer = sys._getframe(1), tracer.calls, tracer.scope
    # A list the model may go on filling, as DenseNet does.
    given = (args[0].copy(), *args[1:]) if args and type(args[0]) is list else args
    tracer.scope = scope = [module, frame.f_code, frame.f_lasti, outer, len(calls), given, kwargs or None, 0, None]  # fields of a ModuleRun
    tracer.scopes.append(scope)
    out = None
    try:
        kind = tracer.kinds.get(module.__class__)
        if kind is None:
            kind = tracer.kinds[module.__class__] = _kind(module.__class__)
        if kind == COMPILED:  # the module inside is what the user wrote
            out = _call(module._orig_mod, *args, **kwargs)
        elif kind or (tracer.closed and id(module) in tracer.closed):
            out = tracer.unseen(module, _alone, args, kwargs, frame, kind or "not to be followed inside")
        elif module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks:
            out = module._call_impl(*args, **kwargs)
        else:
            out = module.forward(*args, **kwargs) if kwargs else module.forward(*args)
        return out
    except BaseException:
        if tracer.broke_in is None:
            tracer.broke_in = scope
        raise
    finally:
        scope[END], scope[GAVE] = len(calls), out
        tracer.scope = outer


@contextmanager
def calls_seen():
    """Module calls go through `_call` inside. Held around many traces it spares each of them the change, which PyTorch's classes feel."""
    global _running
    with _lock:
        _running += 1
        if _running == 1:
            torch.nn.Module.__call__ = _call
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if not _running:
                torch.nn.Module.__call__ = _original_call


@contextmanager
def following(tracer: Tracer):
    """The tracer sees everything this thread does inside."""
    with calls_seen():
        before, _active.tracer = _active.tracer, tracer
        try:
            with tracer:
                yield tracer
        finally:
            _active.tracer = before
