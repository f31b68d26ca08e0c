"""Reading a PyTorch model: inputs made, forward followed, a Graph given."""

from __future__ import annotations

import copy
import inspect
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from whyshape.errors import ModelError, WhyshapeError
from whyshape.graph import Graph, collector_paused
from whyshape.readers.torch.follow import follow
from whyshape.readers.torch.freeze import freeze
from whyshape.readers.torch.real import made_real, with_numbers
from whyshape.readers.torch.record import NeedsValues
from whyshape.readers.torch.tracer import META
from whyshape.readers.torch.untouched import untouched, walk
from whyshape.readers.torch.values import Difference, first_sentence, of_arrays
from whyshape.rules.dtypes import ORDER, default_is

CAUGHT = "the model's own code catches a refusal and goes on"
LOOKED = "the model's own code asks how numbers lie in memory"


def read(model, input_size=None, input_data=None, dtypes=None, mode: str = "same", letters=None, ran: list | None = None) -> Graph:
    """The model's graph, from one run of its forward on empty tensors.

    ``input_size``: one shape, or a list of shapes, with the batch; ``letters``: for each input its free axes' letters, as ("N", "", "H", "W").
    ``input_data``: tensors (tuple, list, dict of keyword arguments), read for shapes and dtypes only.
    ``mode``: "eval", "train", or "same" (as the model is).
    ``ran``: takes the tracers that followed it. A forward that stops at a mismatch is a result: `Graph.problem` says where and why.

    >>> graph = read(torch.nn.Linear(320, 50), (1, 320))
    >>> graph.tensors[graph.outputs[0]].shape
    (1, 50)
    """
    if not isinstance(model, torch.nn.Module):
        raise WhyshapeError(
            f"a torch.nn.Module is wanted, {type(model).__name__} arrived; give the model itself, not its class or its weights"
        )
    args, kwargs = stand_ins(input_size, input_data, dtypes)
    _takes(model, args, kwargs)
    modules = walk(model)
    lazy = waiting(modules)
    if lazy:
        modules = walk(materialized(modules, args, kwargs, mode)[0])
    notes: list[str] = []
    with collector_paused(), in_mode(modules, mode), default_is(torch.get_default_dtype()):
        with untouched([m for _, m in modules]):
            run = follow(modules, args, kwargs)
        if run.wants_numbers:  # the model is as it was again: now a copy of it, on real numbers
            told = with_numbers(model, *made_real(args, kwargs, input_data))
            if (
                isinstance(run.failure, NeedsValues) or told.run.ran
            ):  # else the first run stands: what it was stopped by is no doing of ours
                why = str(run.failure or first_sentence(run.tracer.refused[2] or run.tracer.refused[0])).rstrip(":. ")
                notes += [f"{why}: the model was followed on a copy with real numbers", *told.notes]
                (args, kwargs), run = told.given, told.run
        tracer, failure = run.tracer, run.failure
        if ran is not None:
            ran.append(tracer)
        if tracer.refused is not None and tracer.went_on:
            notes.append(f"{CAUGHT}: {tracer.refused[0].sentence}")
            tracer.refused = None if tracer.ended else tracer.refused
        if tracer.looked:
            notes.append(f"{LOOKED} ({tracer.looked}), and what it would do at other sizes is not known")
        graph = freeze(run, named(model, args, kwargs, letters), notes)
    if lazy:
        graph = graph._replace(modules=tuple([m._replace(found=lazy.get(m.path, "")) for m in graph.modules]))
    if failure is not None and tracer.refused is None:
        if isinstance(failure, ModelError) and (said := of_arrays((args, kwargs))):
            failure = ModelError(said)
        failure.graph = graph  # type: ignore[attr-defined]  # what was followed until then, and on which conditions
        raise failure
    return graph


def waiting(modules) -> dict[str, str]:
    """The lazy layers that know no sizes yet: their types, by their paths."""
    lazy: Any = torch.nn.modules.lazy.LazyModuleMixin  # as a type it would hide that these are modules
    return {path: type(m).__name__ for path, m in modules if isinstance(m, lazy) and m.has_uninitialized_params()}


def materialized(modules, args, kwargs, mode):
    """A copy of the model whose lazy layers have learned their sizes from this input, by PyTorch itself; and whether it ran to its end."""
    own = walk(meta_copy(modules[0][1]))
    with in_mode(own, mode), torch.no_grad():
        try:
            own[0][1](*args, **kwargs)
        except (RuntimeError, ValueError, TypeError, IndexError):  # the trace meets the same refusal, and tells it
            return own[0][1], False
    return own[0][1], True


def _takes(model, args, kwargs) -> None:
    """As many inputs as the forward wants, or one sentence."""
    try:
        signature = inspect.signature(model.forward)
        signature.bind(*args, **kwargs)
    except ValueError:  # a forward without a signature: calling it will tell
        return
    except TypeError as error:
        wanted = [str(p) for p in signature.parameters.values() if p.name not in ("self", "args", "kwargs")]
        count = len(args) + len(kwargs)
        raise WhyshapeError(
            f"the model's forward takes ({', '.join(wanted)}), {count} input{'s' if count != 1 else ''} arrived: {error}; "
            "give one shape for each, as --input twice or input_size=[(...), (...)]"
        ) from None


