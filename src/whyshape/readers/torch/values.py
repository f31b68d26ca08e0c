"""Small questions about PyTorch's values: which tensors are in here, which sizes does this say, how does it lie in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from whyshape.rules import Made
from whyshape.rules.layout import lie_maps_last
from whyshape.sizes import plain

Tensor = torch.Tensor
META = torch.device("meta")


class Difference(NamedTuple):
    """Where PyTorch and a rule do not agree."""

    op: str
    path: str
    rule: Any
    torch: Any


def row_by_row(t) -> bool:
    """Whether it lies row by row, and nobody takes it for channels last: where sizes are 1 the steps between them decide."""
    return t.is_contiguous() and (t.dim() < 4 or t.stride(1) != 1 or t.stride(-2) == 1)


def channels_last(t) -> torch.memory_format | None:
    """The memory format of a map whose channels lie side by side, as `x.permute(0, 3, 1, 2)` leaves them; None of any other."""
    form = {4: torch.channels_last, 5: torch.channels_last_3d}.get(t.dim())
    if form is None or row_by_row(t):
        return None
    if t.is_contiguous(memory_format=form):
        return form
    return form if lie_maps_last(t) else None


def stand_ins(value):
    """The same arguments with every real tensor replaced by an empty meta tensor of its sizes."""
    if isinstance(value, Tensor):
        return value if value.is_meta else torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=META)
    if type(value) in (tuple, list):
        return type(value)([stand_ins(v) for v in value])
    if type(value) is dict:
        return {k: (META if k == "device" and v is not None else stand_ins(v)) for k, v in value.items()}
    return META if isinstance(value, torch.device) else value


def dtype_of(said, first) -> torch.dtype:
    """The dtype a rule said, by name or as it is; where it said none, that of the first tensor."""
    if said is None:
        return first.dtype if first is not None else torch.get_default_dtype()
    return getattr(torch, said) if type(said) is str else said


def packed(func, outs):
    """Several results as PyTorch returns them: a named tuple where it has one for this function."""
    made = getattr(torch.return_types, getattr(func, "__name__", ""), None)
    return made(outs) if made is not None else outs


def tensors_in(value):
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from tensors_in(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from tensors_in(v)


def of_arrays(value) -> str:
    """What to say of numpy arrays among a model's inputs, where it did not run; nothing where there are none."""
    if type(value).__module__ == "numpy" and hasattr(value, "shape"):
        return "a numpy array arrived, and PyTorch's layers take tensors: give torch.from_numpy(array)"
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return next(filter(None, map(of_arrays, inside)), "")


def first_tensor(value):
    return next(tensors_in(value), None)


def shapes_of(made):
    if made is None:
        return []
    if type(made) is list:
        return [s for m in made for s in shapes_of(m)]
    return [tuple(plain(made.shape if type(made) is Made else made))]


def text(shape):
    return "x".join(str(int(n)) for n in shape) or "a single number"


def first_sentence(error) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
