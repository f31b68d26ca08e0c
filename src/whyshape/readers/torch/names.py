"""Which of PyTorch's function objects stands for which rule.

A rule says bare names; PyTorch has each under several roofs: `torch.relu`, `torch.Tensor.relu`, `torch.nn.functional.relu`,
and in place as `relu_`. A dotted name stands for that one alone.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional

from whyshape.rules import RULES, Rule
from whyshape.rules.dtypes import cast_while

cast_while(lambda: torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"))
ROOFS = (torch, torch.Tensor, torch.nn.functional, torch._C._nn, torch._VF)


class Entry(NamedTuple):
    """How a function is answered: by which rule, under which name, and whether its first argument is changed in place."""

    op: str
    rule: type[Rule]
    in_place: bool = False


def dotted(name: str):
    """The object a dotted name stands for below `torch`, or None in this version.

    >>> dotted("Tensor.view") is torch.Tensor.view
    True
    """
    at = torch
    for part in name.removeprefix("torch.").split("."):
        at = getattr(at, part, None)
        if at is None:
            return None
    return at


def function_table() -> dict[Callable, Entry]:
    """Every function object of this PyTorch that a rule answers for."""
    table: dict[Callable, Entry] = {}
    for name, rule in sorted(RULES.items(), key=lambda entry: "." not in entry[0]):  # one alone before all of that name
        if "." in name:
            last = name.rpartition(".")[2]
            in_place = last == "__setitem__" or (last.endswith("_") and not last.endswith("__"))
            in_place = in_place or (last.startswith("__i") and last not in ("__invert__", "__index__", "__int__"))
            found = [(dotted(name), in_place)]
        else:
            found = [(getattr(roof, name, None), False) for roof in ROOFS]
            found += [(getattr(roof, name + "_", None), True) for roof in ROOFS]
        for function, in_place in found:
            if function is not None and callable(function):
                table.setdefault(function, Entry(name, rule, in_place))
    return table


@functools.cache
def _table(with_torchvision: bool) -> dict[Callable, Entry]:
    return function_table()


def entry_of(func) -> Entry | None:
    """The rule that answers this function, if one does. Operators of torchvision are there from its import on."""
    return _table("torchvision" in sys.modules).get(func)


# What is no size and needs no rule: PyTorch answers it itself, from the stand-in.
FACTS = frozenset(
    [
        "dim",
        "ndimension",
        "is_floating_point",
        "is_complex",
        "is_signed",
        "is_contiguous",
        "is_inference",
        "stride",
        "storage_offset",
        "element_size",
        "get_device",
        "is_shared",
        "is_pinned",
        "is_same_size",
        "has_names",
        "data_ptr",
        "_version",
        "requires_grad_",
        "register_hook",
        "retain_grad",
        "is_set_to",
        "is_storage",
        "backward",
        "is_conj",
        "is_neg",
        "_is_view",
        "untyped_storage",
        "storage",
        "dim_order",
        "is_distributed",
        "is_vulkan_available",
        "register_post_accumulate_grad_hook",
        "share_memory_",
        "_assert",  # asks Python
    ]
)
# Of those the ones that tell how its numbers lie: what the model's own code does with the answer is not followed.
LAID = frozenset(
    ("is_contiguous", "stride", "storage_offset", "data_ptr", "_is_view", "untyped_storage", "storage", "dim_order", "is_set_to")
)
# What asks for the numbers inside a tensor: a stand-in has none.
VALUES = frozenset(
    [
        "item",
        "tolist",
        "numpy",
        "__bool__",
        "__int__",
        "__float__",
        "__complex__",
        "__index__",
        "__contains__",
        "is_nonzero",
        "equal",
        "allclose",
        "__array__",
        "__dlpack__",
        "_local_scalar_dense",
    ]
)
# Sizes, handed out as ints that remember which axis of which tensor they are.
SIZE_GETTERS = ("shape", "size", "__len__", "numel", "nelement")
