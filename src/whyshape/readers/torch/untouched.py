"""The model and the program stay as they were: whatever the model's Python code sets during a trace is put back."""

from __future__ import annotations

import random
import sys
import threading
from collections import OrderedDict, defaultdict, deque
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import torch
from torch.utils.hooks import RemovableHandle

_CONTAINERS = frozenset((list, dict, set, deque, OrderedDict, defaultdict))
_EMPTY = {kind: kind() for kind in _CONTAINERS}
_ROOM = 10_000  # items of the containers that one attribute holds: beyond, it is data and not state
# What an attribute may hold that has no state of its own, or state that is not the model's.
_CLOSED = (torch.Tensor, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, torch.Generator)
_HELD = [name for name, held in vars(torch.nn.Module()).items() if type(held) in _CONTAINERS]
_TABLES = itemgetter(*[name for name in _HELD if "_hooks" not in name])
_HOOKS = itemgetter(*[name for name in _HELD if "_hooks" in name])
# PyTorch's own layers that set attributes in their forward, or call functions they were given.
_BUSY = tuple(f"torch.nn.modules.{name}" for name in ("rnn", "transformer", "loss", "lazy"))


@contextmanager
def untouched(modules):
    """Put back every attribute, container and hook of these modules, and the dice and modes of the program."""
    fields, containers = ([], []) if _only_pytorch(modules) else _held(modules)
    before = [f.copy() for f in fields]
    contents = [c.copy() if c else _EMPTY[type(c)] for c in containers]
    hooks = RemovableHandle.next_id
    try:
        with program_untouched():
            yield
    finally:
        _refill(fields, before)
        _refill(containers, contents)
        if RemovableHandle.next_id != hooks:
            for table in chain.from_iterable(_HOOKS(m.__dict__) for m in modules):
                for number in [n for n in table if n >= hooks]:
                    del table[number]


def _only_pytorch(modules) -> bool:
    """Whether no code runs here but that of PyTorch's own layers, which leaves them as they are."""
    for kind in {type(m) for m in modules}:
        if not _of_pytorch(kind) or not _of_pytorch(kind.forward) or not _of_pytorch(kind.__call__):  # a class may be given another forward
            return False
    for m in modules:
        f = m.__dict__
        if f["_forward_pre_hooks"] or f["_forward_hooks"] or f["_backward_pre_hooks"] or f["_backward_hooks"] or "forward" in f:
            return False
    return True


def _of_pytorch(code) -> bool:
    """Whether a class or function is that of PyTorch's own quiet layers."""
    return code.__module__.startswith("torch.nn.modules.") and not code.__module__.startswith(_BUSY)


def _held(modules) -> tuple[list[dict], list]:
    """The attributes of these modules, and the containers in which they keep things: parameters, hooks that are there, caches of their own."""
    fields = [m.__dict__ for m in modules]
    containers: list = []
    seen = set(map(id, fields))
    for module, f in zip(modules, fields.copy()):
        if type(module).__module__.startswith("torch.nn."):  # PyTorch's own layers keep nothing else
            containers += _TABLES(f)
            if f["_forward_pre_hooks"] or f["_forward_hooks"] or f["_backward_pre_hooks"] or f["_backward_hooks"]:
                containers += _HOOKS(f)
        else:
            for value in f.values():
                if type(value) in _CONTAINERS or (hasattr(value, "__dict__") and not isinstance(value, _CLOSED)):
                    _look_into(value, fields, containers, seen)
    return fields, containers


def _look_into(value, fields: list[dict], containers: list, seen: set[int]) -> None:
    """An attribute's containers, those inside them, and the attributes of plain objects among them."""
    stack, room = [value], _ROOM
    while stack and room > 0:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) in _CONTAINERS:
            containers.append(value)
            inside = value.values() if isinstance(value, dict) else value
        elif isinstance(value, _CLOSED) or id(getattr(value, "__dict__", seen)) in seen or type(value.__dict__) is not dict:
            continue
        else:
            seen.add(id(value.__dict__))
            fields.append(value.__dict__)
            inside = (
                value.__dict__.values()
                if isinstance(value, torch.nn.Module)
                else [v for v in value.__dict__.values() if type(v) in _CONTAINERS]
            )
        room -= len(inside)
        if room > 0:
            stack += [v for v in inside if type(v) in _CONTAINERS or hasattr(v, "__dict__")]


def _refill(containers: list, contents: list) -> None:
    if _same(containers, contents):  # nearly always, and told in one go
        return
    for container, kept in zip(containers, contents):
        if not _same(container, kept):
            container.clear()
            (container.extend if isinstance(container, (list, deque)) else container.update)(kept)


def _same(now, before) -> bool:
    try:
        return now == before  # Python asks `is` first: unchanged values are not compared
    except Exception:  # a changed value (a tensor, say) that cannot be compared: it is not the same
        return False


# -- the program around the model --------------------------------------------------------------------------------------


class _Kept(threading.local):
    already = False


_kept = _Kept()


@contextmanager
def program_untouched():
    """Put back the dice of Python, PyTorch and NumPy, and the modes of PyTorch. Held around many traces it spares each of them the work."""
    if _kept.already:
        yield
        return
    python, cpu, modes = random.getstate(), torch.get_rng_state(), _modes()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    dice = getattr(sys.modules.get("numpy"), "random", None)
    numpy = dice.get_state() if dice is not None else None
    _kept.already = True
    try:
        yield
    finally:
        _kept.already = False
        random.setstate(python)
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        if dice is not None:
            dice.set_state(numpy)
        if _modes() != modes:
            _set_modes(*modes)


_DEVICES = ("cpu", "cuda")


def _modes() -> tuple:
    autocast = [(torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in _DEVICES]
    return torch.is_grad_enabled(), torch.get_default_dtype(), _default_device(), autocast, torch.is_autocast_cache_enabled()


def _default_device() -> torch.device:
    """The device of new tensors. PyTorch 2.4 stumbles over one that was set and taken back: it is the CPU again."""
    try:
        return torch.get_default_device()
    except AttributeError:
        return torch.device("cpu")


def _set_modes(grad, dtype, device, autocast, cached) -> None:
    torch.set_grad_enabled(grad)
    torch.set_default_dtype(dtype)
    if _default_device() != device:
        torch.set_default_device(None if device.type == "cpu" else device)
    for d, (enabled, kept) in zip(_DEVICES, autocast):
        torch.set_autocast_enabled(d, enabled)
        torch.set_autocast_dtype(d, kept)
    torch.set_autocast_cache_enabled(cached)


# -- the model's modules -----------------------------------------------------------------------------------------------


def walk(model) -> list[tuple[str, torch.nn.Module]]:
    """Every module once with its path, without recursion: modules may be nested deeply, or hold themselves."""
    found, seen, stack = [], set(), [("", model)]
    while stack:
        path, module = stack.pop()
        if module is None or id(module) in seen:
            continue
        seen.add(id(module))
        found.append((path, module))
        inside = module.__dict__.get("_modules")
        if inside:
            stack.extend([(f"{path}.{name}" if path else name, child) for name, child in reversed(inside.items())])
    return found