# -- inputs ------------------------------------------------------------------------------------------------------------


def stand_ins(input_size, input_data, dtypes) -> tuple[tuple, dict]:
    """Empty meta tensors of the inputs' sizes: positional ones, and keyword ones."""
    if input_data is not None:
        if isinstance(input_data, dict):
            return (), {k: _stand_in(v) for k, v in input_data.items()}
        return tuple(_stand_in(v) for v in (input_data if isinstance(input_data, (tuple, list)) else (input_data,))), {}
    if input_size is None:
        raise WhyshapeError("an input is needed: give input_size=(1, 3, 224, 224) or input_data=(tensor,)")
    if isinstance(input_size, dict):
        return (), {k: _empty(v, torch.get_default_dtype()) for k, v in input_size.items()}
    shapes = [tuple(input_size)] if all(isinstance(n, int) for n in input_size) else [tuple(s) for s in input_size]
    kinds = list(dtypes or [])
    kinds += [torch.get_default_dtype()] * (len(shapes) - len(kinds))
    return tuple(_empty(shape, kind) for shape, kind in zip(shapes, kinds)), {}


def _empty(shape, kind) -> torch.Tensor:
    dtype = _dtype(kind)
    try:
        return torch.empty(shape, dtype=dtype, device=META)
    except RuntimeError:  # even a tensor without numbers counts its bytes
        told = "x".join(map(str, shape))
        raise WhyshapeError(f"an input of {told} has more bytes than PyTorch can count, 2^63 - 1") from None


def _dtype(kind):
    if isinstance(kind, torch.dtype):
        return kind
    name = str(kind).removeprefix("torch.")
    if name not in ORDER:
        raise WhyshapeError(f"dtype {kind!r} is unknown; known are {', '.join(ORDER)}")
    return getattr(torch, name)


def _stand_in(value):
    if isinstance(value, torch.Tensor):
        return value if value.is_meta else torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=META)
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return type(value)([_stand_in(v) for v in value])
    if isinstance(value, dict):
        return {k: _stand_in(v) for k, v in value.items()}
    return value


def named(model, args, kwargs, letters):
    """Each input tensor with its name in `forward` and its letters."""
    try:
        names = [n for n in inspect.signature(model.forward).parameters if n not in ("args", "kwargs")]
    except (TypeError, ValueError):
        names = []
    found = []
    for i, value in enumerate([*args, *kwargs.values()]):
        name = list(kwargs)[i - len(args)] if i >= len(args) else names[i] if i < len(names) else f"input {i + 1}"
        for j, tensor in enumerate(_leaves(value)):
            axes = tuple(letters[len(found)]) if letters and len(found) < len(letters) else ()
            found.append((name if j == 0 else f"{name}[{j}]", tensor, axes))
    return found


def _leaves(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _leaves(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from _leaves(v)


@contextmanager
def in_mode(modules, mode: str):
    """Every module in eval or train for the while; `untouched` puts the flags back."""
    if mode not in ("eval", "train", "same"):
        raise WhyshapeError(f"mode is 'eval', 'train' or 'same', {mode!r} arrived")
    flags = [(m, m.training) for _, m in modules] if mode != "same" else []
    for module, _ in flags:
        module.__dict__["training"] = mode == "train"
    try:
        yield
    finally:
        for module, flag in flags:
            module.__dict__["training"] = flag


# -- PyTorch as the judge ----------------------------------------------------------------------------------------------


class Verified(NamedTuple):
    """How many result shapes PyTorch and the rules were compared on, and where they differ."""

    checked: int
    differences: tuple[Difference, ...]


def verify(model, input_size=None, input_data=None, dtypes=None, mode: str = "same") -> Verified:
    """Run PyTorch's own meta forward beside the rules and compare every shape.

    >>> verify(torch.nn.Linear(320, 50), (1, 320))
    Verified(checked=1, differences=())
    """
    args, kwargs = stand_ins(input_size, input_data, dtypes)
    modules = walk(meta_copy(model))
    with in_mode(modules, mode):
        run = follow(modules, args, kwargs, execute=True)
    if run.wants_numbers:
        with in_mode(walk(model), mode):
            run = with_numbers(model, *made_real(args, kwargs, input_data)).run
    return Verified(run.tracer.checked, tuple(run.tracer.differences))


def meta_copy(model):
    """The model's structure without its weights: every parameter and buffer an empty meta tensor of the same sizes."""
    memo: dict[int, Any] = {}
    for _, module in walk(model):
        for table in (module.__dict__.get("_parameters", {}), module.__dict__.get("_buffers", {})):
            for t in table.values():
                if t is not None and id(t) not in memo:
                    if isinstance(t, torch.nn.parameter.UninitializedTensorMixin):
                        memo[id(t)] = type(t)(requires_grad=t.requires_grad, device=META, dtype=t.dtype)
                        continue
                    empty = torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=META)
                    memo[id(t)] = torch.nn.Parameter(empty, t.requires_grad) if isinstance(t, torch.nn.Parameter) else empty
    return copy.deepcopy(model, memo)


__all__ = ["Verified", "follow", "in_mode", "meta_copy", "named", "read", "stand_ins", "verify"]
