"""Following a model on real numbers, where empty tensors do not do: always a copy of it.

Nobody but a rule may say that a model does not fit. Where anything else stopped a run, PyTorch with real numbers is asked,
and what it runs is explained as far as it can be followed.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch

from whyshape.readers.torch.follow import Followed, follow
from whyshape.readers.torch.untouched import walk


class Told(NamedTuple):
    """A run of a copy on real numbers, what is to be said of it, and what went in."""

    run: Followed
    notes: list[str]
    given: tuple  # (args, kwargs)


def with_numbers(model, args, kwargs) -> Told:
    """Follow a copy on real numbers. A module that PyTorch runs and we cannot follow is then run unseen, the innermost first."""
    closed: list[str] = []
    while True:
        given, named = _again(args, kwargs)
        run = follow(walk(real_copy(model)), given, named, execute=True, closed=frozenset(closed))
        tracer = run.tracer
        notes = [f"{path or 'the whole model'} cannot be followed inside: PyTorch ran it" for path in closed]
        told = Told(run, notes, (given, named))
        if (run.ran and tracer.hidden is None) or not tracer.doubted or "" in closed:
            return told
        if not closed and not run.ran and not _runs(real_copy(model), *_again(args, kwargs)):
            return told
        scope = tracer.broke_in or tracer.hidden
        path = tracer.paths.get(id(scope[0]), "") if scope else ""
        while path in closed:
            path = path.rpartition(".")[0]
        closed.append(path)


def _again(args, kwargs):
    return copy.deepcopy((args, kwargs))  # a run may change its inputs in place


def _runs(model, args, kwargs) -> bool:
    """Whether PyTorch alone runs it."""
    with torch.random.fork_rng(devices=[]):
        try:
            model(*args, **kwargs)
        except Exception:  # whatever it is, PyTorch raises it too
            return False
    return True


def made_real(args, kwargs, input_data):
    """Real tensors for a model that reads values: the user's own, or made up in the inputs' sizes."""
    if input_data is not None:
        if isinstance(input_data, dict):
            return (), copy.deepcopy(input_data)
        return tuple(copy.deepcopy(v) for v in (input_data if isinstance(input_data, (tuple, list)) else (input_data,))), {}
    return tuple(_filled(a) for a in args), {k: _filled(v) for k, v in kwargs.items()}


def _filled(value):
    if isinstance(value, torch.Tensor):
        generator = torch.Generator().manual_seed(0)
        if value.dtype.is_floating_point or value.dtype.is_complex:
            return torch.rand(value.shape, dtype=value.dtype, generator=generator)
        return torch.zeros(value.shape, dtype=value.dtype)
    if isinstance(value, (tuple, list)):
        return type(value)([_filled(v) for v in value])
    return value


def real_copy(model):
    """A copy with real numbers: the user's weights, or zeros where the model stands on the meta device."""
    twin = copy.deepcopy(model)
    for _, module in walk(twin):
        for table in (module._parameters, module._buffers):
            for name, t in table.items():
                if t is not None and t.is_meta:
                    filled = torch.zeros(t.shape, dtype=t.dtype)
                    table[name] = torch.nn.Parameter(filled, t.requires_grad) if isinstance(t, torch.nn.Parameter) else filled
    return twin


__all__ = ["Told", "made_real", "real_copy", "with_numbers"]
